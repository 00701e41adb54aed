"""What a statement refers to: whether it exists, is in force, and belongs to whom it must.

Products named in input lines are never looked up: one that nobody registered is a gap in a figure,
not an error.
"""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Mapping
from functools import singledispatch
from typing import Final, cast

from ledger import jws, units
from ledger.authority import (
    KeyStanding,
    check_role,
    key_standing,
    registered,
    registrar_keys,
)
from ledger.case import Case, log_of
from ledger.errors import (
    AcceptanceRefused,
    CatchmentError,
    CertificatesDiffer,
    ConsentRefused,
    IdTaken,
    InTheFuture,
    KeyRevoked,
    NotAccredited,
    NotErasable,
    NotInCustody,
    NotInForce,
    NotOwner,
    OutsideTree,
    OverlappingPeriods,
    PartsDisagree,
    PrefixRefused,
    ProofRefused,
    ReadingOutsidePeriod,
    RecoveryRefused,
    SelfVerification,
    TransferTooEarly,
    UnitMismatch,
    UnknownKey,
    UnknownReference,
)
from ledger.keys import PublicKey
from ledger.note import VerifierKey
from ledger.schema import load
from ledger.statements import (
    ERASABLE,
    Accreditation,
    Allocation,
    Attestation,
    Award,
    Body,
    Certificate,
    Consent,
    Delegation,
    Disclosure,
    Downstream,
    Enterprise,
    Entity,
    Erasure,
    Factors,
    Figure,
    Footprint,
    Genesis,
    Holdings,
    Indicators,
    Inventory,
    Key,
    Membership,
    Meter,
    NaturalKey,
    Periodic,
    Policy,
    Prefix,
    Product,
    Production,
    Purchases,
    Readings,
    Recipe,
    Recovery,
    Revocation,
    Scenario,
    Site,
    Statement,
    Target,
    Transfer,
    roles_for,
)
from ledger.view import Head, about_of

_OBJECTS: Final[Mapping[str, tuple[str, ...]]] = {
    "footprint": ("product",),
    "recipe": ("product",),
    "contributions": ("product",),
    "production": ("product", "site"),
    "inventory": ("site",),
    "purchases": ("site",),
    "downstream": ("product",),
    "holdings": ("enterprise",),
    "figure": ("park", "enterprise", "product"),
}
"""What the id in a disclosure may be the id of."""
_TOMORROW: Final = dt.timedelta(days=1)
"""How far ahead of UTC a day begins somewhere."""
_A_YEAR: Final = dt.timedelta(days=366)


@singledispatch
def check_body(body: Body, case: Case) -> None:
    """What a type asks of the rest of the log; most ask nothing."""


@check_body.register
def _(body: Enterprise, case: Case) -> None:
    if body.id != case.subject:
        raise case.not_authorised("an enterprise is the subject of its own registration")


@check_body.register
def _(body: Entity, case: Case) -> None:
    if body.id == case.genesis.subject:
        raise IdTaken("/id", id=body.id)


@check_body.register
def _(body: Key, case: Case) -> None:
    _check_enterprise(case, "/subject", case.subject)
    if body.public in registrar_keys(case.view):
        raise IdTaken("/jwk", id=body.public.kid)
    if case.live("revocation", body.public.kid) is not None:
        raise KeyRevoked("/jwk", kid=body.public.kid, reason="for good")
    if body.replaces is not None:
        _check_replaced(case, body.replaces)
    if case.head is not None and cast(Key, case.view.stated(case.head)).replaces != body.replaces:
        raise case.not_authorised("a correction keeps the key that was replaced")
    _check_proof(case, body)


@check_body.register
def _(body: Revocation, case: Case) -> None:
    try:
        revoked = registered(case.view, body.kid)
    except UnknownKey:
        raise UnknownReference("/kid", kind="key", id=body.kid) from None
    if revoked.public == registrar_keys(case.view)[-1]:
        raise case.not_authorised("only the recovery keys replace the registrar's")
    if revoked.enterprise != case.subject:
        raise NotOwner("/kid", kind="key", id=body.kid)
    if body.compromised_since is not None:
        _check_not_ahead(case, "compromisedSince", body.compromised_since)


