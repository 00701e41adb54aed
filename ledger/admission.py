"""Whether the log takes a statement, as things stand: pure, so that an auditor can replay it.

A statement passes these checks in this order, and the first that fails is named:

1. it is meant for this log, and signed recently (``ForeignLog``, ``ClockSkew``);
2. its ``jti`` is new for its key (``JtiReused``);
3. its key is registered, not replaced and not past its last day (``UnknownKey``, ``KeyRetired``,
   ``KeyExpired``), and signed it (``SignatureInvalid``);
4. it continues a chain or opens one (``NothingToSupersede``, ``NotWithdrawable`` already here, for
   without its chain a withdrawal cannot be judged);
5. its key belongs to ``iss`` and has the role, and ``iss`` may speak for ``subject``
   (``WrongIssuer``, ``RoleMissing``, ``NotAuthorised``);
6. it follows the statement in force (``NotOwner``, ``IdTaken``, ``ChainExists``, ``StaleHead``,
   ``AlreadyWithdrawn``);
7. what it refers to exists and belongs to whom it must (``UnknownReference``, ``NotOwner``,
   ``ProofRefused``, ``ConsentRefused``), and periods fit (``OverlappingPeriods``,
   ``PartsDisagree``).

Products named in input lines are never looked up: one that nobody registered is a gap in a figure,
not an error.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import singledispatch
from typing import Final, Protocol, cast

from ledger import jws, units
from ledger.errors import (
    AlreadyWithdrawn,
    CatchmentError,
    ChainExists,
    ClockSkew,
    ConsentRefused,
    ForeignLog,
    GenesisRefused,
    IdTaken,
    JtiReused,
    KeyExpired,
    KeyRetired,
    LogNotFound,
    NotAuthorised,
    NothingToSupersede,
    NotOwner,
    NotWithdrawable,
    OverlappingPeriods,
    PartsDisagree,
    ProofRefused,
    RoleMissing,
    StaleHead,
    UnitMismatch,
    UnknownKey,
    UnknownReference,
    WrongIssuer,
)
from ledger.keys import PublicKey
from ledger.schema import load
from ledger.statements import (
    Body,
    Consent,
    Delegation,
    Disclosure,
    Enterprise,
    Entity,
    Footprint,
    Genesis,
    Inventory,
    Key,
    LogId,
    Membership,
    NaturalKey,
    Periodic,
    Product,
    Production,
    Purchases,
    Recipe,
    Statement,
    Withdrawal,
    roles_for,
)

FIXED: Final = frozenset({"genesis", "enterprise", "key"})
"""Types whose chains are never withdrawn: other statements rest on them."""

JTI: Final = "jti"
ENTITY_ID: Final = "id"
PACT_ID: Final = "pact-id"

_OBJECTS = {
    "footprint": ("product",),
    "recipe": ("product",),
    "contributions": ("product",),
    "production": ("product", "site"),
    "inventory": ("site",),
    "purchases": ("site",),
    "figure": ("park", "enterprise", "product"),
}
"""What the id in a disclosure may be the id of."""


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry of a chain.

    ``digest`` and ``index`` are of that entry, a withdrawal if ``withdrawn``; ``stated_index`` is
    of the last that is none. ``opening`` is the digest of the first, ``owner`` its subject;
    ``about`` (`about_of`) is the same along the chain.
    """

    key: NaturalKey
    about: tuple[str, ...]
    opening: str
    digest: str
    index: int
    stated_index: int
    owner: str
    withdrawn: bool


class View(Protocol):
    """What the log holds, as far as admission asks."""

    def genesis(self) -> Statement | None:
        """Entry 0; ``None`` while the log is empty."""

    def head(self, key: NaturalKey) -> Head | None:
        """The head of the chain with this natural key."""

    def head_of(self, digest: str) -> Head | None:
        """The head of the chain in which the statement with this digest stands."""

    def heads_about(self, kind: str, about: tuple[str, ...]) -> Sequence[Head]:
        """The heads of a type that have this ``about`` and are not withdrawn."""

    def stated(self, head: Head) -> Body:
        """What the statement at ``head.stated_index`` says."""

    def taken(self, space: str, value: str) -> int | None:
        """The index of the entry that claimed a value, if one did."""


@dataclass(frozen=True, slots=True)
class KeyStanding:
    """What a key may do now, and for whom. ``until`` is its last day (UTC), if it has one."""

    public: PublicKey
    enterprise: str
    roles: tuple[str, ...]
    custody: str
    until: dt.date | None


