"""A small real log for tests, filled in one line per statement.

    f = new_factory()
    acme = f.enterprise("Acme")
    plant = acme.site("Plant")
    steel = acme.product("Steel")
    acme.recipe(steel, plant, emissions=[("CO2", "fossil", "2")], inputs=[(ore, "1.6", "KGM")])
    standing = f.standing()

Everything is signed, judged and stored as in production. Entities return their id, other
statements the `Accepted` that `correct` and `withdraw` take. What the log refuses is raised.
Ids and times come from a seed, so that a failure repeats; keys do not.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import random
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

import migrations
from ledger import jws, pact, units
from ledger.keys import PrivateKey
from ledger.log import Accepted, Log, Refused
from ledger.note import SignerKey
from ledger.referents import approved_members
from ledger.schema import load
from ledger.standing import Standing
from ledger.statements import (
    WHOLE,
    Accreditation,
    Attestation,
    Basis,
    Body,
    Common,
    Delegation,
    Delivery,
    DisclosedObject,
    Disclosure,
    Downstream,
    Emission,
    EndOfLife,
    Enterprise,
    Erasure,
    Footprint,
    Genesis,
    Holding,
    Holdings,
    InputLine,
    Inventory,
    Key,
    LogId,
    Membership,
    Park,
    Part,
    Period,
    Product,
    Production,
    Purchases,
    Recipe,
    Recovery,
    RecoveryKeys,
    Reference,
    Revocation,
    Site,
    Transfer,
    Transferred,
    Transport,
    Use,
    Withdrawal,
    payload_of,
)
from ledger.store import open_engine

ORIGIN = "log.test.example/2026"
START_MS = 1_768_435_200_000
"""2026-01-15T00:00:00Z: the year 2025 is over, and its books are closed."""

SQUARE = (("120", "31"), ("121", "31"), ("121", "32"), ("120", "32"))
"""A fence around the place where `Actor.site` puts sites by default."""

Line = InputLine | tuple[Any, ...]
Gas = Emission | tuple[str, ...]


class Clock:
    """A clock that only a test moves."""

    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int:
        return self.now_ms

    def advance(self, *, days: float = 0, seconds: float = 0) -> None:
        self.now_ms += round((days * 86_400 + seconds) * 1000)


class Factory:
    """A log with its operator, whose registrar key admits enterprises.

    ``place`` is the URL of a database that has the tables and no log, or a folder for one of
    SQLite.
    """

    def __init__(self, place: str | Path, *, seed: int = 0) -> None:
        self.random = random.Random(seed)
        self.clock = Clock(START_MS)
        self.url = place if isinstance(place, str) else f"sqlite:///{place}/log.db"
        self._opened: list[sa.Engine] = []
        self.engine = self._open()
        if not isinstance(place, str):
            migrations.upgrade(self.engine)
        self.signer = SignerKey(ORIGIN, PrivateKey.generate("EdDSA"))
        self.operator = Actor(self, self.uuid(), "Operator", PrivateKey.generate("EdDSA"))
        self.recovery_keys = [PrivateKey.generate("EdDSA") for _ in range(3)]
        self.genesis = self._genesis()
        self.log = Log.create(self.engine, self.genesis, self.signer, self.clock)
        self.log_id = LogId(origin=ORIGIN, genesis=self.log.genesis.digest)

    @property
    def database(self) -> Path:
        """The file that the log is in; for tests about files, which run on SQLite only."""
        return Path(str(self.engine.url.database))

    def _genesis(self) -> bytes:
        body = Genesis(
            name="Test log",
            registrar=self.operator.key.public.jwk,
            checkpoint_key=str(self.signer.verifier),
            recovery=RecoveryKeys(
                threshold=2, keys=tuple(key.public.jwk for key in self.recovery_keys)
            ),
            past_seconds=7 * 86_400,
            future_seconds=300,
        )
        self.log_id = LogId(origin=ORIGIN)
        return self.operator.sign(body)

    def uuid(self) -> str:
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def jti(self) -> str:
        return f"{self.random.getrandbits(130):033x}"

    def log_members(self) -> dict[str, str]:
        """The ``log`` member of proofs and consents."""
        return {"origin": ORIGIN, "genesis": str(self.log_id.genesis)}

    def _open(self) -> sa.Engine:
        self._opened.append(open_engine(self.url))
        return self._opened[-1]

    def reopen(self) -> Log:
        """The same log as another process would open it."""
        return Log(self._open(), self.signer, self.clock)

    def close(self) -> None:
        """Close the database; the ``factory`` fixture does it."""
        for engine in self._opened:
            engine.dispose()

    def append(self, envelope: bytes) -> Accepted:
        """Append one envelope; raises what it is refused for."""
        (outcome,) = self.log.append([envelope])
        if isinstance(outcome, Refused):
            raise outcome.error
        return outcome

    def standing(self, size: int | None = None) -> Standing:
        """What stands after ``size`` entries, or now."""
        return Standing.after(self.log, self.log.size() if size is None else size)

    def recovery(self, registrar: Actor, signer: SignerKey, **common: Any) -> bytes:
        """A recovery that two of the three recovery keys approve, signed by the new registrar.

        ``approved_by`` names other keys; what else is given goes into the body or the statement.
        """
        approved_by = common.pop("approved_by", self.recovery_keys[:2])
        since = common.pop("compromised_since", None)
        bare = Recovery(
            registrar=registrar.key.public.jwk,
            checkpoint_key=str(signer.verifier),
            compromised_since=since,
            approvals=("",),
        )
        members = approved_members(bare, self.log_members(), common.get("prev"))
        approvals = (jws.sign(members, key, jws.RECOVERY_TYP).decode() for key in approved_by)
        return registrar.sign(dataclasses.replace(bare, approvals=tuple(approvals)), **common)

    def enterprise(
        self,
        name: str,
        *,
        id: str | None = None,
        roles: tuple[str, ...] = ("supplier", "park"),
        alg: str = "EdDSA",
        **members: Any,
    ) -> Actor:
        """Register an enterprise and a key of its own with ``roles``."""
        actor = Actor(self, id or self.uuid(), name, PrivateKey.generate(alg))
        self.operator.say(Enterprise(id=actor.id, name=name, **members), subject=actor.id)
        self.register(actor, roles=roles)
        return actor

    def register(self, actor: Actor, **members: Any) -> Accepted:
        """Register the key that ``actor`` signs with."""
        return self.operator.say(self.key_body(actor, **members), subject=actor.id)

    def key_body(self, actor: Actor, **members: Any) -> Key:
        """A registration of the actor's key, which proves itself."""
        key = actor.key
        promise = {
            "log": self.log_members(),
            "enterprise": actor.id,
            "thumbprint": key.public.kid,
        }
        proof = jws.sign(promise, key, jws.KEY_PROOF_TYP).decode()
        plain = {"action": "register", "roles": ("supplier",), "jwk": key.public.jwk}
        return Key(**{**plain, "proof": proof, **members})


