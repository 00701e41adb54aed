"""Tokens: 256 random bits each, of which only the SHA-256 is kept.

A token is looked up by its digest. The comparison happens in the database's index, on digests that
an attacker cannot steer towards a stored one, so its timing tells nothing about any secret.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from api.callers import TOKEN_ROLES, Caller
from api.errors import TokenRefused, TokenUnknown
from api.tables import token
from ledger.statements import NaturalKey
from ledger.store import reading, writing
from ledger.tables import head

PREFIX: Final = "ctm_"
"""Marks a leaked secret for scanners."""

_SECRET = re.compile(r"ctm_[A-Za-z0-9_-]{43}", re.ASCII)
_NEED_ENTERPRISE = ("supplier", "park", "procurement")
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token once its secret is gone. Times are milliseconds since 1970."""

    id: str
    role: str
    enterprise: str | None
    label: str
    issued_at: int
    expires_at: int | None
    revoked_at: int | None


class Tokens:
    """The tokens in a database. ``clock`` gives milliseconds since 1970 (UTC)."""

    def __init__(
        self, engine: sa.Engine, clock: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    ) -> None:
        self._engine, self._clock = engine, clock

    def issue(
        self, role: str, enterprise: str | None, label: str, ttl_days: int | None = None
    ) -> tuple[str, str]:
        """A new token's id and its secret, which is shown this once.

        Raises TokenRefused for a role that does not exist, and where the role needs an enterprise.
        """
        if reason := flaw(role, enterprise):
            raise TokenRefused(reason=reason)
        now = self._clock()
        token_id, secret = uuid.uuid4().hex, PREFIX + secrets.token_urlsafe(32)
        row = {
            "id": token_id,
            "secret_sha256": _digest(secret),
            "role": role,
            "enterprise": enterprise,
            "label": label,
            "issued_at": now,
            "expires_at": None if ttl_days is None else now + ttl_days * _DAY_MS,
            "revoked_at": None,
        }
        with writing(self._engine) as connection:
            connection.execute(token.insert(), row)
        return token_id, secret

    def revoke(self, token_id: str) -> None:
        """Refuse the token from now on; again is no error. Raises TokenUnknown."""
        # The first revocation keeps its time.
        revoked_at = sa.func.coalesce(token.c.revoked_at, self._clock())
        change = token.update().where(token.c.id == token_id).values(revoked_at=revoked_at)
        with writing(self._engine) as connection:
            if connection.execute(change).rowcount == 0:
                raise TokenUnknown(token=token_id)

    def list(self) -> list[Token]:
        """Every token ever issued, in the order of issue."""
        query = sa.select(token).order_by(token.c.issued_at, token.c.id)
        with reading(self._engine) as connection:
            return [_token(row) for row in connection.execute(query)]

    def find(self, secret: str) -> Caller | None:
        """Whom a secret speaks for; ``None`` if it was never issued, has expired or is revoked."""
        if not _SECRET.fullmatch(secret):
            return None
        query = sa.select(token).where(token.c.secret_sha256 == _digest(secret))
        with reading(self._engine) as connection:
            row = connection.execute(query).one_or_none()
        if row is None or not self._is_valid(_token(row)):
            return None
        return Caller(row.role, row.enterprise, row.id)

    def _is_valid(self, found: Token) -> bool:
        expired = found.expires_at is not None and self._clock() >= found.expires_at
        return found.revoked_at is None and not expired


def flaw(role: str, enterprise: str | None) -> str:
    """Why nobody can speak in a role for an enterprise; empty where somebody can."""
    if role not in TOKEN_ROLES:
        return f"{role!r} is not one of {', '.join(TOKEN_ROLES)}"
    if enterprise is None and role in _NEED_ENTERPRISE:
        return f"the role {role} speaks for an enterprise, name it"
    return ""


def is_registered(connection: sa.Connection, enterprise: str) -> bool:
    """Whether the log knows the enterprise: who speaks for a mistyped id reads nothing."""
    key = NaturalKey("enterprise", (enterprise,)).text
    stands = sa.select(head.c.key).where(head.c.key == key, ~head.c.withdrawn)
    return connection.execute(stands).first() is not None


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("ascii")).hexdigest()


def _token(row: sa.Row[tuple[object, ...]]) -> Token:
    kept = row._mapping
    return Token(**{name: kept[name] for name in Token.__slots__})