def _check_not_ahead(case: Case, member: str, seconds: int) -> None:
    if seconds * 1000 > case.now_ms:
        raise InTheFuture(f"/{member}", member=member)


@check_body.register(Policy)
@check_body.register(Factors)
@check_body.register(Indicators)
def _(body: Policy | Factors | Indicators, case: Case) -> None:
    if case.subject != case.genesis.subject:
        raise case.not_authorised("the rules are the operator's own")


@check_body.register
def _(body: Recovery, case: Case) -> None:
    keys = cast(Genesis, case.genesis.body).recovery.keys
    known = case.view.head(NaturalKey("key", (body.registrar_key.kid,)))
    if known is not None or body.registrar_key in map(PublicKey.from_jwk, keys):
        raise IdTaken("/registrar", id=body.registrar_key.kid)
    if VerifierKey.parse(body.checkpoint_key).name != case.genesis.common.log.origin:
        raise RecoveryRefused("/checkpointKey", reason="the checkpoint key is of another origin")
    if body.compromised_since is not None:
        _check_not_ahead(case, "compromisedSince", body.compromised_since)
    check_approved(body, case.statement.common.prev, case.genesis)


def check_approved(body: Recovery, prev: str | None, genesis: Statement) -> None:
    """Whether as many recovery keys approve as the genesis asks for; raises RecoveryRefused.

    This rests on the genesis alone, so whoever sees a recovery can decide it.
    """
    keys = cast(Genesis, genesis.body).recovery
    holders = {key.kid: key for key in map(PublicKey.from_jwk, keys.keys)}
    members = approved_members(body, log_of(genesis), prev)
    approved = {_approving(compact, holders, members) for compact in body.approvals}
    if not keys.threshold or len(approved) < keys.threshold:
        raise RecoveryRefused("/approvals", reason="too few of the recovery keys approve")


def approved_members(body: Recovery, log: Mapping[str, str], prev: str | None) -> dict[str, object]:
    """What each recovery key signs: all that the recovery changes, and after what."""
    members: dict[str, object] = {
        "log": dict(log),
        "registrar": body.registrar_key.kid,
        "checkpointKey": body.checkpoint_key,
    }
    if prev is not None:
        members["prev"] = prev
    if body.compromised_since is not None:
        members["compromisedSince"] = body.compromised_since
    return members


def _approving(
    compact: str, holders: Mapping[str, PublicKey], members: Mapping[str, object]
) -> str:
    """The thumbprint of the recovery key that approves."""
    try:
        envelope = jws.parse(compact.encode(), jws.RECOVERY_TYP)
        if envelope.kid not in holders:
            raise RecoveryRefused("/approvals", reason="no recovery key of the genesis signed it")
        jws.verify(envelope, holders[envelope.kid])
    except RecoveryRefused:
        raise
    except CatchmentError as refused:
        raise RecoveryRefused("/approvals", reason=_told(refused)) from refused
    if envelope.payload != members:
        raise RecoveryRefused("/approvals", reason="an approval is for another recovery")
    return envelope.kid


@check_body.register
def _(body: Accreditation, case: Case) -> None:
    _check_enterprise(case, "/subject", case.subject)


@check_body.register
def _(body: Attestation, case: Case) -> None:
    stamp, head = case.view.stamp(body.digest), case.view.head_of(body.digest)
    if stamp is None or head is None:
        raise UnknownReference("/digest", kind="statement", id=body.digest)
    verified = case.view.statement(body.digest)
    if verified is not None and case.subject in (verified.common.iss, verified.subject):
        raise SelfVerification("/digest", verifier=case.subject)
    if head.withdrawn or body.digest != head.sound_digest:
        raise NotInForce("/digest", digest=body.digest)
    _check_accredited(case, stamp.type, body.standard)


def _check_accredited(case: Case, kind: str, standard: str) -> None:
    today = case.today
    for head in case.view.heads_about("accreditation", (case.subject,)):
        held = cast(Accreditation, case.view.stated(head))
        in_time = held.start <= today <= held.until
        if in_time and kind in held.scope and standard in held.standards:
            return
    raise NotAccredited("/standard", verifier=case.subject, day=today, kind=kind, standard=standard)


