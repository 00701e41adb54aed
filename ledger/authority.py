"""Who may say something: the key behind a statement, its roles, and for whom it speaks.

Entry *i* is judged by the entries before it: a key that is revoked, replaced or expired later was
none of that when it signed. What a thief may have signed is told apart afterwards
(`ledger.soundness`); here, a key whose registration has become suspect signs nothing any more.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from ledger.case import Case, day_of
from ledger.errors import (
    KeyExpired,
    KeyRetired,
    KeyRevoked,
    KeySuspect,
    LogNotFound,
    RevocationFinal,
    RoleMissing,
    UnknownKey,
    WrongIssuer,
)
from ledger.keys import PublicKey
from ledger.statements import (
    Delegation,
    Erasure,
    Figure,
    Genesis,
    Key,
    NaturalKey,
    Recovery,
    Revocation,
    Statement,
    Transfer,
    roles_for,
)
from ledger.view import Head, View

_BY_THE_OPERATOR = (Erasure, Figure)
"""What the operator may say for others without being asked: it removes, or anybody can check it."""


@dataclass(frozen=True, slots=True)
class KeyStanding:
    """What a key may do now, and for whom. ``until`` is its last day (UTC), if it has one."""

    public: PublicKey
    enterprise: str
    roles: tuple[str, ...]
    custody: str
    until: dt.date | None


def registered_key(view: View, kid: str) -> PublicKey:
    """The key with this thumbprint, whether or not it may still sign; raises UnknownKey."""
    return registered(view, kid).public


def key_standing(view: View, kid: str, now_ms: int) -> KeyStanding:
    """What the key may do at ``now_ms``.

    Raises UnknownKey; KeyRevoked; KeySuspect when its registration is; KeyRetired for good once
    another key of its enterprise replaced it; KeyExpired.
    """
    standing = registered(view, kid)
    _check_not_revoked(view, kid)
    if successors := view.heads_about("key", (standing.enterprise, kid)):
        raise KeyRetired("header /kid", kid=kid, successor=successors[0].key.within)
    if standing.until is not None and day_of(now_ms) > standing.until:
        raise KeyExpired("header /kid", kid=kid, until=standing.until)
    return standing


def registered(view: View, kid: str) -> KeyStanding:
    """As ``key_standing``, though the key may be revoked, suspect, retired or expired."""
    genesis = view.genesis()
    if genesis is None:
        raise LogNotFound
    for registrar in registrar_keys(view):
        if kid == registrar.kid:
            return KeyStanding(registrar, genesis.subject, ("registrar",), "self", None)
    head = view.head(NaturalKey("key", (kid,)))
    if head is None:
        raise UnknownKey("header /kid", kid=kid)
    key = cast(Key, view.stated(head))
    return KeyStanding(key.public, head.owner, key.roles, key.custody, key.until)


def recovering_registrar(recovery: Recovery, genesis: Statement) -> KeyStanding:
    """The key that a recovery brings, with the standing that its approvals will give it."""
    return KeyStanding(recovery.registrar_key, genesis.subject, ("registrar",), "self", None)


def registrar_keys(view: View) -> list[PublicKey]:
    """Every key that was the registrar's, from the genesis on; the last is in force."""
    keys = [cast(Genesis, genesis.body).registrar_key] if (genesis := view.genesis()) else []
    head = view.head(NaturalKey("recovery", ()))
    if head is None:
        return keys
    last = cast(Recovery, view.stated(head)).registrar_key
    # Most logs have one recovery at most, and every statement asks.
    replaced = [] if head.digest == head.opening else list(_replaced(view, head.digest))
    return [*keys, *reversed(replaced), last]


def _replaced(view: View, digest: str) -> Iterator[PublicKey]:
    """The keys of the recoveries before this one, the last of them first."""
    said = view.statement(digest)
    while said and said.common.prev and (said := view.statement(said.common.prev)):
        yield cast(Recovery, said.body).registrar_key


def _check_not_revoked(view: View, kid: str) -> None:
    *replaced, registrar = registrar_keys(view)
    if kid in {key.kid for key in replaced} and kid != registrar.kid:
        raise KeyRevoked("header /kid", kid=kid, reason="replaced by a recovery")
    revocation = view.head(NaturalKey("revocation", (kid,)))
    if revocation and not revocation.withdrawn:
        reason = cast(Revocation, view.stated(revocation)).reason
        raise KeyRevoked("header /kid", kid=kid, reason=reason)
    head = view.head(NaturalKey("key", (kid,)))
    if head and head.digest != head.sound_digest:
        raise KeySuspect("header /kid", kid=kid)


