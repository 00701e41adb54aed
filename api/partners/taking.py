"""Taking over the footprints of other hosts: each becomes a statement of the company it is of.

The company has signed nothing. So the operator says it, with a key in custody, and the statement
tells from which host it was read, when, and the digest of the bytes. Like anything said in custody
it is marked wherever a figure rests on it, and it is judged by the log as any other statement is.

=====================================  =========================================================
there                                  here
=====================================  =========================================================
a new id                               a footprint; of the same product, place and time as one
                                       that stands it takes its place, if it was made later or
                                       names it among those it replaces
the same id, the same but for status   nothing new; Deprecated ends it, if it still stands
the same id with anything else         told, and not taken: PACT's footprints do not change
Deprecated and never seen              nothing
malformed                              told, and left out
=====================================  =========================================================
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final, cast
from urllib.parse import urlsplit

import sqlalchemy as sa

from api.keys.signing import members, signed
from api.pact.shelf import PROVENANCE_PATH
from api.partners.companies import (
    AMBIGUOUS,
    MOST_IDENTIFIERS,
    OF_ANOTHER,
    SPEAKS_FOR_ITSELF,
    WAITS,
    Companies,
    Newcomer,
    derived,
    keys_of,
    line,
    valid_urns,
)
from api.partners.partners import Partner
from api.services import Services
from api.submission import submission
from api.submission.custody import custody_of
from api.tables import pulled
from ledger import jws, tables, units
from ledger.entry import Entry
from ledger.errors import CatchmentError, JsonRefused
from ledger.log import Outcome, Refused
from ledger.pact import ProductFootprint
from ledger.schema import load
from ledger.standing import Standing
from ledger.statements import (
    DisclosedObject,
    Disclosure,
    External,
    Footprint,
    NaturalKey,
    Product,
    Withdrawal,
)
from ledger.store import reading, writing
from ledger.strict_json import JsonPath, dumps, loads
from ledger.view import PACT_ID

NEW: Final = "new"
CHANGED: Final = "changed"
DEPRECATED: Final = "deprecated"
UNCHANGED: Final = "unchanged"
REPLACED: Final = "replaced already"
ENDED_THERE: Final = "deprecated before it was seen"
MALFORMED: Final = "malformed"
ANOTHERS_ID: Final = "id of another enterprise"
OTHER_BYTES: Final = "changed under the same id"
REFUSED: Final = "refused"
SETTLED: Final = frozenset({NEW, CHANGED, DEPRECATED, UNCHANGED, REPLACED, ENDED_THERE})
"""Outcomes that the same bytes need not be looked at for again."""
IN_FORCE: Final = frozenset({NEW, CHANGED, UNCHANGED})
WRONG: Final = (MALFORMED, OTHER_BYTES, ANOTHERS_ID, REFUSED)
"""Outcomes that somebody has to look into."""
LEFT_OUT: Final = (WAITS, SPEAKS_FOR_ITSELF, OF_ANOTHER, AMBIGUOUS, *WRONG)
OUTCOMES: Final = (NEW, CHANGED, DEPRECATED, UNCHANGED, REPLACED, ENDED_THERE, *LEFT_OUT)
"""All there are, in the order they are told."""

MAX_OBJECT_BYTES: Final = 1024 * 1024
_EXTENSIONS: Final = "extensions"
_ENDED: Final = "Its owner's host lists it as Deprecated."
_OVERTAKEN: Final = "Its owner's host lists %s in its place."
_MOST_CLASSES: Final = 20
_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one listed footprint; ``told`` says why, where it was not taken over."""

    id: str
    outcome: str
    entry: int | None = None
    told: str = ""


@dataclass(frozen=True, slots=True)
class Read:
    """A footprint as it was listed: what it says, its members, and the SHA-256 of its bytes."""

    footprint: ProductFootprint
    members: Mapping[str, Any]
    sha256: str

    @property
    def id(self) -> str:
        return self.footprint.id

    @property
    def is_active(self) -> bool:
        return self.footprint.status == "Active"


@dataclass(frozen=True, slots=True)
class _Chain:
    """Where the log's chain of a natural key stands."""

    digest: str
    stated_index: int
    withdrawn: bool


def take_in(
    services: Services,
    partner: Partner,
    raws: Iterable[bytes],
    *,
    again: bool = False,
    dry_run: bool = False,
) -> list[Taken]:
    """Take over listed footprints, and tell what became of each.

    ``again`` looks at those too that were settled before in the same bytes. Nothing that one of
    them says stops the others. Raises KeyFileRefused where a key in custody cannot be read, and
    LogBusy and the like.
    """
    settled, rest = ([], list(raws)) if again else sorted_out(services, partner, raws)
    read, refused = read_all(rest)
    return [*settled, *refused, *taking(services, partner, read, dry_run=dry_run)]