@check_body.register
def _(body: Transfer, case: Case) -> None:
    _check_owned(case, "/object/id", body.object.id, body.object.type)
    _check_enterprise(case, "/to", body.to)
    if body.to == case.subject:
        raise case.not_authorised("nothing changes hands")
    if body.start > case.today:
        raise InTheFuture("/from", member="from")
    entity = cast(Head, case.live(body.object.type, body.object.id))
    last = case.last_transfer(entity)
    if last is not None and body.start <= last.start:
        raise TransferTooEarly("/from", day=body.start, other=last.start)
    if body.mandate is None or body.acceptance is not None:
        _check_acceptance(case, body)


def _check_acceptance(case: Case, body: Transfer) -> None:
    members = {
        "log": case.log,
        "object": {"type": body.object.type, "id": body.object.id},
        "to": body.to,
        "from": body.start.isoformat(),
        "serial": body.serial,
    }
    if body.acceptance is None:
        raise AcceptanceRefused("/acceptance", reason="there is none")
    try:
        envelope = jws.parse(body.acceptance.encode(), jws.ACCEPTANCE_TYP)
        signer = _embedded_signer(case, envelope, roles_for("transfer"))
    except CatchmentError as refused:
        raise AcceptanceRefused("/acceptance", reason=_told(refused)) from refused
    if signer.enterprise != body.to:
        raise AcceptanceRefused("/acceptance", reason="the new owner did not sign it")
    if envelope.payload != members:
        raise AcceptanceRefused("/acceptance", reason="it is for another transfer")


def _embedded_signer(case: Case, envelope: jws.Envelope, roles: tuple[str, ...]) -> KeyStanding:
    """Who signed an envelope that a statement carries, by a key that may sign today."""
    signer = key_standing(case.view, envelope.kid, case.now_ms)
    jws.verify(envelope, signer.public)
    check_role(signer, roles)
    return signer


@check_body.register
def _(body: Figure, case: Case) -> None:
    if body.object.type == "park":
        _check_owned(case, "/object/id", body.object.id, "park")
    elif body.object.id != case.subject:
        raise NotOwner("/object/id", kind="enterprise", id=body.object.id)
    _check_prefix(case, body.at)


@check_body.register
def _(body: Award, case: Case) -> None:
    _check_prefix(case, body.at)


def _check_prefix(case: Case, at: Prefix) -> None:
    """Whether the log has this very beginning."""
    try:
        root = case.view.root(at.size)
    except OutsideTree:
        raise PrefixRefused("/at", size=at.size) from None
    if root.hex() != at.root:
        raise PrefixRefused("/at", size=at.size)


@check_body.register
def _(body: Erasure, case: Case) -> None:
    stamp, head = case.view.stamp(body.digest), case.view.head_of(body.digest)
    if stamp is None or head is None:
        raise UnknownReference("/digest", kind="statement", id=body.digest)
    if stamp.type not in ERASABLE or head.key.type not in ERASABLE:
        raise NotErasable("/digest", type=stamp.type)
    if head.key.text != body.key:
        raise UnknownReference("/key", kind="chain", id=body.key)
    # Who rebuilds a log learns from the erasure alone for whom it was said.
    if stamp.subject and case.subject != stamp.subject:
        raise NotOwner("/digest", kind=stamp.type, id=body.digest)


def _check_replaced(case: Case, kid: str) -> None:
    try:
        replaced = registered(case.view, kid)
    except UnknownKey:
        raise UnknownReference("/replaces", kind="key", id=kid) from None
    if replaced.enterprise != case.subject:
        raise NotOwner("/replaces", kind="key", id=kid)


def _check_proof(case: Case, body: Key) -> None:
    """The holder of the new key said whose it is to be: so nobody registers a key of another."""
    promise = {"log": case.log, "enterprise": case.subject, "thumbprint": body.public.kid}
    try:
        envelope = jws.parse(body.proof.encode(), jws.KEY_PROOF_TYP)
        jws.verify(envelope, body.public)
    except CatchmentError as refused:
        raise ProofRefused("/proof", reason=_told(refused)) from refused
    if envelope.payload != promise:
        raise ProofRefused("/proof", reason="it names another log, enterprise or key")