@dataclass(frozen=True, slots=True)
class Admission:
    """Where an admitted statement belongs, and what it claims for good."""

    key: NaturalKey
    opening: str
    owner: str
    about: tuple[str, ...]
    claims: tuple[tuple[str, str], ...]
    on_behalf: bool


@dataclass(frozen=True, slots=True)
class _Case:
    """A statement before the log. Its chain is ``key``; ``head`` is ``None`` if it opens it."""

    statement: Statement
    view: View
    genesis: Statement
    now_ms: int
    key: NaturalKey
    head: Head | None

    @property
    def subject(self) -> str:
        return self.statement.subject

    @property
    def log(self) -> dict[str, str]:
        return {"origin": self.genesis.common.log.origin, "genesis": self.genesis.digest}

    def live(self, kind: str, entity: str) -> Head | None:
        """The head of an entity that is registered and not withdrawn."""
        head = self.view.head(NaturalKey(kind, (entity,)))
        return head if head and not head.withdrawn else None

    def knows_enterprise(self, enterprise: str) -> bool:
        # The operator is there from the start, registered or not: the genesis names it.
        return enterprise == self.genesis.subject or self.live("enterprise", enterprise) is not None


def admit(statement: Statement, view: View, now_ms: int, *, verified: bool = False) -> Admission:
    """Judge a statement at ledger time ``now_ms``; nothing is changed.

    ``verified`` says that the signature was checked before, with the key that ``kid`` names.
    Raises the first condition that fails, in the order given above; of an empty log only the
    genesis is taken, others raise LogNotFound.
    """
    genesis = view.genesis()
    if genesis is None:
        return _admit_genesis(statement, now_ms)
    _check_log(statement, genesis)
    _check_clock(statement, cast(Genesis, genesis.body), now_ms)
    _check_jti(statement, view)
    signer = key_standing(view, statement.envelope.kid, now_ms)
    if not verified:
        jws.verify(statement.envelope, signer.public)
    key, head = _chain_of(statement, view)
    case = _Case(statement, view, genesis, now_ms, key, head)
    _check_authority(case, signer)
    _check_chain(case)
    _check_body(statement.body, case)
    return _admission(case)


def registered_key(view: View, kid: str) -> PublicKey:
    """The key with this thumbprint, whether or not it may still sign; raises UnknownKey."""
    return _registered(view, kid).public


def key_standing(view: View, kid: str, now_ms: int) -> KeyStanding:
    """What the key may do at ``now_ms``; raises UnknownKey, KeyRetired or KeyExpired.

    A key retires when another key of its enterprise replaces it, and stays retired for good.
    """
    standing = _registered(view, kid)
    if successors := view.heads_about("key", (standing.enterprise, kid)):
        raise KeyRetired("header /kid", kid=kid, successor=successors[0].key.within)
    if standing.until is not None and _day(now_ms) > standing.until:
        raise KeyExpired("header /kid", kid=kid, until=standing.until)
    return standing


def claims_of(statement: Statement) -> tuple[tuple[str, str], ...]:
    """The (space, value) pairs that a statement claims; an id only where it opens the entity."""
    claims = [(JTI, f"{statement.envelope.kid}:{statement.common.jti}")]
    if isinstance(statement.body, Entity):
        claims.append((ENTITY_ID, statement.body.id))
    if isinstance(statement.body, Footprint):
        claims.append((PACT_ID, statement.body.pact.id))
    return tuple(claims)


def about_of(body: Body, subject: str) -> tuple[str, ...]:
    """By what the heads of a type are found together; empty where nothing asks for that."""
    match body:
        case Periodic():
            return (*body.about, str(body.period.year))
        case Membership():
            return (body.park, body.site)
        case Delegation():
            return (subject, body.delegate)
        case Key():
            return (subject, body.replaces or "")
        case _:
            return ()


# --- The statement itself ------------------------------------------------------------------


def _admit_genesis(statement: Statement, now_ms: int) -> Admission:
    body, common = statement.body, statement.common
    if not isinstance(body, Genesis):
        raise LogNotFound
    if common.log.genesis is not None or common.prev is not None:
        raise GenesisRefused("/log", reason="it follows another statement")
    if common.iss != common.subject:
        raise GenesisRefused("/subject", reason="its issuer speaks for another enterprise")
    _check_clock(statement, body, now_ms)
    jws.verify(statement.envelope, body.registrar_key)
    return Admission(
        key=body.natural_key(statement.subject),
        opening=statement.digest,
        owner=statement.subject,
        about=(),
        claims=claims_of(statement),
        on_behalf=False,
    )