def taking(
    services: Services,
    partner: Partner,
    read: Iterable[Read],
    *,
    dry_run: bool = False,
) -> Iterator[Taken]:
    """As `take_in`, one by one: those that are in force there first, in the order they were made.

    So what takes another's place is said before the other ends.
    """
    take = _Taking(services, partner, dry_run=dry_run)
    yield from (take.over(each) for each in sorted(read, key=_order))


def sorted_out(
    services: Services, partner: Partner, raws: Iterable[bytes]
) -> tuple[list[Taken], list[bytes]]:
    """What was settled before in the same bytes, unread; and the rest."""
    by_digest = {hashlib.sha256(raw).hexdigest(): raw for raw in raws}
    settled = _settled(services, partner, list(by_digest))
    return list(settled.values()), [
        raw for digest, raw in by_digest.items() if digest not in settled
    ]


def _settled(services: Services, partner: Partner, digests: list[str]) -> dict[str, Taken]:
    found: dict[str, Taken] = {}
    kept = sa.select(pulled).where(
        pulled.c.partner == partner.id, pulled.c.outcome.in_(sorted(SETTLED))
    )
    with reading(services.database) as connection:
        for at in range(0, len(digests), _AT_ONCE):
            some = kept.where(pulled.c.sha256.in_(digests[at : at + _AT_ONCE]))
            for row in connection.execute(some):
                outcome = UNCHANGED if row.outcome in IN_FORCE else row.outcome
                found[row.sha256] = Taken(row.id, outcome, row.entry)
    return found


def read_all(raws: Iterable[bytes]) -> tuple[list[Read], list[Taken]]:
    """The footprints that can be read, and what is told of the others."""
    read, refused = list[Read](), list[Taken]()
    for raw in raws:
        try:
            read.append(_read(raw))
        except CatchmentError as error:
            refused.append(Taken(_claimed_id(raw), MALFORMED, told=told_of(error)))
    return read, refused


def newcomers(services: Services, partner: Partner, read: Iterable[Read]) -> list[Newcomer]:
    """The companies that the operator may admit so that their footprints are taken over."""
    companies = Companies(services, partner, services.engine.standing())
    return companies.newcomers(each.footprint for each in read if each.is_active)


def told_of(error: CatchmentError) -> str:
    return error.sentence % error.params + (f" ({error.where})" if error.where else "")


def _order(read: Read) -> tuple[bool, Any, str]:
    return not read.is_active, read.footprint.created, read.id


def _read(raw: bytes) -> Read:
    """Raises what a footprint is malformed for."""
    if len(raw) > MAX_OBJECT_BYTES:
        raise JsonRefused(f"{len(raw)} bytes")
    found = loads(raw, float_allowed=_in_extension_data)
    given = cast(dict[str, Any], found if isinstance(found, dict) else {})
    return Read(load(ProductFootprint, given), given, hashlib.sha256(raw).hexdigest())


def _in_extension_data(path: JsonPath) -> bool:
    """Whoever made an extension chose its members, and may use floats in them."""
    return len(path) > 3 and path[0] == _EXTENSIONS and path[2] == "data"


def _claimed_id(raw: bytes) -> str:
    """What something that is no footprint calls itself, as far as that can be shown."""
    try:
        found = loads(raw[:MAX_OBJECT_BYTES], float_allowed=lambda _: True)
    except JsonRefused:
        return ""
    claimed = found.get("id") if isinstance(found, dict) else None
    return line(claimed)[:36] if isinstance(claimed, str) else ""