@check_body.register
def _(body: Delegation, case: Case) -> None:
    _check_enterprise(case, "/subject", case.subject)
    _check_enterprise(case, "/delegate", body.delegate)


@check_body.register
def _(body: Membership, case: Case) -> None:
    _check_owned(case, "/park", body.park, "park")
    site = case.live("site", body.site)
    if site is None:
        raise UnknownReference("/site", kind="site", id=body.site)
    if body.consent is not None:
        _check_consent(case, body, body.consent, case.owner_on(site, body.start))
    _check_one_membership_at_a_time(case, body)


def _check_consent(case: Case, body: Membership, compact: str, owner: str) -> None:
    try:
        envelope = jws.parse(compact.encode(), jws.CONSENT_TYP)
        signer = _embedded_signer(case, envelope, roles_for("site"))
        consent = load(Consent, envelope.payload)
    except CatchmentError as refused:
        raise ConsentRefused("/consent", reason=_told(refused)) from refused
    if signer.enterprise != owner:
        raise ConsentRefused("/consent", reason="the site's owner did not sign it")
    if consent.log != case.log:
        raise ConsentRefused("/consent", reason="it is meant for another log")
    if (consent.park, consent.site) != (body.park, body.site):
        raise ConsentRefused("/consent", reason="it names another park or site")
    if (consent.start, consent.end) != (body.start, body.end):
        raise ConsentRefused("/consent", reason="it is for other dates")


def _check_one_membership_at_a_time(case: Case, body: Membership) -> None:
    """Within one park: what another says of the site, which needs no consent, must not stop it."""
    for head in _others(case, body):
        other = cast(Membership, case.view.stated(head))
        if body.start < (other.end or dt.date.max) and other.start < (body.end or dt.date.max):
            raise OverlappingPeriods(
                "/from", period=_span(body), other=_span(other), digest=head.digest
            )


def _span(membership: Membership) -> str:
    return f"{membership.start}/{membership.end or '..'}"


@check_body.register(Recipe)
@check_body.register(Production)
@check_body.register(Downstream)
def _(body: Recipe | Production | Downstream, case: Case) -> None:
    _check_owned(case, "/product", body.product, "product", day=body.period.last)
    _check_owned(case, "/site", body.site, "site", day=body.period.last)
    if isinstance(body, Production):
        _check_unit(case, "/unit", body.unit, body.product)
    else:
        _check_unit(case, "/basis/unit", body.basis.unit, body.product)
    _check_periods(case, body)


@check_body.register
def _(body: Holdings, case: Case) -> None:
    if body.enterprise != case.subject:
        _check_owned(case, "/enterprise", body.enterprise, "enterprise", "park")
    _check_periods(case, body)


@check_body.register(Inventory)
@check_body.register(Purchases)
def _(body: Inventory | Purchases, case: Case) -> None:
    _check_owned(case, "/site", body.site, "site", day=body.period.last)
    _check_periods(case, body)


@check_body.register
def _(body: Meter, case: Case) -> None:
    _check_owned(case, "/site", body.site, "site")


@check_body.register
def _(body: Readings, case: Case) -> None:
    _check_owned(case, "/site", body.site, "site", day=body.period.last)
    meter = case.view.head(NaturalKey("meter", (body.site, body.meter)))
    if meter is None or meter.withdrawn:
        raise UnknownReference("/meter", kind="meter", id=body.meter)
    _check_moments(case, body)
    _check_periods(case, body)


def _check_moments(case: Case, body: Readings) -> None:
    site = cast(Site, case.view.stated(cast(Head, case.live("site", body.site))))
    zone = zoneinfo.ZoneInfo(site.time_zone)
    first, after = (
        dt.datetime.combine(day, dt.time(), zone) for day in (body.period.start, body.period.end)
    )
    for i, reading in enumerate(body.readings):
        if not first <= reading.at <= after:
            raise ReadingOutsidePeriod(
                f"/readings/{i}/at",
                at=reading.at.isoformat(),
                period=body.period.text,
                zone=site.time_zone,
            )


@check_body.register
def _(body: Allocation, case: Case) -> None:
    _check_owned(case, "/site", body.site, "site", day=body.period.last)
    for i, share in enumerate(body.shares):
        if case.live("site", share.site) is None:
            raise UnknownReference(f"/shares/{i}/site", kind="site", id=share.site)
    _check_periods(case, body)