def _check_log(statement: Statement, genesis: Statement) -> None:
    if statement.type == "genesis":
        raise GenesisRefused(reason="this log has one already")
    named = statement.common.log
    own = LogId(origin=genesis.common.log.origin, genesis=genesis.digest)
    if named != own:
        raise ForeignLog(
            "/log", named=named.origin, begun=named.genesis, origin=own.origin, genesis=own.genesis
        )


def _check_clock(statement: Statement, policy: Genesis, now_ms: int) -> None:
    age = now_ms // 1000 - statement.common.iat
    if age > policy.past_seconds:
        raise ClockSkew("/iat", seconds=age - policy.past_seconds, side="before")
    if -age > policy.future_seconds:
        raise ClockSkew("/iat", seconds=-age - policy.future_seconds, side="after")


def _check_jti(statement: Statement, view: View) -> None:
    jti, *_ = claims_of(statement)
    if view.taken(*jti) is not None:
        raise JtiReused("/jti", jti=statement.common.jti)


# --- The key and who speaks ----------------------------------------------------------------


def _registered(view: View, kid: str) -> KeyStanding:
    genesis = view.genesis()
    if genesis is None:
        raise LogNotFound
    registrar = cast(Genesis, genesis.body).registrar_key
    if kid == registrar.kid:
        return KeyStanding(registrar, genesis.subject, ("registrar",), "self", None)
    head = view.head(NaturalKey("key", (kid,)))
    if head is None:
        raise UnknownKey("header /kid", kid=kid)
    key = cast(Key, view.stated(head))
    return KeyStanding(key.public, head.owner, key.roles, key.custody, key.until)


def _check_authority(case: _Case, signer: KeyStanding) -> None:
    common, kind = case.statement.common, case.key.type
    if common.iss != signer.enterprise:
        raise WrongIssuer("/iss", iss=common.iss, enterprise=signer.enterprise)
    if roles_for(kind) == ("registrar",):
        _check_registrar(case, signer)
    elif kind == "delegation":
        _check_delegator(case, signer)
    else:
        _check_role(signer, roles_for(kind))
        _check_speaker(case)


def _check_role(signer: KeyStanding, roles: tuple[str, ...]) -> None:
    if not set(roles) & set(signer.roles):
        raise RoleMissing("header /kid", role=roles[0])


def _is_registrar(case: _Case, signer: KeyStanding) -> bool:
    return signer.enterprise == case.genesis.subject and "registrar" in signer.roles


def _check_registrar(case: _Case, signer: KeyStanding) -> None:
    body = case.statement.body
    if _is_registrar(case, signer):
        return
    if isinstance(body, Key) and body.replaces == case.statement.envelope.kid:
        _check_own_rotation(case, body, signer)
    elif signer.enterprise == case.genesis.subject:
        raise RoleMissing("header /kid", role="registrar")
    else:
        raise _not_authorised(case, "only the registrar of the log states it")


def _check_own_rotation(case: _Case, new: Key, old: KeyStanding) -> None:
    """A key hands on what it has, and no more: roles, last day, custody, enterprise."""
    if case.subject != old.enterprise:
        raise _not_authorised(case, "a key is rotated within its enterprise")
    if case.statement.common.prev is not None:
        raise _not_authorised(case, "a rotation brings a key that was not registered before")
    if missing := [role for role in new.roles if role not in old.roles]:
        raise RoleMissing("/roles", role=missing[0])
    if new.custody != old.custody:
        raise _not_authorised(case, "only the registrar changes who holds a key")
    if old.until is not None and (new.until is None or new.until > old.until):
        raise _not_authorised(case, "only the registrar lets a key sign for longer")


def _check_delegator(case: _Case, signer: KeyStanding) -> None:
    if case.statement.common.iss == case.subject:
        return _check_role(signer, roles_for("delegation"))
    if not _is_registrar(case, signer):
        raise _not_authorised(case, "the enterprise itself or the registrar delegates")
    if _delegation(case).mandate is None:
        raise _not_authorised(case, "the registrar needs a mandate, named by its digest")
    return None


def _delegation(case: _Case) -> Delegation:
    """The delegation that is stated or, by a withdrawal, ended."""
    if isinstance(case.statement.body, Delegation):
        return case.statement.body
    return cast(Delegation, case.view.stated(cast(Head, case.head)))


