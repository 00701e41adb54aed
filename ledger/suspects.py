"""Finding the suspect entries of a prefix in the database (`ledger.soundness` decides which)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from ledger import jws, tables
from ledger.heads import Version
from ledger.soundness import (
    EVENTS,
    NOTHING_SUSPECT,
    Compromise,
    Event,
    Signed,
    Soundness,
    event_of,
    unsettles,
)
from ledger.statements import NaturalKey, read

_ENTRY, _HEAD = tables.entry.c, tables.head.c
_SIGNED = (_ENTRY.index, _ENTRY.time, _ENTRY.kid, _ENTRY.type, _ENTRY.subject, _ENTRY.chain)
_CHAINS_OF_EVENTS = sa.select(_HEAD.opening).where(_HEAD.type.in_(EVENTS))
_ERASES = sa.select(sa.literal(1)).where(_HEAD.type == "erasure").limit(1)
_REVOKES = sa.select(sa.literal(1)).where(_HEAD.type.in_(("revocation", "recovery"))).limit(1)


_PAGE = 1000


@dataclass(frozen=True, slots=True)
class ChainEnd:
    """The last entry of a chain, and whether it is sound; ``key`` is what the chain is about.

    ``withdrawn``: nothing of the chain is in force.
    """

    key: NaturalKey
    index: int
    is_sound: bool
    withdrawn: bool


def ends_of(connection: sa.Connection, chains: Sequence[str]) -> dict[str, ChainEnd]:
    """By its opening, where each of these chains has come to."""
    sound = sa.func.coalesce(_HEAD.sound_digest == _HEAD.digest, sa.false())
    columns = (_HEAD.opening, _HEAD.key, _HEAD.index, sound, _HEAD.withdrawn)
    ends: dict[str, ChainEnd] = {}
    for start in range(0, len(chains), _PAGE):
        query = sa.select(*columns).where(_HEAD.opening.in_(chains[start : start + _PAGE]))
        for opening, key, index, is_sound, withdrawn in connection.execute(query):
            ends[opening] = ChainEnd(NaturalKey.parse(key), index, bool(is_sound), withdrawn)
    return ends


def soundness_if(connection: sa.Connection, size: int, feared: Compromise) -> Soundness:
    """What would be suspect after the first ``size`` entries if such a revocation came next."""
    return Soundness.of(stored_events(connection, size), [feared])


def soundness_at(connection: sa.Connection, size: int) -> Soundness:
    """What is suspect after the first ``size`` entries that are stored."""
    if connection.execute(_REVOKES).scalar_one_or_none() is None:
        return NOTHING_SUSPECT
    events = stored_events(connection, size)
    if not any(unsettles(event.statement) for event in events):
        return NOTHING_SUSPECT
    return Soundness.of(events)


def stored_events(connection: sa.Connection, size: int) -> list[Event]:
    """The key events among the first ``size`` entries, the genesis first."""
    of_keys = sa.or_(_ENTRY.index == 0, _ENTRY.chain.in_(_CHAINS_OF_EVENTS))
    query = sa.select(*_SIGNED, _ENTRY.envelope).where(of_keys, _ENTRY.index < size)
    rows = connection.execute(query.order_by(_ENTRY.index))
    return [event_of(Signed(*signed), read(jws.parse(envelope))) for *signed, envelope in rows]


def suspects_at(connection: sa.Connection, soundness: Soundness, size: int) -> dict[int, int]:
    """Suspect entry -> the entry that made it so, among the first ``size`` that are stored."""
    if soundness.is_clean:
        return {}
    found: dict[int, int] = {}
    for which in _candidates(soundness):
        query = (
            sa.select(*_SIGNED, _HEAD.key)
            .join(tables.head, _HEAD.opening == _ENTRY.chain)
            .where(which, _ENTRY.index < size)
        )
        for *signed, key in connection.execute(query):
            entry = replace(Signed(*signed), objects=NaturalKey.parse(key).parts)
            if (cause := soundness.cause(entry)) is not None:
                found[entry.index] = cause
    return found


def _candidates(soundness: Soundness) -> Iterator[sa.ColumnElement[bool]]:
    """Conditions that every suspect entry meets one of, each with an index to find it by."""
    for kid, stolen in soundness.compromised.items():
        since = _ENTRY.time >= stolen.since
        yield sa.and_(_ENTRY.kid == kid, _ENTRY.index < stolen.cause, since)
    for kid, spans in soundness.spans.items():
        for span in spans:
            yield sa.and_(_ENTRY.kid == kid, _ENTRY.index > span.start, _ENTRY.index < span.end)
    if soundness.unaccepted:
        yield _ENTRY.index.in_(list(soundness.unaccepted))
    doubtful = {
        pair for pair, said in soundness.allowed.items() if any(each.cause for each in said)
    }
    for subject, delegate in doubtful:
        kids = [kid for kid, whose in soundness.enterprises.items() if whose == delegate]
        yield sa.and_(_ENTRY.subject == subject, _ENTRY.kid.in_(kids))
    for (thing, enterprise), spans in soundness.usurped.items():
        about = sa.and_(_ENTRY.subject == enterprise, _HEAD.key.contains(thing, autoescape=True))
        for span in spans:
            yield sa.and_(_ENTRY.index > span.start, _ENTRY.index < span.end, about)


def last_of_chains(connection: sa.Connection, size: int, suspects: Mapping[int, int]) -> list[int]:
    """What it takes to know what stands after ``size`` entries, in the order of indexes.

    Of every chain the last sound entry; where that is a withdrawal, also the sound statement that
    it ended. A payload that an entry before ``size`` erased is left out: nothing takes its place,
    also not what an erased withdrawal ended.
    """
    shaken = set(chains_of(connection, list(suspects)))
    erased = erased_before(connection, size)
    within = _ENTRY.index < size
    ended = sa.select(_ENTRY.chain).where(within, _ENTRY.type == "withdrawal")
    said = sa.and_(within, _ENTRY.type != "withdrawal", _ENTRY.chain.in_(ended))
    stated = {chain: index for index, chain in connection.execute(_last(said))}
    wanted: set[int] = set()
    for index, chain in connection.execute(_last(within)):
        if index not in erased and chain not in shaken:
            wanted.update((index, stated.get(chain, index)))
    for versions in versions_of(connection, sorted(shaken), size).values():
        sound = set(_last_sound(versions, suspects))
        if max(sound, default=-1) not in erased:
            wanted |= sound
    return sorted(wanted - erased)


def erased_before(connection: sa.Connection, size: int) -> set[int]:
    """The entries whose payload one of the first ``size`` erased."""
    if connection.execute(_ERASES).scalar_one_or_none() is None:
        return set()
    query = sa.select(_ENTRY.index).where(_ENTRY.erased_by < size)
    return set(connection.execute(query).scalars())


def versions_of(
    connection: sa.Connection, chains: Sequence[str], size: int
) -> dict[str, list[Version]]:
    """By chain, its entries among the first ``size``, in their order."""
    columns = (_ENTRY.index, _ENTRY.type, _ENTRY.signed, _ENTRY.subject, _ENTRY.erased_by)
    query = sa.select(_ENTRY.chain, *columns).where(_ENTRY.index < size).order_by(_ENTRY.index)
    found: dict[str, list[Version]] = {chain: [] for chain in chains}
    for start in range(0, len(chains), _PAGE):
        which = _ENTRY.chain.in_(chains[start : start + _PAGE])
        for chain, *version in connection.execute(query.where(which)):
            found[chain].append(Version(*version))
    return found


def chains_of(connection: sa.Connection, indexes: Sequence[int]) -> list[str]:
    """The chains to which entries belong."""
    found: set[str] = set()
    for start in range(0, len(indexes), _PAGE):
        of = sa.select(_ENTRY.chain).where(_ENTRY.index.in_(indexes[start : start + _PAGE]))
        found.update(connection.execute(of).scalars())
    return sorted(found)


def _last(which: sa.ColumnElement[bool]) -> sa.Select[Any]:
    last = sa.func.max(_ENTRY.index).label("index")
    return sa.select(last, _ENTRY.chain).where(which).group_by(_ENTRY.chain)


def _last_sound(versions: Sequence[Version], suspects: Mapping[int, int]) -> Iterator[int]:
    sound = [version for version in reversed(versions) if version.index not in suspects]
    yield from (version.index for version in sound[:1])
    yield from [version.index for version in sound if not version.withdraws][:1]
