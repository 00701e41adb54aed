"""How good the data behind a figure are, in the terminal."""

from __future__ import annotations

from typing import Any, Final

import click
from rich.table import Table
from rich.text import Text

from api.cli.figures import (
    PLURALS,
    Bar,
    asked_client,
    id_of,
    number_text,
    query_of,
    rung_text,
    year_options,
)
from api.cli.speech import Speech, pass_speech
from api.figures.numbers import percent

_DIGITS: Final = 4
_WORST: Final = 5


@click.command()
@click.argument("kind", type=click.Choice(list(PLURALS)))
@click.argument("which", metavar="ID|NAME")
@year_options
@pass_speech
def quality(
    speech: Speech,
    /,
    kind: str,
    which: str,
    server: str | None,
    token: str | None,
    **asked: Any,
) -> None:
    """How good the data behind the figure of a product, a park or an enterprise are.

    Primary data, ratings, verification, age and spread, weighed by carbon. What is not known of all
    of the carbon is marked, with the part that it is known of.
    """
    client = asked_client(speech, server, token)
    entity = id_of(client, PLURALS[kind], which)
    answer = client.about(PLURALS[kind], entity, "quality", **query_of(**asked))
    if speech.as_json:
        speech.json(answer)
        return
    about = answer[kind]
    speech.out.print(Text(about["name"], style="bold"), Text(about["id"], style="dim"))
    speech.say("%(year)s, GWP %(gwp)s, from %(at)d entries; last moved by entry %(as_of)d.",
               year=str(answer["year"]), gwp=answer["gwp"], at=answer["at"],
               as_of=answer["asOf"])  # fmt: skip
    for heading, part in _parts(speech, kind, answer):
        speech.out.print()
        _show(speech, heading, part, answer["unit"])
    for row in answer["findings"]:
        speech.out.print(Text(f"  {row['sentence']}"))


def _parts(speech: Speech, kind: str, answer: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    if kind == "product":
        return [(speech.text("Footprint"), answer)]
    return [
        ("T2", answer["t2"]),
        (speech.text("Scope 1"), answer["scope1"]),
        (speech.text("Upstream"), answer["upstream"]),
    ]


def _show(speech: Speech, heading: str, part: dict[str, Any], unit: str) -> None:
    table = speech.table(heading, "", "Value", "Known of", right=("Value", "Known of"))
    _interval(speech, table, part, unit)
    _average(speech, table, speech.text("Primary data"), part["primaryDataShare"])
    for name, heading in (
        ("technology", speech.text("Rating: technology")),
        ("geography", speech.text("Rating: geography")),
        ("time", speech.text("Rating: time")),
    ):
        _rating(speech, table, heading, part["ratings"][name])
    _verified(speech, table, part["verified"])
    _age(speech, table, part)
    for row in part["rungs"] or ():
        name = speech.text("Rung: %(rung)s", {"rung": rung_text(speech, row["rung"])})
        _share(table, name, row["share"])
    speech.out.print(table)


def _interval(speech: Speech, table: Table, part: dict[str, Any], unit: str) -> None:
    figure, spread = part["amount"], part["uncertainty"]
    value = figure["value"]
    told = f"≥ {number_text(figure['atLeast'])}" if value is None else number_text(value)
    table.add_row(unit, "", told, "")
    if spread is None:
        return
    table.add_row(speech.text("Spread (GSD)"), "", _short(spread["gsd"]), "")
    if spread["lower"] is not None:
        bounds = f"{number_text(spread['lower'])} – {number_text(spread['upper'])}"
        table.add_row(speech.text("Between, 19 times in 20"), "", bounds, "")
    if spread["byDefault"] is not None:
        _share(table, speech.text("  of its variance by default"), spread["byDefault"])


def _average(speech: Speech, table: Table, name: str, average: dict[str, Any] | None) -> None:
    if average is None:
        table.add_row(name, "", speech.text("not shown"), "")
        return
    share = average["ofTold"]
    told = "?" if share is None else percent(float(share))
    table.add_row(name, _bar(share), told, percent(float(average["told"])))


def _rating(speech: Speech, table: Table, name: str, average: dict[str, Any] | None) -> None:
    """The longer the bar, the better: 5 is worst and has none."""
    if average is None:
        table.add_row(name, "", speech.text("not shown"), "")
        return
    rating = average["ofTold"]
    drawn = None if rating is None else str((_WORST - float(rating)) / (_WORST - 1))
    told = "?" if rating is None else _short(rating)
    table.add_row(name, _bar(drawn), told, percent(float(average["told"])))


def _verified(speech: Speech, table: Table, shares: dict[str, Any] | None) -> None:
    for level, name in (
        ("limited", speech.text("Verified, limited assurance")),
        ("reasonable", speech.text("Verified, reasonable assurance")),
    ):
        if shares is None:
            table.add_row(name, "", speech.text("not shown"), "")
        else:
            _share(table, name, shares[level])


def _age(speech: Speech, table: Table, part: dict[str, Any]) -> None:
    age, oldest = part["age"], part["oldest"]
    if age is not None and age["ofTold"] is not None:
        told = percent(float(age["told"]))
        table.add_row(speech.text("Age in years"), "", _short(age["ofTold"]), told)
    if oldest is not None:
        table.add_row(speech.text("  of the oldest datum"), "", _short(oldest), "")


def _share(table: Table, name: str, share: str) -> None:
    table.add_row(name, _bar(share), percent(float(share)), "")


def _bar(share: str | None) -> Bar | str:
    return "" if share is None else Bar(float(share), 1.0)


def _short(text: str) -> str:
    return f"{float(text):,.{_DIGITS}g}"
