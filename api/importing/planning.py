"""What has to be said so that the log stands as wanted, beside what stands in it."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable, Iterator
from typing import Any, cast

from api.importing.wanted import Books, Reading, Stands, Step, Wanted
from ledger.statements import Body, Footprint, Periodic, Withdrawal


def plan(reading: Reading, books: Callable[[str], Books]) -> list[Step]:
    """What has to be said so that the log stands as wanted, in order."""
    return [step for wanted in reading.wanted for step in _steps(wanted, books(wanted.subject))]


def _steps(wanted: Wanted, books: Books) -> Iterator[Step]:
    yield from _ends(wanted, books)
    stands = books.get(wanted.body.natural_key(wanted.subject).text)
    if stands is None:
        yield Step("new", wanted, None)
        return
    wanted = _continued(wanted, stands)
    changed = differences(stands.body, wanted.body)
    yield Step("change" if changed else "unchanged", wanted, stands.digest, changed)


def _ends(wanted: Wanted, books: Books) -> Iterator[Step]:
    """Before the first of n parts: withdraw the parts of the same that were cut otherwise."""
    body = wanted.body
    if not isinstance(body, Periodic) or body.part.k != 1:
        return
    for stands in books.values():
        other = stands.body
        if (
            type(other) is type(body)
            and isinstance(other, Periodic)
            and (other.about, other.period) == (body.about, body.period)
            and other.part.n != body.part.n
        ):
            reason = f"Stated again in {body.part.n} parts."
            ended = Wanted(wanted.subject, Withdrawal(reason=reason), wanted.label, wanted.rows)
            yield Step("end", ended, stands.digest)


def _continued(wanted: Wanted, stands: Stands) -> Wanted:
    """A footprint that changes takes a new PACT id and names the one before it."""
    body, old = wanted.body, stands.body
    if not isinstance(body, Footprint) or not isinstance(old, Footprint):
        return wanted
    same = dataclasses.replace(
        body.pact,
        id=old.pact.id,
        created=old.pact.created,
        preceding_pf_ids=old.pact.preceding_pf_ids,
    )
    if same == old.pact:
        return dataclasses.replace(wanted, body=dataclasses.replace(body, pact=same))
    fresh = str(uuid.uuid5(uuid.UUID(str(body.pact.id)), stands.digest))
    later = dataclasses.replace(body.pact, id=fresh, preceding_pf_ids=(old.pact.id,))
    return dataclasses.replace(wanted, body=dataclasses.replace(body, pact=later))


def differences(old: Body, new: Body) -> tuple[str, ...]:
    """The members in which two bodies of one type differ."""
    names = [each.name for each in dataclasses.fields(cast(Any, new))]
    return tuple(name for name in names if getattr(old, name) != getattr(new, name))
