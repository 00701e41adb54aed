"""From answers to a document: which sections a report has, and in which order.

A pure function of the answers, the evidence and the reader's language. Every number is one of the
answers', in their unit; nothing is added up here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from flask_babel import get_locale, gettext

from api.figures.parts import Answer
from api.reports import inventory
from api.reports.document import (
    Cell,
    Document,
    Missing,
    Number,
    Row,
    Section,
    Table,
    Text,
    Whole,
)
from api.reports.evidence import Evidence, Published

KINDS: Final = ("park", "enterprise")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A part of a report that the reader may not have, or that there is none of: and why."""

    title: str
    sentence: str


Part = Section | LeftOut
"""What is told of accounts, targets and indicators, each by its own module."""


def report(answer: Answer, rests_on: Evidence, parts: Sequence[Part] = ()) -> Document:
    """The report of an inventory answer; ``parts`` follow what the answer says itself."""
    about = next(answer[kind] for kind in KINDS if kind in answer)
    sections = (
        identity(answer, rests_on),
        *inventory.sections(answer),
        *map(_section, parts),
        *_published_sections(rests_on.published),
    )
    return Document(
        title=f"{about['name']} {answer['year']}",
        name=about["name"],
        year=answer["year"],
        gwp=answer["gwp"],
        language=str(get_locale()),
        sections=sections,
    )


def _section(part: Part) -> Section:
    return Section(part.title, notes=(part.sentence,)) if isinstance(part, LeftOut) else part


# --- Which answer it is ----------------------------------------------------------------------


def identity(answer: Answer, rests_on: Evidence) -> Section:
    """What came of it, who and when, which position of the log, what was published, and how to
    check it."""
    title = gettext("What this is")
    rows = (*_question(answer), *_position(answer, rests_on), *_publication(rests_on))
    table = Table(gettext("Question and answer"), (gettext("Item"), gettext("Answer")), rows)
    notes = inventory.called(answer["status"]), *_checking(answer, rests_on)
    return Section(title, (inventory.result(answer), table), notes)


def _question(answer: Answer) -> Iterator[Row]:
    is_park = "park" in answer
    about = answer["park"] if is_park else answer["enterprise"]
    yield Text(gettext("Park") if is_park else gettext("Enterprise")), Text(about["name"])
    yield Text(gettext("Id")), Text(about["id"])
    yield Text(gettext("Year")), Text(str(answer["year"]))
    if answer["valid_on"]:
        yield Text(gettext("As of the day")), Text(answer["valid_on"])
    yield Text(gettext("Global warming potentials")), Text(answer["gwp"])
    method = gettext("operational fence; allocation as declared")
    yield Text(gettext("Method")), Text(method)
    yield Text(gettext("Engine")), Text(answer["engine"])
    if answer.get("memberships") is not None:
        yield Text(gettext("Memberships")), Whole(answer["memberships"])
    if answer["on_behalf"]:
        partly = gettext(
            "partly on behalf: some statements were signed by a delegate, or with a key that the "
            "operator holds"
        )
        yield Text(gettext("Said by")), Text(partly)


def _position(answer: Answer, rests_on: Evidence) -> Iterator[Row]:
    yield Text(gettext("Log")), Text(rests_on.origin)
    yield Text(gettext("Answered from so many entries")), Whole(rests_on.size)
    yield Text(gettext("Root of the tree over them")), Text(rests_on.root)
    yield Text(gettext("Time of the last of them")), Text(rests_on.time)
    yield Text(gettext("Moved last by entry")), Whole(answer["as_of"])
    yield Text(gettext("Signed checkpoint")), Text(rests_on.checkpoint)


def _publication(rests_on: Evidence) -> Iterator[Row]:
    published = rests_on.published
    if published is None:
        none = gettext("No figure that answers this question is published, or none for you.")
        yield Text(gettext("Published figure")), Missing(none)
        return
    yield Text(gettext("Published figure")), Text(published.digest)
    yield Text(gettext("Published as entry")), Whole(published.index)
    yield Text(gettext("Published at")), Text(published.time)
    yield Text(gettext("Published with engine")), Text(published.engine)
    yield Text(gettext("Published from so many entries")), Whole(published.size)
    yield Text(gettext("Root of the tree over them")), Text(published.root)
    yield Text(gettext("Compared with this report")), Text(_compared(published))
    yield Text(gettext("Receipt")), _receipt(published)


def _compared(published: Published) -> str:
    same = gettext("It answers exactly this question: nothing has moved it since.")
    other = gettext(
        "It answers this question as of entry %(entry)s; this report is as of another entry."
    )
    return same if published.is_same else str(other % {"entry": published.as_of})


def _receipt(published: Published) -> Cell:
    if published.receipt is not None:
        return Text(published.receipt)
    return Missing(gettext("For its issuer, its subject and auditors; the bundle proves the same."))


def _checking(answer: Answer, rests_on: Evidence) -> Iterator[str]:
    kind = "park" if "park" in answer else "enterprise"
    if rests_on.published is not None:
        yield gettext(
            "To check the published figure: fetch its bundle with “catchment bundle %(digest)s "
            "--out figure.zip”, then run “catchment verify figure.zip”, offline, with your own "
            "trust file."
        ) % {"digest": rests_on.published.digest}
    yield gettext(
        "To ask for the same again: “catchment %(kind)s %(id)s --year %(year)s --gwp %(gwp)s --at "
        "%(at)s”. Whoever has the same entries gets the same numbers."
    ) % {
        "kind": kind,
        "id": answer[kind]["id"],
        "year": answer["year"],
        "gwp": answer["gwp"],
        "at": rests_on.size,
    }
    if rests_on.checkpoint_size > rests_on.size:
        yield gettext(
            "The checkpoint covers %(covered)s entries; /v1/log/proofs/consistency?from=%(at)s&"
            "to=%(covered)s proves that it continues the tree of this report."
        ) % {"covered": rests_on.checkpoint_size, "at": rests_on.size}


# --- What was published ----------------------------------------------------------------------


def _published_sections(published: Published | None) -> Iterator[Section]:
    if published is None:
        return
    title = gettext("Published figure")
    heads = gettext("Result"), gettext("Amount"), gettext("Lower bound")
    rows = tuple(_result(*each) for each in published.results)
    yield Section(title, (Table(title, heads, rows),))


def _result(name: str, at_least: Decimal, value: Decimal | None) -> Row:
    is_open = value is None
    figure = Number(float(at_least if value is None else value), at_least=is_open)
    return Text(name), figure, Number(float(at_least))