def _check_speaker(case: _Case) -> None:
    iss, subject = case.statement.common.iss, case.subject
    if iss == subject:
        return
    today = _day(case.now_ms)
    heads = case.view.heads_about("delegation", (subject, iss))
    if not any(cast(Delegation, case.view.stated(head)).until >= today for head in heads):
        raise _not_authorised(case, "it holds no delegation that has not run out")


def _not_authorised(case: _Case, reason: str) -> NotAuthorised:
    iss, subject = case.statement.common.iss, case.subject
    return NotAuthorised("/subject", iss=iss, subject=subject, reason=reason)


# --- The chain -----------------------------------------------------------------------------


def _chain_of(statement: Statement, view: View) -> tuple[NaturalKey, Head | None]:
    if not isinstance(statement.body, Withdrawal):
        key = statement.body.natural_key(statement.subject)
        return key, view.head(key)
    prev = cast(str, statement.common.prev)
    head = view.head_of(prev)
    if head is None:
        raise NothingToSupersede("/prev", prev=prev)
    if head.key.type in FIXED:
        raise NotWithdrawable("/prev", type=head.key.type)
    return head.key, head


def _check_chain(case: _Case) -> None:
    prev, head, body = case.statement.common.prev, case.head, case.statement.body
    if head is None:
        if prev is not None:
            raise NothingToSupersede("/prev", prev=prev)
        return
    if head.owner != case.subject:
        if isinstance(body, Entity) and prev is None:
            raise IdTaken("/id", id=body.id)
        raise NotOwner("/prev", kind=case.key.type, id=case.key.within)
    if prev is None:
        raise ChainExists("/prev", key=case.key.text, head=head.digest)
    if prev != head.digest:
        raise _unfit_prev(case, prev, head)
    if head.withdrawn and isinstance(body, Withdrawal):
        raise AlreadyWithdrawn("/prev")


def _unfit_prev(case: _Case, prev: str, head: Head) -> CatchmentError:
    named = case.view.head_of(prev)
    if named is not None and named.key == case.key:
        return StaleHead("/prev", head=head.digest)
    return NothingToSupersede("/prev", prev=prev)


def _admission(case: _Case) -> Admission:
    statement, head, body = case.statement, case.head, case.statement.body
    return Admission(
        key=case.key,
        opening=head.opening if head else statement.digest,
        owner=case.subject,
        about=head.about if head else about_of(body, case.subject),
        claims=_checked_claims(case),
        on_behalf=statement.on_behalf,
    )


def _checked_claims(case: _Case) -> tuple[tuple[str, str], ...]:
    """Raises IdTaken when another entry has claimed one; the ``jti`` was checked before."""
    opens = case.head is None
    claims = [each for each in claims_of(case.statement) if opens or each[0] != ENTITY_ID]
    for space, value in claims:
        if space != JTI and case.view.taken(space, value) is not None:
            raise IdTaken("/pact/id" if space == PACT_ID else "/id", id=value)
    return tuple(claims)


# --- What a statement refers to ------------------------------------------------------------


@singledispatch
def _check_body(body: Body, case: _Case) -> None:
    """What a type asks of the rest of the log; most ask nothing."""


@_check_body.register
def _(body: Enterprise, case: _Case) -> None:
    if body.id != case.subject:
        raise _not_authorised(case, "an enterprise is the subject of its own registration")


@_check_body.register
def _(body: Entity, case: _Case) -> None:
    if body.id == case.genesis.subject:
        raise IdTaken("/id", id=body.id)


@_check_body.register
def _(body: Key, case: _Case) -> None:
    _check_enterprise(case, "/subject", case.subject)
    if body.public == cast(Genesis, case.genesis.body).registrar_key:
        raise IdTaken("/jwk", id=body.public.kid)
    if body.replaces is not None:
        _check_replaced(case, body.replaces)
    if case.head is not None and cast(Key, case.view.stated(case.head)).replaces != body.replaces:
        raise _not_authorised(case, "a correction keeps the key that was replaced")
    _check_proof(case, body)


def _check_replaced(case: _Case, kid: str) -> None:
    try:
        replaced = _registered(case.view, kid)
    except UnknownKey:
        raise UnknownReference("/replaces", kind="key", id=kid) from None
    if replaced.enterprise != case.subject:
        raise NotOwner("/replaces", kind="key", id=kid)