@check_body.register
def _(body: Certificate, case: Case) -> None:
    if body.park is not None:
        _check_owned(case, "/park", body.park, "park")
    else:
        _check_owned(case, "/site", cast(str, body.site), "site", day=body.last_day)
    if body.year > case.today.year + 1:
        raise InTheFuture("/year", member="year")
    if case.head is not None:
        before = cast(Certificate, case.view.stated(case.head)).count
        if before != body.count:
            raise CertificatesDiffer("/count", count=before, now=body.count)


@check_body.register(Target)
@check_body.register(Scenario)
def _(body: Target | Scenario, case: Case) -> None:
    if body.object.type == "park":
        _check_owned(case, "/object/id", body.object.id, "park")
    elif body.object.id != case.subject:
        raise NotOwner("/object/id", kind="enterprise", id=body.object.id)


def _check_unit(case: Case, where: str, unit: str, product: str) -> None:
    """An owner speaks of its product in a unit that fits the declared one, as declared today.

    Input lines are not judged: theirs are other enterprises' products.
    """
    head = cast(Head, case.live("product", product))
    declared = cast(Product, case.view.stated(head))
    source, target = units.parse(unit), units.parse(declared.unit)
    try:
        units.ratio(source, target, declared.mass_per_unit)
    except UnitMismatch as refused:
        raise UnitMismatch(where, **refused.params) from None


def _check_begun(case: Case, body: Periodic) -> None:
    """Facts are of days that have begun; what is meant to hold may be told a year ahead."""
    ahead = _A_YEAR if isinstance(body, Recipe | Downstream | Allocation) else _TOMORROW
    if body.period.start > case.today + ahead:
        raise InTheFuture("/period/start", member="period")


def _check_periods(case: Case, body: Periodic) -> None:
    _check_begun(case, body)
    # From the keys alone: the statements may be long and many, and the lock is held meanwhile.
    period = body.period
    for head in _others(case, body):
        other, part = body.span(head.key)
        if other == period and part.n != body.part.n:
            raise PartsDisagree("/part/n", n=body.part.n, other=part.n, period=period.text)
        if other != period and other.overlaps(period):
            raise OverlappingPeriods(
                "/period", period=period.text, other=other.text, digest=head.digest
            )


def _others(case: Case, body: Body) -> list[Head]:
    heads = case.view.heads_about(case.key.type, about_of(body, case.subject))
    return [head for head in heads if head.key != case.key]


@check_body.register
def _(body: Footprint, case: Case) -> None:
    _check_owned(case, "/product", body.product, "product")
    if body.external is not None:
        _check_custody(case)
    declared = "/pact/pcf/declaredUnitOfMeasurement"
    _check_unit(case, declared, body.pact.pcf.unit_code, body.product)
    if body.site is not None:
        _check_owned(case, "/site", body.site, "site")


def _check_custody(case: Case) -> None:
    if registered(case.view, case.statement.envelope.kid).custody != "operator":
        raise NotInCustody("/external")


@check_body.register
def _(body: Disclosure, case: Case) -> None:
    _check_owned(case, "/object/id", body.object.id, *_OBJECTS[body.object.type])
    if body.grantee is not None:
        _check_enterprise(case, "/grantee", body.grantee)


def _check_enterprise(case: Case, where: str, enterprise: str) -> None:
    if not case.knows_enterprise(enterprise):
        raise UnknownReference(where, kind="enterprise", id=enterprise)


def _check_owned(
    case: Case, where: str, entity: str, *kinds: str, day: dt.date | None = None
) -> None:
    """Whether the subject owns it, today or on a day.

    Ids are unique in the whole log, so at most one of ``kinds`` has this one.
    """
    for kind in kinds:
        if head := case.live(kind, entity):
            owner = case.owner_of(head) if day is None else case.owner_on(head, day)
            if owner != case.subject:
                raise NotOwner(where, kind=kind, id=entity)
            return
    raise UnknownReference(where, kind=" or ".join(kinds), id=entity)


def _told(refused: CatchmentError) -> str:
    return (refused.sentence % refused.params).rstrip(".")