@dataclass
class Actor:
    """An enterprise that signs with ``key``; a copy with another key is the same enterprise."""

    factory: Factory
    id: str
    name: str
    key: PrivateKey

    def with_key(self, alg: str = "EdDSA") -> Actor:
        """The same enterprise with a fresh key, which nobody has registered yet."""
        return dataclasses.replace(self, key=PrivateKey.generate(alg))

    # Saying anything

    def payload(self, body: Body, **common: Any) -> dict[str, Any]:
        """The members to sign; ``common`` overrides who speaks, when, for whom and after what."""
        f = self.factory
        members: dict[str, Any] = {
            "type": body.TYPE,
            "v": 1,
            "log": f.log_id,
            "jti": f.jti(),
            "iat": f.clock.now_ms // 1000,
            "iss": self.id,
            "subject": self.id,
        }
        return payload_of(Common(**{**members, **common}), body)

    def sign(self, body: Body, **common: Any) -> bytes:
        return jws.sign(self.payload(body, **common), self.key)

    def say(self, body: Body, **common: Any) -> Accepted:
        """Sign and append; raises what the log refuses it for."""
        return self.factory.append(self.sign(body, **common))

    def correct(self, said: Accepted, *, prev: str | None = None, **changes: Any) -> Accepted:
        """Say ``said`` again with some members changed."""
        body = dataclasses.replace(said.statement.body, **changes)  # type: ignore[type-var]  # every body is a dataclass
        return self.say(body, prev=prev or said.digest, subject=said.statement.subject)

    def withdraw(self, said: Accepted, reason: str = "A mistake.", **common: Any) -> Accepted:
        return self.say(
            Withdrawal(reason=reason),
            **{"prev": said.digest, "subject": said.statement.subject, **common},
        )

    # Entities: each returns its id

    def site(
        self,
        name: str = "Plant",
        *,
        at: tuple[str, str] = ("120.5", "31.5"),
        time_zone: str = "Asia/Shanghai",
        id: str | None = None,
        **members: Any,
    ) -> str:
        """A site at (longitude, latitude); keyword members as in `statements.Site`."""
        longitude, latitude = map(Decimal, at)
        body = Site(
            id=id or self.factory.uuid(),
            name=name,
            latitude=latitude,
            longitude=longitude,
            time_zone=time_zone,
            **members,
        )
        self.say(body)
        return body.id

    def park(
        self,
        name: str = "Park",
        *,
        fence: Iterable[tuple[str, str]] = SQUARE,
        id: str | None = None,
    ) -> str:
        """A park with corners (longitude, latitude)."""
        corners = tuple((Decimal(x), Decimal(y)) for x, y in fence)
        body = Park(id=id or self.factory.uuid(), name=name, fence=corners)
        self.say(body)
        return body.id

    def product(
        self, name: str, *, unit: str = "KGM", id: str | None = None, **members: Any
    ) -> str:
        """A product; ``mass_per_unit`` may be given as text."""
        if "mass_per_unit" in members:
            members["mass_per_unit"] = Decimal(members["mass_per_unit"])
        body = Product(id=id or self.factory.uuid(), name=name, unit=unit, **members)
        self.say(body)
        return body.id

    # Books of a period: the whole of ``year``, or ``period=("2025-01-01", "2025-04-01")``

    def recipe(
        self,
        product: str,
        site: str,
        *,
        basis: tuple[str, str] = ("1", "KGM"),
        emissions: Iterable[Gas] = (),
        inputs: Iterable[Line] = (),
        generation: Iterable[Gas] | None = None,
        **when: Any,
    ) -> Accepted:
        """``emissions`` as `gas` takes them, ``inputs`` as `line` does; totals for ``basis``."""
        return self.say(
            Recipe(
                product=product,
                site=site,
                basis=Basis(amount=Decimal(basis[0]), unit=basis[1]),
                emissions=tuple(map(gas, emissions)),
                inputs=tuple(map(line, inputs)),
                generation=None if generation is None else tuple(map(gas, generation)),
                **_when(**when),
            )
        )

    def production(
        self, product: str, site: str, amount: str, unit: str = "KGM", **when: Any
    ) -> Accepted:
        return self.say(
            Production(
                product=product, site=site, amount=Decimal(amount), unit=unit, **_when(**when)
            )
        )

    def downstream(
        self,
        product: str,
        site: str,
        *,
        basis: tuple[str, str] = ("1", "KGM"),
        delivery: Iterable[Gas] | Delivery | None = None,
        use: Iterable[Gas] | None = None,
        end_of_life: Iterable[Gas] | EndOfLife | None = None,
        **more: Any,
    ) -> Accepted:
        """Emissions after the gate, as `gas` takes them, or all of it; totals for ``basis``.

        ``more`` holds the key, or when it is said of.
        """
        when = {name: more.pop(name) for name in ("year", "period", "part") if name in more}
        stages = {"delivery": delivery, "use": use, "end_of_life": end_of_life}
        stated = {name: _stage(name, each) for name, each in stages.items() if each is not None}
        return self.say(
            Downstream(
                product=product,
                site=site,
                basis=Basis(amount=Decimal(basis[0]), unit=basis[1]),
                **{**stated, **more},
                **_when(**when),
            )
        )

    def holdings(self, *rows: tuple[int, Iterable[Gas]], **when: Any) -> Accepted:
        """``rows`` are (category, emissions)."""
        held = tuple(
            Holding(category=category, emissions=tuple(map(gas, emissions)), reason="As metered.")
            for category, emissions in rows
        )
        return self.say(Holdings(enterprise=self.id, holdings=held, **_when(**when)))

    def inventory(self, site: str, emissions: Iterable[Gas] = (), **when: Any) -> Accepted:
        return self.say(Inventory(site=site, emissions=tuple(map(gas, emissions)), **_when(**when)))

    def purchases(self, site: str, inputs: Iterable[Line] = (), **when: Any) -> Accepted:
        return self.say(Purchases(site=site, inputs=tuple(map(line, inputs)), **_when(**when)))

    def footprint(
        self,
        product: str,
        total: str,
        *,
        unit: str = "KGM",
        site: str | None = None,
        year: int = 2025,
        geography: str = "CN",
        pcf: dict[str, Any] | None = None,
        **members: Any,
    ) -> Accepted:
        """A PACT footprint of ``total`` kg CO2e, all fossil, per 1 ``unit`` (1 kg) of product.

        ``pcf`` and ``members`` override members of the PACT body under their JSON names; a declared
        amount among them is as many kg.
        """
        body = self.pact_body(total, unit=unit, year=year, geography=geography, pcf=pcf, **members)
        return self.say(Footprint(product=product, site=site, pact=body))

    def pact_body(
        self,
        total: str,
        *,
        unit: str = "KGM",
        year: int = 2025,
        geography: str = "CN",
        pcf: dict[str, Any] | None = None,
        **members: Any,
    ) -> pact.ProductFootprint:
        amount = (pcf or {}).get("declaredUnitAmount", "1")
        carbon = {
            "declaredUnitOfMeasurement": units.to_pact(unit),
            "declaredUnitAmount": amount,
            "productMassPerDeclaredUnit": amount,
            "referencePeriodStart": f"{year}-01-01T00:00:00Z",
            "referencePeriodEnd": f"{year + 1}-01-01T00:00:00Z",
            "geographyCountry": geography,
            "pcfExcludingBiogenicUptake": total,
            "pcfIncludingBiogenicUptake": total,
            "fossilCarbonContent": "0",
            "fossilGhgEmissions": total,
            "ipccCharacterizationFactors": ["AR6"],
            "crossSectoralStandards": ["ISO14067"],
            "exemptedEmissionsPercent": "0",
            **(pcf or {}),
        }
        body = {
            "id": self.factory.uuid(),
            "specVersion": "3.0.3",
            "created": f"{year + 1}-01-10T00:00:00Z",
            "status": "Active",
            "companyName": self.name,
            "companyIds": [f"urn:pact:test.example:company:{self.id}"],
            "productDescription": "",
            "productIds": [f"urn:pact:test.example:product:{self.factory.uuid()}"],
            "productNameCompany": "Product",
            "pcf": {name: value for name, value in carbon.items() if value is not None},
            **members,
        }
        return load(pact.ProductFootprint, body)

    # Who belongs, who may read, who may speak

    def membership(
        self,
        park: str,
        site: str,
        *,
        start: str = "2025-01-01",
        end: str | None = None,
        serial: int = 1,
        consent_by: Actor | None = None,
        small_aggregates: bool = False,
        **members: Any,
    ) -> Accepted:
        """Take a site into the actor's park, with the consent of ``consent_by`` if given."""
        if consent_by is not None:
            members["consent"] = consent_by.consent(
                park, site, start=start, end=end, small_aggregates=small_aggregates
            )
        return self.say(
            Membership(
                park=park, site=site, serial=serial, start=day(start), end=day(end), **members
            )
        )

    def consent(
        self,
        park: str,
        site: str,
        *,
        start: str = "2025-01-01",
        end: str | None = None,
        small_aggregates: bool = False,
        changes: Mapping[str, Any] = MappingProxyType({}),
    ) -> str:
        """What the owner of ``site`` signs for ``park``; ``changes`` under their JSON names."""
        consent = {
            "log": self.factory.log_members(),
            "park": park,
            "site": site,
            "from": start,
            "smallAggregates": small_aggregates,
            **({"to": end} if end else {}),
            **changes,
        }
        return jws.sign(consent, self.key, jws.CONSENT_TYP).decode()

    def delegate(
        self, delegate: Actor, *, until: str = "2027-12-31", serial: int = 1, **members: Any
    ) -> Accepted:
        """Let another enterprise speak for this one: then ``delegate.say(body, subject=…)``."""
        body = Delegation(delegate=delegate.id, serial=serial, until=day(until), **members)
        return self.say(body)

    # Keys in time, ownership, verification

    def revoke(self, actor: Actor, *, since: float | None = None, **common: Any) -> Accepted:
        """End the key of ``actor``; ``since`` in ledger milliseconds if it was compromised."""
        body = Revocation(
            kid=actor.key.public.kid,
            reason="lost" if since is None else "compromised",
            compromised_since=None if since is None else int(since) // 1000,
        )
        return self.say(body, **{"subject": actor.id, **common})

    def transfer(
        self, kind: str, thing: str, to: Actor, *, start: str = "2026-01-01", serial: int = 1
    ) -> Accepted:
        """Hand a site or product over to ``to``, who accepts."""
        accepted = {
            "log": self.factory.log_members(),
            "object": {"type": kind, "id": thing},
            "to": to.id,
            "from": start,
            "serial": serial,
        }
        return self.say(
            Transfer(
                object=Transferred(type=kind, id=thing),
                to=to.id,
                start=day(start),
                serial=serial,
                acceptance=jws.sign(accepted, to.key, jws.ACCEPTANCE_TYP).decode(),
            )
        )

    def accredit(self, verifier: Actor, **members: Any) -> Accepted:
        """Let an enterprise verify footprints and inventories by ISO 14064-3 (as the registrar)."""
        plain: dict[str, Any] = {
            "serial": 1,
            "scope": ("footprint", "inventory"),
            "standards": ("ISO 14064-3",),
            "start": day("2025-01-01"),
            "until": day("2027-12-31"),
        }
        return self.say(Accreditation(**{**plain, **members}), subject=verifier.id)

    def attest(self, said: Accepted, *, subject: str | None = None, **members: Any) -> Accepted:
        """A verifier's opinion on a statement."""
        plain: dict[str, Any] = {
            "digest": said.digest,
            "standard": "ISO 14064-3",
            "level": "limited",
            "scope": "The whole statement.",
            "until": day("2027-12-31"),
        }
        return self.say(Attestation(**{**plain, **members}), subject=subject or self.id)

    def erase(self, said: Accepted, **common: Any) -> Accepted:
        """Erase the payload of a statement."""
        statement = said.statement
        key = statement.body.natural_key(statement.subject)
        body = Erasure(digest=said.digest, key=key.text, reason="Sent by mistake.")
        return self.say(body, **{"subject": statement.subject, **common})

    def disclose(
        self, kind: str, object_id: str, *, to: Actor | None = None, level: str | None = None
    ) -> Accepted:
        """Open ``kind`` of an object to one enterprise, or to everyone."""
        return self.say(
            Disclosure(
                object=DisclosedObject(type=kind, id=object_id),
                level=level or ("named" if to else "public"),
                grantee=to.id if to else None,
            )
        )