def _check_proof(case: _Case, body: Key) -> None:
    """The holder of the new key said whose it is to be: so nobody registers a key of another."""
    promise = {"log": case.log, "enterprise": case.subject, "thumbprint": body.public.kid}
    try:
        envelope = jws.parse(body.proof.encode(), jws.KEY_PROOF_TYP)
        jws.verify(envelope, body.public)
    except CatchmentError as refused:
        raise ProofRefused("/proof", reason=_told(refused)) from refused
    if envelope.payload != promise:
        raise ProofRefused("/proof", reason="it names another log, enterprise or key")


@_check_body.register
def _(body: Delegation, case: _Case) -> None:
    _check_enterprise(case, "/subject", case.subject)
    _check_enterprise(case, "/delegate", body.delegate)


@_check_body.register
def _(body: Membership, case: _Case) -> None:
    _check_owned(case, "/park", body.park, "park")
    site = case.live("site", body.site)
    if site is None:
        raise UnknownReference("/site", kind="site", id=body.site)
    if body.consent is not None:
        _check_consent(case, body, body.consent, site.owner)
    _check_one_membership_at_a_time(case, body)


def _check_consent(case: _Case, body: Membership, compact: str, owner: str) -> None:
    try:
        envelope = jws.parse(compact.encode(), jws.CONSENT_TYP)
        signer = key_standing(case.view, envelope.kid, case.now_ms)
        jws.verify(envelope, signer.public)
        _check_role(signer, roles_for("site"))
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


def _check_one_membership_at_a_time(case: _Case, body: Membership) -> None:
    """Within one park: what another says of the site, which needs no consent, must not stop it."""
    for head in _others(case, body):
        other = cast(Membership, case.view.stated(head))
        if body.start < (other.end or dt.date.max) and other.start < (body.end or dt.date.max):
            raise OverlappingPeriods(
                "/from", period=_span(body), other=_span(other), digest=head.digest
            )


def _span(membership: Membership) -> str:
    return f"{membership.start}/{membership.end or '..'}"


@_check_body.register(Recipe)
@_check_body.register(Production)
def _(body: Recipe | Production, case: _Case) -> None:
    _check_owned(case, "/product", body.product, "product")
    _check_owned(case, "/site", body.site, "site")
    if isinstance(body, Recipe):
        _check_unit(case, "/basis/unit", body.basis.unit, body.product)
    else:
        _check_unit(case, "/unit", body.unit, body.product)
    _check_periods(case, body)


@_check_body.register(Inventory)
@_check_body.register(Purchases)
def _(body: Inventory | Purchases, case: _Case) -> None:
    _check_owned(case, "/site", body.site, "site")
    _check_periods(case, body)


def _check_unit(case: _Case, where: str, unit: str, product: str) -> None:
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


def _check_periods(case: _Case, body: Periodic) -> None:
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


def _others(case: _Case, body: Body) -> list[Head]:
    heads = case.view.heads_about(case.key.type, about_of(body, case.subject))
    return [head for head in heads if head.key != case.key]


@_check_body.register
def _(body: Footprint, case: _Case) -> None:
    _check_owned(case, "/product", body.product, "product")
    declared = "/pact/pcf/declaredUnitOfMeasurement"
    _check_unit(case, declared, body.pact.pcf.unit_code, body.product)
    if body.site is not None:
        _check_owned(case, "/site", body.site, "site")


@_check_body.register
def _(body: Disclosure, case: _Case) -> None:
    _check_owned(case, "/object/id", body.object.id, *_OBJECTS[body.object.type])
    if body.grantee is not None:
        _check_enterprise(case, "/grantee", body.grantee)


def _check_enterprise(case: _Case, where: str, enterprise: str) -> None:
    if not case.knows_enterprise(enterprise):
        raise UnknownReference(where, kind="enterprise", id=enterprise)


def _check_owned(case: _Case, where: str, entity: str, *kinds: str) -> None:
    """Ids are unique in the whole log, so at most one of ``kinds`` has this one."""
    for kind in kinds:
        head = case.live(kind, entity)
        if head and head.owner != case.subject:
            raise NotOwner(where, kind=kind, id=entity)
        if head:
            return
    raise UnknownReference(where, kind=" or ".join(kinds), id=entity)


def _told(refused: CatchmentError) -> str:
    return (refused.sentence % refused.params).rstrip(".")


def _day(now_ms: int) -> dt.date:
    return dt.datetime.fromtimestamp(now_ms / 1000, dt.UTC).date()