class _Taking:
    """One partner's footprints, with what stands as it was when the first was looked at."""

    def __init__(self, services: Services, partner: Partner, *, dry_run: bool) -> None:
        self._services, self._partner = services, partner
        self._dry_run = dry_run
        self._standing = services.engine.standing()
        self._companies = Companies(services, partner, self._standing)
        self._products: dict[str, _Products] = {}

    def over(self, read: Read) -> Taken:
        try:
            taken = self._decided(read)
        except CatchmentError as error:
            taken = Taken(read.id, REFUSED, told=told_of(error))
        if not self._dry_run:
            self._keep(read, taken)
        return taken

    def _decided(self, read: Read) -> Taken:
        speaker = self._companies.speaker(read.footprint)
        if speaker.enterprise is None:
            return Taken(read.id, speaker.outcome)
        held = self._held(read.id)
        if held is not None:
            return self._again_listed(read, held, speaker.enterprise)
        if not read.is_active:
            return Taken(read.id, ENDED_THERE)
        return self._new(read, speaker.enterprise)

    # A footprint whose id the log knows

    def _again_listed(self, read: Read, held: Entry, enterprise: str) -> Taken:
        statement = held.statement
        if statement.subject != enterprise:
            return Taken(read.id, ANOTHERS_ID, held.index)
        if _but_for_status(statement.envelope.payload["pact"]) != _but_for_status(read.members):
            return Taken(read.id, OTHER_BYTES, held.index)
        body = cast(Footprint, statement.body)
        chain = self._chain(body.natural_key(enterprise))
        stands = chain is not None and chain.digest == statement.digest
        if read.is_active or not stands:
            self._disclose(enterprise, body.product)
            return Taken(read.id, UNCHANGED if stands else REPLACED, held.index)
        said = self._append(enterprise, [self._withdrawal(enterprise, statement.digest, _ENDED)])
        return Taken(read.id, DEPRECATED, said)

    # A footprint that is new here

    def _new(self, read: Read, enterprise: str) -> Taken:
        products = self._products_of(enterprise)
        product = products.of(read.footprint)
        body = Footprint(product=product.id, pact=read.footprint, external=self._external(read))
        chain = self._chain(body.natural_key(enterprise))
        if chain is not None and not chain.withdrawn and not self._is_later(read, chain):
            return Taken(read.id, REPLACED)
        envelopes = [
            *([] if products.stands(product) else [self._registration(product, enterprise)]),
            *self._disclosures(enterprise, product.id),
            *self._overtaken(read, enterprise, body),
            self._footprint(read, body, enterprise, chain),
        ]
        said = self._append(enterprise, envelopes)
        if not self._dry_run:
            products.note(product)
        changes = chain is not None or bool(read.footprint.preceding_pf_ids)
        return Taken(read.id, CHANGED if changes else NEW, said)

    def _products_of(self, enterprise: str) -> _Products:
        if enterprise not in self._products:
            found = _Products(self._partner, enterprise, self._standing)
            self._products[enterprise] = found
        return self._products[enterprise]

    def _registration(self, product: Product, enterprise: str) -> bytes:
        chain = self._chain(product.natural_key(enterprise))
        key = custody_of(self._services).key(enterprise)
        return signed(key, product, enterprise, chain.digest if chain else None)

    def _external(self, read: Read) -> External:
        fetched = self._services.clock() // 1000
        return External(host=self._partner.url, fetched=fetched, digest=read.sha256)

    def _is_later(self, read: Read, chain: _Chain) -> bool:
        """Whether a listed footprint takes the place of the one that stands."""
        stands = self._services.log.entry(chain.stated_index)
        if stands.is_erased:
            return True
        other = cast(Footprint, stands.statement.body).pact
        if other.id in read.footprint.preceding_pf_ids:
            return True
        return (read.footprint.created, read.id) > (other.created, other.id)

    def _overtaken(self, read: Read, enterprise: str, body: Footprint) -> Iterator[bytes]:
        """Ends those that it replaces and that are of another time or place."""
        for preceding in read.footprint.preceding_pf_ids:
            held = self._held(preceding)
            if held is None or held.is_erased or held.statement.subject != enterprise:
                continue
            other = held.statement
            key = other.body.natural_key(enterprise)
            chain = self._chain(key)
            if key != body.natural_key(enterprise) and chain and chain.digest == other.digest:
                yield self._withdrawal(enterprise, other.digest, _OVERTAKEN % read.id)

    def _footprint(
        self, read: Read, body: Footprint, enterprise: str, chain: _Chain | None
    ) -> bytes:
        """Signed over the members as they came: also those that nobody here knows are kept."""
        key = custody_of(self._services).key(enterprise)
        payload = members(key, body, enterprise, chain.digest if chain else None)
        return jws.sign({**payload, "pact": dict(read.members)}, key.private)

    def _withdrawal(self, enterprise: str, digest: str, reason: str) -> bytes:
        key = custody_of(self._services).key(enterprise)
        return signed(key, Withdrawal(reason=reason), enterprise, digest)

    # Who may read it

    def _disclose(self, enterprise: str, product: str) -> None:
        if envelopes := list(self._disclosures(enterprise, product)):
            self._append(enterprise, envelopes)

    def _disclosures(self, enterprise: str, product: str) -> Iterator[bytes]:
        """To the partner's buyers; one that was closed again stays closed."""
        for buyer in self._partner.buyers:
            about = DisclosedObject(type=Footprint.TYPE, id=product)
            body = Disclosure(object=about, level="named", grantee=buyer)
            if self._chain(body.natural_key(enterprise)) is None:
                yield signed(custody_of(self._services).key(enterprise), body, enterprise)

    # The log, and what is kept beside it

    def _append(self, enterprise: str, envelopes: list[bytes]) -> int | None:
        """All or nothing; where the last of them stands. Raises what one is refused for."""
        outcomes = submission.append(self._services, envelopes, atomic=True, dry_run=self._dry_run)
        return _index_of_last(outcomes, stored=not self._dry_run)

    def _held(self, pact_id: str) -> Entry | None:
        """The entry that has claimed a PACT id. Raises PayloadErased where that is all it is."""
        claimed = sa.select(tables.taken.c.index).where(
            tables.taken.c.space == PACT_ID, tables.taken.c.value == pact_id
        )
        with reading(self._services.database) as connection:
            index = connection.execute(claimed).scalar_one_or_none()
        return None if index is None else self._services.log.entry(index)

    def _chain(self, key: NaturalKey) -> _Chain | None:
        head = tables.head.c
        query = sa.select(head.digest, head.stated_index, head.withdrawn)
        with reading(self._services.database) as connection:
            row = connection.execute(query.where(head.key == key.text)).one_or_none()
        return None if row is None else _Chain(row.digest, row.stated_index, row.withdrawn)

    def _keep(self, read: Read, taken: Taken) -> None:
        row = {
            "partner": self._partner.id,
            "id": read.id,
            "sha256": read.sha256,
            "outcome": taken.outcome,
            "told": taken.told,
            "entry": taken.entry,
            "at": self._services.clock(),
        }
        same = sa.and_(pulled.c.partner == self._partner.id, pulled.c.id == read.id)
        with writing(self._services.database) as connection:
            connection.execute(pulled.delete().where(same))
            connection.execute(pulled.insert(), row)


