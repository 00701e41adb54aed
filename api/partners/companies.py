"""Of whom a partner's host speaks: its companies, as enterprises of this log.

A company is found by the URNs that its footprints give it. Who speaks for itself here is never
overruled by what a host says of it; and of an enterprise whose key the operator holds, only the
partner may speak through whom it was admitted. Nobody is admitted but by the operator's command,
which has the registrar's key.
"""

from __future__ import annotations

import re
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, cast

from api.keys.keyfile import KeyFile
from api.keys.signing import signed
from api.partners.partners import Partner, partners_of
from api.services import Services
from api.submission import submission
from api.submission.custody import custody_of
from ledger import identifiers
from ledger.errors import CatchmentError, IdentifierRefused
from ledger.log import Refused
from ledger.pact import ProductFootprint
from ledger.standing import Standing
from ledger.statements import Body, Enterprise, Key

SPACE: Final = uuid.UUID("5b6f2a58-6d1c-5c0e-9a83-7f1d3f3f0c11")
"""In which ids are derived of what partners' footprints are about (RFC 9562, version 5)."""
MOST_IDENTIFIERS: Final = 50
LONGEST_NAME: Final = 400
_TURNS: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")

SPEAKS_FOR_ITSELF: Final = "speaks for itself"
OF_ANOTHER: Final = "not this partner's"
WAITS: Final = "company waits for the operator"
AMBIGUOUS: Final = "several companies"


