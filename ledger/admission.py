"""Whether the log takes a statement, as things stand: pure, so that an auditor can replay it.

A statement passes these checks in this order, and the first that fails is named:

1. it is meant for this log, and signed recently (``ForeignLog``, ``ClockSkew``);
2. its ``jti`` is new for its key (``JtiReused``);
3. its key is registered, not revoked, suspect, replaced or past its last day (``UnknownKey``,
   ``KeyRevoked``, ``KeySuspect``, ``KeyRetired``, ``KeyExpired``), and signed it
   (``SignatureInvalid``);
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

from typing import Final, cast

from ledger import jws
from ledger.authority import check_authority, key_standing, recovering_registrar
from ledger.case import Case, rules_of
from ledger.errors import (
    AlreadyWithdrawn,
    CatchmentError,
    CertificateUsed,
    ChainExists,
    ClockSkew,
    ForeignLog,
    GenesisRefused,
    IdTaken,
    JtiReused,
    LogNotFound,
    NothingToSupersede,
    NotOwner,
    NotWithdrawable,
    StaleHead,
    TransferFinal,
)
from ledger.referents import check_body
from ledger.statements import (
    Certificate,
    Entity,
    Footprint,
    Genesis,
    LogId,
    NaturalKey,
    Policy,
    Recovery,
    Statement,
    Withdrawal,
)
from ledger.view import (
    CERTIFIED,
    JTI,
    PACT_ID,
    Admission,
    Head,
    View,
    about_of,
    claims_of,
)

FIXED: Final = frozenset(
    {
        "genesis",
        "policy",
        "recovery",
        "enterprise",
        "key",
        "revocation",
        "transfer",
        "erasure",
    }
)
"""Types whose chains are never withdrawn: other statements rest on them, or they are final."""


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
    _check_clock(statement, rules_of(view, genesis), now_ms)
    _check_jti(statement, view)
    if isinstance(statement.body, Recovery):
        signer = recovering_registrar(statement.body, genesis)
    else:
        signer = key_standing(view, statement.envelope.kid, now_ms)
    if not verified:
        jws.verify(statement.envelope, signer.public)
    key, head = _chain_of(statement, view)
    case = Case(statement, view, genesis, now_ms, key, head)
    check_authority(case, signer)
    _check_chain(case)
    check_body(statement.body, case)
    return _admission(case)


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


def _check_clock(statement: Statement, rules: Genesis | Policy, now_ms: int) -> None:
    age = now_ms // 1000 - statement.common.iat
    if age > rules.past_seconds:
        raise ClockSkew("/iat", seconds=age - rules.past_seconds, side="before")
    if -age > rules.future_seconds:
        raise ClockSkew("/iat", seconds=-age - rules.future_seconds, side="after")


def _check_jti(statement: Statement, view: View) -> None:
    jti, *_ = claims_of(statement)
    if view.taken(*jti) is not None:
        raise JtiReused("/jti", jti=statement.common.jti)


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


def _check_chain(case: Case) -> None:
    prev, head, body = case.statement.common.prev, case.head, case.statement.body
    if head is None:
        if prev is not None:
            raise NothingToSupersede("/prev", prev=prev)
        return
    # One that others may have signed is said again by a sound key: it is the same transfer.
    if case.key.type == "transfer" and head.digest == head.sound_digest:
        raise TransferFinal("/serial")
    if case.chain_owner(head) != case.subject:
        if isinstance(body, Entity) and prev is None:
            raise IdTaken("/id", id=body.id)
        if isinstance(body, Certificate) and prev is None:
            raise CertificateUsed(
                "/serial", registry=body.registry, serial=body.serial, entry=head.index
            )
        raise NotOwner("/prev", kind=case.key.type, id=case.key.within)
    if prev is None:
        raise ChainExists("/prev", key=case.key.text, head=head.digest)
    if prev not in (head.digest, head.sound_digest):
        raise _unfit_prev(case, prev, head)
    if head.withdrawn and isinstance(body, Withdrawal):
        raise AlreadyWithdrawn("/prev")


def _unfit_prev(case: Case, prev: str, head: Head) -> CatchmentError:
    named = case.view.head_of(prev)
    if named is not None and named.key == case.key:
        return StaleHead("/prev", head=head.digest)
    return NothingToSupersede("/prev", prev=prev)


def _admission(case: Case) -> Admission:
    statement, head, body = case.statement, case.head, case.statement.body
    return Admission(
        key=case.key,
        opening=head.opening if head else statement.digest,
        owner=case.subject,
        about=head.about if head else about_of(body, case.subject),
        claims=_checked_claims(case),
        on_behalf=statement.on_behalf,
    )


def _checked_claims(case: Case) -> tuple[tuple[str, str], ...]:
    """Raises IdTaken or CertificateUsed when another entry has claimed one; the ``jti`` was
    checked before."""
    claims = claims_of(case.statement, opens=case.head is None)
    for space, value in claims:
        if space == JTI or (taken := case.view.taken(space, value)) is None:
            continue
        if space == CERTIFIED:
            registry, _, serial = value.partition("|")
            raise CertificateUsed("/serial", registry=registry, serial=serial, entry=taken)
        if not _says_again(case, value):
            raise IdTaken("/pact/id" if space == PACT_ID else "/id", id=value)
    return claims


def _says_again(case: Case, pact_id: str) -> bool:
    """Whether a footprint is said again because a thief may have said it: then it takes its PACT
    id over."""
    head = case.head
    if head is None or head.digest == head.sound_digest:
        return False
    suspect = case.view.statement(head.digest)
    return isinstance(said := suspect and suspect.body, Footprint) and said.pact.id == pact_id
