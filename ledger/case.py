"""A statement before the log, with what its judges ask first: who owns, what is in force."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final, cast

from ledger.errors import NotAuthorised
from ledger.statements import (
    Certificate,
    Genesis,
    NaturalKey,
    Periodic,
    Policy,
    Statement,
    Transfer,
)
from ledger.view import Head, View

_PERIODS_OF: Final = {
    **dict.fromkeys(("recipe", "production", "downstream"), "product"),
    **dict.fromkeys(("inventory", "purchases", "readings", "allocation"), "site"),
}
"""Types about a period of something that can change hands, and of what."""


@dataclass(frozen=True, slots=True)
class Case:
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
        return log_of(self.genesis)

    @property
    def today(self) -> dt.date:
        return day_of(self.now_ms)

    def live(self, kind: str, entity: str) -> Head | None:
        """The head of an entity that is registered and not withdrawn."""
        head = self.view.head(NaturalKey(kind, (entity,)))
        return head if head and not head.withdrawn else None

    def owner_of(self, entity: Head) -> str:
        """Who owns a site or product, or anything else that cannot change hands."""
        transfers = self._transfers(entity)
        return _to(self.view, transfers[-1]) if transfers else entity.owner

    def owner_on(self, entity: Head, day: dt.date) -> str:
        """Who owned it on a day (UTC): before a transfer's first day, whoever gave it away."""
        for transfer in self._transfers(entity):
            if day < cast(Transfer, self.view.stated(transfer)).start:
                return transfer.owner
        return self.owner_of(entity)

    def chain_owner(self, head: Head) -> str:
        """Who may continue or end a chain, in whoever's hands it was begun.

        Of a site or product, that is its owner; of a period, the owner on the period's last day;
        of a certificate for a site, the site's owner on the last day of its year.
        """
        key = head.key
        match key.type:
            case kind if kind in _PERIODS_OF:
                entity = NaturalKey(_PERIODS_OF[kind], key.parts[:1])
                return self._owner(entity, Periodic.span(key)[0].last) or head.owner
            case "certificate":
                return self._user_of(head) or head.owner
            case "meter":
                return self._owner(NaturalKey("site", key.parts[:1])) or head.owner
            case "footprint":
                return self._owner(NaturalKey("product", key.parts[:1])) or head.owner
            case "disclosure":
                object_id = key.parts[1:2]
                kinds = ("site", "product")
                owners = (self._owner(NaturalKey(kind, object_id)) for kind in kinds)
                return next(filter(None, owners), head.owner)
            case _:
                return self.owner_of(head)

    def _user_of(self, head: Head) -> str | None:
        """Who owned the site that certificates are used for, at the end of their year."""
        body = self.view.stated(head)
        if not isinstance(body, Certificate) or body.site is None:
            return None
        return self._owner(NaturalKey("site", (body.site,)), body.last_day)

    def _owner(self, entity: NaturalKey, day: dt.date | None = None) -> str | None:
        head = self.view.head(entity)
        if head is None:
            return None
        return self.owner_of(head) if day is None else self.owner_on(head, day)

    def last_transfer(self, entity: Head) -> Transfer | None:
        transfers = self._transfers(entity)
        return cast(Transfer, self.view.stated(transfers[-1])) if transfers else None

    def knows_enterprise(self, enterprise: str) -> bool:
        # The operator is there from the start, registered or not: the genesis names it.
        return enterprise == self.genesis.subject or self.live("enterprise", enterprise) is not None

    def not_authorised(self, reason: str) -> NotAuthorised:
        iss, subject = self.statement.common.iss, self.subject
        return NotAuthorised("/subject", iss=iss, subject=subject, reason=reason)

    def _transfers(self, entity: Head) -> list[Head]:
        """What stands of its transfers, in the log's order, which is that of their days."""
        if entity.key.type not in ("site", "product"):
            return []
        return list(self.view.heads_about("transfer", entity.key.parts))


def rules_of(view: View, genesis: Statement) -> Genesis | Policy:
    """The rules in force: those of the last policy, or of the genesis."""
    head = view.head(NaturalKey("policy", ()))
    if head is None or head.withdrawn:
        return cast(Genesis, genesis.body)
    return cast(Policy, view.stated(head))


def log_of(genesis: Statement) -> dict[str, str]:
    """The ``log`` member of what is said to the log that begins so."""
    return {"origin": genesis.common.log.origin, "genesis": genesis.digest}


def day_of(now_ms: int) -> dt.date:
    """The day (UTC) of a ledger time."""
    return dt.datetime.fromtimestamp(now_ms / 1000, dt.UTC).date()


def _to(view: View, transfer: Head) -> str:
    return cast(Transfer, view.stated(transfer)).to