@dataclass(frozen=True, slots=True)
class Speaker:
    """The enterprise a footprint is of, or in ``outcome`` why nobody can say it here."""

    enterprise: str | None = None
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A company that waits to be admitted; ``enterprise`` if it is registered and has no key."""

    name: str
    identifiers: tuple[str, ...]
    enterprise: str | None = None


class Companies:
    """What stands of enterprises and their keys, for the footprints of one partner."""

    def __init__(self, services: Services, partner: Partner, standing: Standing) -> None:
        self._services, self._partner, self._standing = services, partner, standing

    def speaker(self, footprint: ProductFootprint) -> Speaker:
        """Whose footprint it is, and whether this partner may have it said."""
        return self._judged(self._named(keys_of(footprint.company_ids)))

    def newcomers(self, footprints: Iterable[ProductFootprint]) -> list[Newcomer]:
        """The companies of footprints that wait, each once: those that share a URN are one."""
        waiting: list[Newcomer] = []
        for footprint in footprints:
            named = self._named(keys_of(footprint.company_ids))
            urns = valid_urns(footprint.company_ids)
            if urns and self._judged(named).outcome == WAITS:
                known = next(iter(named), None)
                waiting = _merged(waiting, Newcomer(line(footprint.company_name), urns, known))
        return waiting

    def _named(self, keys: Iterable[str]) -> set[str]:
        return {each for key in keys for each in self._by_key.get(key, ())}

    def _judged(self, named: set[str]) -> Speaker:
        if named & self._own_voices:
            return Speaker(outcome=SPEAKS_FOR_ITSELF)
        if len(named) > 1:
            return Speaker(outcome=AMBIGUOUS)
        if not named:
            return Speaker(outcome=WAITS)
        (enterprise,) = named
        if not self._is_partners(enterprise):
            return Speaker(outcome=OF_ANOTHER)
        if not custody_of(self._services).holds(enterprise):
            return Speaker(outcome=WAITS)
        return Speaker(enterprise)

    def _is_partners(self, enterprise: str) -> bool:
        """The one the host belongs to, or one admitted through it, and through no other."""
        through = {each.id for each in partners_of(self._services).through_whom(enterprise)}
        if through:
            return through == {self._partner.id}
        return enterprise == self._partner.enterprise

    @cached_property
    def _by_key(self) -> dict[str, set[str]]:
        found = defaultdict(set)
        for enterprise, said in self._standing.enterprises.items():
            for key in keys_of(cast(Enterprise, said.statement.body).identifiers):
                found[key].add(enterprise)
        return found

    @cached_property
    def _own_voices(self) -> set[str]:
        """Enterprises that ever had a key of their own: the operator and all who sign here."""
        keys = self._standing.statements(Key.TYPE)
        own = {each.owner for each in keys if cast(Key, each.statement.body).custody == "self"}
        return own | {self._services.log.genesis.subject}


def admit(
    services: Services, partner: Partner, registrar: KeyFile, newcomer: Newcomer
) -> tuple[Partner, str]:
    """Register a company, if it is not, and a key for it that the operator holds.

    The partner, who may speak of it from now on, and its id. Raises what the log refuses it for.
    """
    if newcomer.enterprise is None:
        enterprise = registered(services, registrar, newcomer.name, newcomer.identifiers)
    else:
        enterprise = newcomer.enterprise
        _extend(services, registrar, enterprise, newcomer.identifiers)
    # Who may speak of it is known before there is a key to speak with.
    taken = partners_of(services).takes_company(partner, enterprise)
    try:
        _say(services, registrar, custody_of(services).make(enterprise), enterprise)
    except CatchmentError:
        custody_of(services).path(enterprise).unlink(missing_ok=True)  # it signs nothing
        raise
    return taken, enterprise


def registered(
    services: Services, registrar: KeyFile, name: str, identifiers: tuple[str, ...]
) -> str:
    """Say that there is an enterprise; its id, which always comes of the same URNs."""
    enterprise = derived("enterprise", *sorted(keys_of(identifiers)))
    body = Enterprise(id=enterprise, name=name, identifiers=identifiers)
    _say(services, registrar, body, enterprise)
    return enterprise


def _extend(services: Services, registrar: KeyFile, enterprise: str, urns: Iterable[str]) -> None:
    """Have an enterprise found by more URNs: otherwise it would be admitted once more by those."""
    said = services.engine.standing().enterprises[enterprise]
    body = cast(Enterprise, said.statement.body)
    known = keys_of(body.identifiers)
    new = [urn for urn in urns if not set(keys_of([urn])) <= set(known)]
    if new:
        more = replace(body, identifiers=(*body.identifiers, *new)[:MOST_IDENTIFIERS])
        _say(services, registrar, more, enterprise, said.digest)


def _say(
    services: Services, key: KeyFile, body: Body, enterprise: str, prev: str | None = None
) -> None:
    (outcome,) = submission.append(services, [signed(key, body, enterprise, prev)])
    if isinstance(outcome, Refused):
        raise outcome.error


def derived(*parts: str) -> str:
    """The id that always comes of the same parts."""
    return str(uuid.uuid5(SPACE, "\n".join(parts)))


def valid_urns(urns: Iterable[str]) -> tuple[str, ...]:
    """Those that a statement may name, as they are written there, each once."""
    return tuple(dict.fromkeys(each.urn for each in _parsed(urns)))[:MOST_IDENTIFIERS]


def keys_of(urns: Iterable[str]) -> tuple[str, ...]:
    """What two names of the same thing have in common (`ledger.identifiers`)."""
    return tuple(dict.fromkeys(each.key for each in _parsed(urns)))


def line(text: str) -> str:
    """A name as a statement has it: one line, not too long, never empty, and read as it is
    written: nothing in it turns the direction of what stands beside it (UAX #9)."""
    return " ".join(_TURNS.sub("", text).split())[:LONGEST_NAME].strip() or "?"


def _parsed(urns: Iterable[str]) -> Iterator[identifiers.Identifier]:
    for urn in urns:
        try:
            yield identifiers.parse(urn)
        except IdentifierRefused:
            continue  # whatever it names, nobody can find it by that


def _merged(waiting: list[Newcomer], new: Newcomer) -> list[Newcomer]:
    """With one more; those it shares a URN with become one with it."""
    keys = set(keys_of(new.identifiers))
    same = [each for each in waiting if not keys.isdisjoint(keys_of(each.identifiers))]
    if not same:
        return [*waiting, new]
    urns = dict.fromkeys(urn for each in (*same, new) for urn in each.identifiers)
    whole = Newcomer(
        same[0].name,
        tuple(urns)[:MOST_IDENTIFIERS],
        next((each.enterprise for each in (*same, new) if each.enterprise), None),
    )
    return [whole if each is same[0] else each for each in waiting if each not in same[1:]]