class _Products:
    """The products of one company: which one a footprint is of."""

    def __init__(self, partner: Partner, enterprise: str, standing: Standing) -> None:
        self._partner, self._enterprise = partner, enterprise
        self._by_id: dict[str, Product] = {}
        self._by_key: dict[str, str] = {}
        for said in standing.products.values():
            if said.owner == enterprise:
                self.note(cast(Product, said.statement.body))

    def note(self, product: Product) -> None:
        """It stands as this; of two products under one name, the first keeps it."""
        self._by_id[product.id] = product
        for key in keys_of(product.identifiers):
            self._by_key.setdefault(key, product.id)

    def stands(self, product: Product) -> bool:
        return self._by_id.get(product.id) == product

    def of(self, footprint: ProductFootprint) -> Product:
        """What the product is to be registered as: as it stands, with more names, or new.

        A product that shares an identifier is the same; of several, the one derived from just
        these, else the first. Its id is derived from partner, company and identifiers, so that
        who takes the same over twice does not open it twice.
        """
        urns = sorted(footprint.product_ids)
        own = derived("product", self._partner.id, self._enterprise, *urns)
        shared = (self._by_key[key] for key in keys_of(urns) if key in self._by_key)
        found = self._by_id.get(own if own in self._by_id else next(shared, ""))
        return _registered(own, footprint) if found is None else _extended(found, footprint)


def _extended(product: Product, footprint: ProductFootprint) -> Product:
    known = set(keys_of(product.identifiers))
    new = [urn for urn in valid_urns(footprint.product_ids) if known.isdisjoint(keys_of([urn]))]
    identifiers = (*product.identifiers, *new)[:MOST_IDENTIFIERS]
    return replace(product, identifiers=identifiers)


def _registered(id_: str, footprint: ProductFootprint) -> Product:
    pcf = footprint.pcf
    mass = pcf.product_mass_per_declared_unit / pcf.declared_unit_amount
    bridges = units.parse(pcf.unit_code).dimension != "mass" and mass >= 0
    return Product(
        id=id_,
        name=line(footprint.product_name_company),
        unit=pcf.unit_code,
        identifiers=valid_urns(footprint.product_ids),
        classifications=valid_urns(footprint.product_classifications)[:_MOST_CLASSES],
        mass_per_unit=_plain(mass) if bridges else None,
    )


def _plain(number: Decimal) -> Decimal:
    """Without an exponent that a statement cannot have."""
    return Decimal(format(number, "f"))


def _but_for_status(given: Any) -> bytes:
    """What of a footprint may not change: all but its status and what a host says of its origin."""
    rest = {name: value for name, value in given.items() if name != "status" and value is not None}
    extensions = [each for each in rest.pop(_EXTENSIONS, ()) if not _is_provenance(each)]
    return dumps({**rest, _EXTENSIONS: extensions})


def _is_provenance(extension: Mapping[str, Any]) -> bool:
    return urlsplit(str(extension.get("dataSchema", ""))).path.endswith(PROVENANCE_PATH)


def _index_of_last(outcomes: list[Outcome], *, stored: bool) -> int | None:
    for outcome in outcomes:
        if isinstance(outcome, Refused):
            raise outcome.error
    last = outcomes[-1]
    return last.index if stored and not isinstance(last, Refused) else None