def day(text: Any) -> Any:
    """A date from ISO text; ``None`` stays ``None``."""
    return dt.date.fromisoformat(text) if isinstance(text, str) else text


def year_of(year: int) -> Period:
    return Period(start=dt.date(year, 1, 1), end=dt.date(year + 1, 1, 1))


def gas(given: Gas) -> Emission:
    """``("CO2", "fossil", "2")`` in kg, or ``("CO2e", "fossil", "2", "AR6")``."""
    if isinstance(given, Emission):
        return given
    name, origin, amount, *gwp = given
    return Emission(gas=name, origin=origin, amount=Decimal(amount), gwp=gwp[0] if gwp else None)


def ref(given: Any) -> Reference:
    """A product id, a URN, several URNs, or ``("urn of a class", "region")``."""
    if isinstance(given, Reference):
        return given
    if isinstance(given, list):
        return Reference(identifiers=tuple(given))
    if isinstance(given, tuple):
        return Reference(classification=given[0], region=given[1])
    if given.startswith("urn:"):
        return Reference(identifiers=(given,))
    return Reference(product=given)


def line(
    given: Line,
    *,
    supplier: str | None = None,
    site: str | None = None,
    category: int = 1,
    transport: Transport | None = None,
) -> InputLine:
    """``(reference, "amount", "unit")``, as `ref` takes references; more by keyword."""
    if isinstance(given, InputLine):
        return given
    what, amount, unit = given
    return InputLine(
        ref=ref(what),
        supplier=supplier,
        site=site,
        amount=Decimal(amount),
        unit=unit,
        category=category,
        transport=transport,
    )


def _stage(name: str, stated: Any) -> Delivery | Use | EndOfLife:
    if isinstance(stated, Delivery | EndOfLife):
        return stated
    emitted = tuple(map(gas, stated))
    match name:
        case "delivery":
            return Delivery(emissions=emitted)
        case "use":
            return Use(emissions=emitted, assumptions="As metered.")
        case _:
            return EndOfLife(emissions=emitted, assumptions="As metered.")


def _when(
    *, year: int = 2025, period: tuple[str, str] | None = None, part: tuple[int, int] | None = None
) -> dict[str, Any]:
    span = Period(start=day(period[0]), end=day(period[1])) if period else year_of(year)
    return {"period": span, "part": Part(k=part[0], n=part[1]) if part else WHOLE}