def check_authority(case: Case, signer: KeyStanding) -> None:
    """Whether the key may sign this, and its enterprise speak for the subject.

    Raises WrongIssuer, RoleMissing, NotAuthorised or RevocationFinal.
    """
    common, kind = case.statement.common, case.key.type
    if common.iss != signer.enterprise:
        raise WrongIssuer("/iss", iss=common.iss, enterprise=signer.enterprise)
    if roles_for(kind) == ("registrar",):
        _check_registrar(case, signer)
    elif kind == "revocation":
        _check_revoker(case, signer)
    elif kind == "delegation":
        _check_delegator(case, signer)
    elif kind == "transfer":
        _check_giver(case, signer, cast(Transfer, case.statement.body))
    elif isinstance(case.statement.body, _BY_THE_OPERATOR) and _is_operator(case, signer):
        pass
    else:
        check_role(signer, roles_for(kind))
        _check_speaker(case)


def check_role(signer: KeyStanding, roles: tuple[str, ...]) -> None:
    """Raises RoleMissing unless the key has one of the roles."""
    if not set(roles) & set(signer.roles):
        raise RoleMissing("header /kid", role=roles[0])


def _is_registrar(case: Case, signer: KeyStanding) -> bool:
    return signer.enterprise == case.genesis.subject and "registrar" in signer.roles


def _is_operator(case: Case, signer: KeyStanding) -> bool:
    return signer.enterprise == case.genesis.subject and "operator" in signer.roles


def _check_registrar(case: Case, signer: KeyStanding) -> None:
    body = case.statement.body
    if _is_registrar(case, signer):
        return
    if isinstance(body, Key) and body.replaces == case.statement.envelope.kid:
        _check_own_rotation(case, body, signer)
    elif signer.enterprise == case.genesis.subject:
        raise RoleMissing("header /kid", role="registrar")
    else:
        raise case.not_authorised("only the registrar of the log states it")


def _check_own_rotation(case: Case, new: Key, old: KeyStanding) -> None:
    """A key hands on what it has, and no more: roles, last day, custody, enterprise."""
    if case.subject != old.enterprise:
        raise case.not_authorised("a key is rotated within its enterprise")
    if case.statement.common.prev is not None:
        raise case.not_authorised("a rotation brings a key that was not registered before")
    if missing := [role for role in new.roles if role not in old.roles]:
        raise RoleMissing("/roles", role=missing[0])
    if new.custody != old.custody:
        raise case.not_authorised("only the registrar changes who holds a key")
    if old.until is not None and (new.until is None or new.until > old.until):
        raise case.not_authorised("only the registrar lets a key sign for longer")


def _check_revoker(case: Case, signer: KeyStanding) -> None:
    """An enterprise ends its own keys at once, each by itself or by another; it does so once."""
    if _is_registrar(case, signer):
        return
    if signer.enterprise != case.subject:
        raise case.not_authorised("the enterprise itself or the registrar revokes a key")
    if case.head is not None:
        raise RevocationFinal("/kid", kid=case.key.within)


def _check_delegator(case: Case, signer: KeyStanding) -> None:
    if case.statement.common.iss == case.subject:
        return check_role(signer, roles_for("delegation"))
    if not _is_registrar(case, signer):
        raise case.not_authorised("the enterprise itself or the registrar delegates")
    if _delegation(case).mandate is None:
        raise case.not_authorised("the registrar needs a mandate, named by its digest")
    return None


def _check_giver(case: Case, signer: KeyStanding, transfer: Transfer) -> None:
    """The owner gives what the new one accepts, and the registrar what a paper mandate says."""
    if _is_registrar(case, signer):
        if transfer.mandate is None:
            raise case.not_authorised("the registrar needs a mandate, named by its digest")
        return
    if transfer.mandate is not None:
        raise case.not_authorised("only the registrar has seen a mandate")
    check_role(signer, roles_for("transfer"))
    _check_speaker(case)


def _delegation(case: Case) -> Delegation:
    """The delegation that is stated or, by a withdrawal, ended."""
    if isinstance(case.statement.body, Delegation):
        return case.statement.body
    return cast(Delegation, case.view.stated(cast(Head, case.head)))


def _check_speaker(case: Case) -> None:
    iss, subject = case.statement.common.iss, case.subject
    if iss == subject:
        return
    if case.key.type == "attestation":
        raise case.not_authorised("a verifier speaks for itself")
    heads = case.view.heads_about("delegation", (subject, iss))
    if not any(cast(Delegation, case.view.stated(head)).until >= case.today for head in heads):
        raise case.not_authorised("it holds no delegation that has not run out")
