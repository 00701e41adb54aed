"""Sign the demonstration's statements and append them, all or nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from api.demo import books, footprints, meters, plans, rules, tables, trust
from api.errors import DemoInProduction
from api.publication.publication import publishable
from api.settings import Settings
from graph.engine import Engine, Question
from ledger import jws, strict_base64
from ledger.keys import PrivateKey
from ledger.log import Log, Refused
from ledger.schema import dump
from ledger.statements import (
    VERSION,
    Body,
    Common,
    Key,
    LogId,
    Membership,
    NaturalKey,
    payload_of,
    roles_for,
)

Progress: TypeAlias = Callable[[int, int], None]
"""Called with how many statements are signed, and of how many."""

_SECRET_PREFIX: Final = b"INSECURE catchment demonstration key: "
_JTI_BYTES = 18


@dataclass(frozen=True, slots=True)
class DemoEnterprise:
    """An enterprise of the demonstration; `insecure_key` takes its ``name``."""

    name: str
    id: str
    legal_name: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DemoSummary:
    """What is in the demonstration, and how many statements this load added.

    ``statements`` is 0 where others than the operator had spoken already: the log was left alone.
    """

    statements: int
    enterprises: tuple[DemoEnterprise, ...]
    parks: dict[str, str]
    """Name of each park -> its id."""
    sites: int
    products: int

    @property
    def loaded(self) -> bool:
        return self.statements > 0


def load(
    log: Log, registrar_key: PrivateKey, now: int, progress: Progress | None = None
) -> DemoSummary:
    """Fill a fresh log with the demonstration, signed at ``now`` (seconds since 1970, UTC).

    Does nothing to a log in which anybody but its operator has spoken. Everything comes in one
    transaction, so an interrupted load leaves the log as it was; then the parks publish their
    figures.

    Raises
    ------
    DemoInProduction
        The demonstration's keys are known to everybody.
    CatchmentError
        Whatever the first refused statement was refused for.
    """
    if Settings.from_env().is_production:
        raise DemoInProduction
    if _others_have_spoken(log):
        return _summary(0)
    speaker = _Speaker(log, registrar_key, now)
    envelopes = _signed(speaker, progress)
    _append(log, envelopes)
    figures = _published(log, speaker)
    _append(log, figures)
    return _summary(len(envelopes) + len(figures))


def insecure_key(enterprise: str) -> PrivateKey:
    """The signing key of an enterprise of the demonstration, by its name in the tables.

    Anybody can derive it: it proves nothing, and must never speak for a real enterprise.
    """
    secret = hashlib.sha256(_SECRET_PREFIX + enterprise.encode()).digest()
    return PrivateKey(Ed25519PrivateKey.from_private_bytes(secret))


def _append(log: Log, envelopes: list[bytes]) -> None:
    refused = (o for o in log.append(envelopes, atomic=True) if isinstance(o, Refused))
    if first := next(refused, None):
        raise first.error


def _published(log: Log, speaker: _Speaker) -> list[bytes]:
    """The figure of each park in the latest year, signed by its park company."""
    engine = Engine(log)
    standing = engine.standing()
    parks = {row["enterprise"]: tables.id_of(row["park"]) for row in tables.rows("parks")}
    return [
        speaker.sign(company, publishable(log, engine.park(park, Question()), standing))
        for company, park in parks.items()
    ]


def _others_have_spoken(log: Log) -> bool:
    operator = log.genesis.subject
    return any(entry.statement.subject != operator for entry in log.entries())


def _summary(statements: int) -> DemoSummary:
    enterprises = tuple(
        DemoEnterprise(name, body.id, body.name, roles)
        for name, roles, body in tables.enterprises()
    )
    return DemoSummary(
        statements=statements,
        enterprises=enterprises,
        parks={row["name"]: tables.id_of(row["park"]) for row in tables.rows("parks")},
        sites=len(tables.rows("sites")),
        products=len(tables.rows("products")),
    )


class _Speaker:
    """Signs for the enterprises of the demonstration, and as the registrar."""

    def __init__(self, log: Log, registrar_key: PrivateKey, now: int) -> None:
        self.operator = log.genesis.subject
        self.log_id = LogId(origin=log.genesis.common.log.origin, genesis=log.genesis.digest)
        self.registrar_key, self.now = registrar_key, now
        self._said = 0
        self._digests: dict[NaturalKey, str] = {}

    def digest_of(self, key: NaturalKey) -> str:
        """Of what was signed about ``key``."""
        return self._digests[key]

    def sign(self, name: str, body: Body) -> bytes:
        """Sign what is said of the enterprise ``name``: by itself, or by the registrar.

        What the registrar says for the whole log is said of its operator.
        """
        own = self.operator if name == tables.REGISTRAR else tables.id_of(name)
        by_registrar = roles_for(body.TYPE) == ("registrar",)
        common = Common(
            type=body.TYPE,
            v=VERSION,
            log=self.log_id,
            jti=self._jti(),
            iat=self.now,
            iss=self.operator if by_registrar else own,
            subject=own,
        )
        key = self.registrar_key if by_registrar else insecure_key(name)
        envelope = jws.sign(payload_of(common, body), key)
        self._digests[body.natural_key(own)] = str(jws.parse(envelope).signing_digest)
        return envelope

    def _jti(self) -> str:
        """Not random, so that a load repeats to the byte; unique in its log all the same."""
        self._said += 1
        unique = f"{self.log_id.genesis} {self.now} {self._said}".encode()
        return strict_base64.to_url(hashlib.sha256(unique).digest()[:_JTI_BYTES])


def _signed(speaker: _Speaker, progress: Progress | None) -> list[bytes]:
    total = len(list(_spoken(speaker.log_id, lambda _: "")))
    envelopes = []
    # What is verified is signed before its verifier asks for its digest.
    for name, body in _spoken(speaker.log_id, speaker.digest_of):
        envelopes.append(speaker.sign(name, body))
        if progress is not None:
            progress(len(envelopes), total)
    return envelopes


def _spoken(log: LogId, digest_of: trust.DigestOf) -> Iterator[tables.Said]:
    """Everything that is said, in an order in which the log can take it."""
    yield from rules.rules()
    for name, roles, enterprise in tables.enterprises():
        yield name, enterprise
        yield name, _key(name, roles, log)
    yield from tables.entities()
    for row in tables.rows("memberships"):
        yield tables.owner_of("parks", row["park"]), _membership(row, log)
    yield from books.books()
    yield from meters.meters()
    yield from plans.plans()
    yield from footprints.footprints()
    yield from trust.disclosures()
    yield from trust.accreditations()
    yield from trust.attestations(digest_of)


def _key(name: str, roles: tuple[str, ...], log: LogId) -> Key:
    key = insecure_key(name)
    promise = {
        "log": dump(log),
        "enterprise": tables.id_of(name),
        "thumbprint": key.public.kid,
    }
    proof = jws.sign(promise, key, jws.KEY_PROOF_TYP).decode()
    return Key(action="register", jwk=key.public.jwk, roles=roles, proof=proof)


def _membership(row: tables.Row, log: LogId) -> Membership:
    consent = tables.consent(row, log)
    owner = insecure_key(tables.owner_of("sites", row["site"]))
    return Membership(
        park=consent.park,
        site=consent.site,
        serial=1,
        start=consent.start,
        end=consent.end,
        consent=jws.sign(dump(consent), owner, jws.CONSENT_TYP).decode(),
    )
