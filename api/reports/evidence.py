"""What a report rests on: a position of the log, and what was published of the same question."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import cast

from api.access.access import Access
from api.web.wire import iso_time
from ledger import strict_base64
from ledger.checkpoint import Checkpoint
from ledger.log import Log
from ledger.note import open_note
from ledger.standing import Said
from ledger.statements import Figure


@dataclass(frozen=True, slots=True)
class Published:
    """A published figure of what a report is about; ``is_same`` where it answers the question of
    the report, as nothing has moved it in between.

    ``results`` are (name, at least, value) in kg CO2e; ``receipt`` is the text of its C2SP
    tlog-proof, None for those who may not have it.
    """

    digest: str
    index: int
    time: str
    engine: str
    size: int
    root: str
    as_of: int
    is_same: bool
    results: tuple[tuple[str, Decimal, Decimal | None], ...]
    receipt: str | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """The first ``size`` entries of a log, with the ``root`` (base64) of the tree over them and the
    ledger ``time`` of the last; ``checkpoint`` is a signed note over ``checkpoint_size`` entries,
    which are as many or more."""

    origin: str
    size: int
    root: str
    time: str
    checkpoint: str
    checkpoint_size: int
    published: Published | None

    def timeless(self) -> Evidence:
        """What of it does not change when the log grows and nothing moves the figure."""
        published = self.published and replace(self.published, receipt=None)
        return Evidence(self.origin, 0, "", "", "", 0, published)


@dataclass(frozen=True, slots=True)
class About:
    """What a report is about: ``kind`` is park or enterprise, ``size`` the entries it is answered
    from, ``as_of`` the last that moved it; ``is_of_year`` unless it was asked as of a day."""

    kind: str
    id: str
    year: int
    gwp: str
    size: int
    as_of: int
    is_of_year: bool


def evidence(log: Log, access: Access, about: About) -> Evidence:
    """What there is to show for an answer."""
    said = _published_of(access, about) if about.is_of_year else None
    note = log.checkpoint()
    return Evidence(
        origin=log.origin,
        size=about.size,
        root=strict_base64.to_standard(log.root(about.size)),
        time=_time(log, about.size - 1),
        checkpoint=note.decode("utf-8"),
        checkpoint_size=Checkpoint.parse(open_note(note, [log.verifier]).text).size,
        published=_published(log, access, said, about) if said else None,
    )


def _published_of(access: Access, about: About) -> Said | None:
    """What was published of the question: moved last by the same entry, or else the latest."""
    found = [
        said
        for said in access.standing.statements(Figure.TYPE)
        if _is_about(_figure(said), about) and access.may_read_said(said)
    ]
    same = (said for said in found if _figure(said).as_of == about.as_of)
    return next(same, found[-1] if found else None)


def _is_about(figure: Figure, about: About) -> bool:
    of = figure.object.type, figure.object.id, figure.year, figure.gwp
    return of == (about.kind, about.id, about.year, about.gwp)


def _figure(said: Said) -> Figure:
    return cast(Figure, said.statement.body)


def _published(log: Log, access: Access, said: Said, about: About) -> Published:
    figure, entry = _figure(said), log.entry(said.index)
    is_shown = access.may_read_entry(entry)
    return Published(
        digest=said.digest,
        index=said.index,
        time=_time(log, said.index),
        engine=figure.engine,
        size=figure.at.size,
        root=figure.at.root,
        as_of=figure.as_of,
        is_same=figure.as_of == about.as_of,
        results=tuple(_results(figure)),
        receipt=log.receipt(said.index).encode().decode("utf-8") if is_shown else None,
    )


def _results(figure: Figure) -> Iterator[tuple[str, Decimal, Decimal | None]]:
    for result in figure.results:
        yield result.name, result.at_least, result.value


def _time(log: Log, index: int) -> str:
    return iso_time(log.entry(index).leaf.time)
