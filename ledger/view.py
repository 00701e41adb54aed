"""What admission sees of a log, and what it says of a statement that it takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from ledger.statements import (
    BODIES,
    Body,
    Certificate,
    Delegation,
    Entity,
    Footprint,
    Key,
    Membership,
    NaturalKey,
    Periodic,
    Statement,
    Transfer,
)
from ledger.statements.certificates import normalised

JTI: Final = "jti"
ENTITY_ID: Final = "id"
PACT_ID: Final = "pact-id"
CERTIFIED: Final = "certificate"

_PERIODIC: Final = frozenset(kind for kind, body in BODIES.items() if issubclass(body, Periodic))


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain has come to.

    ``digest`` and ``index`` are of its last entry, ``sound_digest`` of the last that is not suspect
    (`ledger.soundness`), ``None`` if all are. The sound ones decide the rest: ``stated_index`` is
    of the last that is no withdrawal (of the last at all where none is sound), ``owner`` the
    subject of the last, and ``withdrawn`` is set when nothing is in force: the last is a
    withdrawal, its payload is erased, or there is none. ``opening`` is the digest of the first
    entry; ``about`` (`about_of`) is the same along the chain.
    """

    key: NaturalKey
    about: tuple[str, ...]
    opening: str
    digest: str
    sound_digest: str | None
    index: int
    stated_index: int
    owner: str
    withdrawn: bool


@dataclass(frozen=True, slots=True)
class Stamp:
    """What is known of an entry without its payload; ``subject`` is empty where nothing tells."""

    type: str
    subject: str


class View(Protocol):
    """What the log holds, as far as admission asks."""

    def genesis(self) -> Statement | None:
        """Entry 0; ``None`` while the log is empty."""

    def head(self, key: NaturalKey) -> Head | None:
        """The head of the chain with this natural key."""

    def head_of(self, digest: str) -> Head | None:
        """The head of the chain in which the statement with this digest stands."""

    def heads_about(self, kind: str, about: tuple[str, ...]) -> Sequence[Head]:
        """The heads of a type that have this ``about`` and are in force, in the log's order."""

    def stated(self, head: Head) -> Body:
        """What the statement at ``head.stated_index`` says."""

    def statement(self, digest: str) -> Statement | None:
        """The statement with this digest; ``None`` if there is none, or its payload is erased."""

    def stamp(self, digest: str) -> Stamp | None:
        """What outlives the payload of a statement; ``None`` if none has this digest."""

    def taken(self, space: str, value: str) -> int | None:
        """The index of the entry that claimed a value, if one did."""

    def root(self, size: int) -> bytes:
        """The root of the tree over the first ``size`` entries; raises OutsideTree."""


@dataclass(frozen=True, slots=True)
class Admission:
    """Where an admitted statement belongs, and what it claims for good."""

    key: NaturalKey
    opening: str
    owner: str
    about: tuple[str, ...]
    claims: tuple[tuple[str, str], ...]
    on_behalf: bool


def claims_of(statement: Statement, *, opens: bool = True) -> tuple[tuple[str, str], ...]:
    """The (space, value) pairs that a statement claims, its ``jti`` first.

    An id, and the serial numbers of certificates, are claimed by the statement that ``opens`` the
    chain: those that follow it keep them. Serial numbers are claimed in one spelling each.
    """
    body = statement.body
    claims = [(JTI, f"{statement.envelope.kid}:{statement.common.jti}")]
    if isinstance(body, Footprint):
        claims.append((PACT_ID, body.pact.id))
    if isinstance(body, Entity) and opens:
        claims.append((ENTITY_ID, body.id))
    if isinstance(body, Certificate) and opens:
        serials = map(normalised, body.serials)
        claims += [(CERTIFIED, f"{body.registry}|{each}") for each in serials]
    return tuple(claims)


def about_of(body: Body, subject: str) -> tuple[str, ...]:
    """By what the heads of a type are found together; empty where nothing asks for that."""
    match body:
        case Membership():
            return (body.park, body.site)
        case Delegation():
            return (subject, body.delegate)
        case Key():
            return (subject, body.replaces or "")
        case Transfer():
            return (body.object.id,)
        case _:
            return about_of_key(body.natural_key(subject))


def about_of_key(key: NaturalKey) -> tuple[str, ...]:
    """As ``about_of``, for types whose natural key tells it."""
    if key.type in _PERIODIC:
        *about, _, _ = key.parts
        return (*about, str(Periodic.span(key)[0].year))
    return (key.parts[0],) if key.type == "accreditation" else ()
