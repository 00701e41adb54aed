"""OAuth clients: programs that act in a role, for an enterprise, as far as their scopes reach.

Secrets are generated, 256 random bits each, and only their SHA-256 is kept, as of tokens
(`api.keys.tokens`). A client may have two for a while: after a rotation the old one stays valid
until the new one is everywhere. What is granted and refused is written down, the newest of it kept.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from api.callers import SCOPES
from api.errors import ClientNotAuthenticated, ClientRefused, ClientUnknown
from api.keys.tokens import flaw, is_registered
from api.services import Services, one_each
from api.tables import client, client_secret, client_use
from ledger.store import reading, writing

PREFIX: Final = "cts_"
"""Marks a leaked secret for scanners."""
ROTATION_HOURS: Final = 24
"""How long a secret that is rotated out stays valid, unless told otherwise."""
GRANTED: Final = "granted"
MOST_GRANTS: Final = 100_000
MOST_REFUSALS: Final = 20_000
"""Uses that are kept. Refusals are counted apart: anybody can cause them, and none pushes out what
was granted."""

_SECRET = re.compile(r"cts_[A-Za-z0-9_-]{43}", re.ASCII)
_SHOWN = 64
_NAME = 200
_HOUR_MS = 3_600_000
_TRIM_EVERY = 256


@dataclass(frozen=True, slots=True)
class Client:
    """What is known of a client. Times are milliseconds since 1970."""

    id: str
    name: str
    role: str
    enterprise: str | None
    scopes: frozenset[str]
    created_at: int
    revoked_at: int | None


@dataclass(frozen=True, slots=True)
class Shown:
    """A client that has shown a secret, and the id of that secret."""

    client: Client
    secret_id: str


@dataclass(frozen=True, slots=True)
class Use:
    """A token that was granted or refused: to whom, with which outcome, to which address."""

    client: str
    at: int
    outcome: str
    address: str


class Clients:
    """The clients in a database. ``clock`` gives milliseconds since 1970 (UTC)."""

    def __init__(self, engine: sa.Engine, clock: Callable[[], int]) -> None:
        self._engine, self._clock = engine, clock

    def add(
        self, role: str, enterprise: str | None, name: str, scopes: Collection[str]
    ) -> tuple[str, str]:
        """A new client's id and its secret, which is shown this once.

        Raises ClientRefused for a role or a scope that does not exist, and an enterprise that is
        not registered or is needed.
        """
        if reason := flaw(role, enterprise):
            raise ClientRefused(reason=reason)
        _check(name, scopes)
        client_id, secret = str(uuid.uuid4()), _new_secret()
        row = {
            "id": client_id,
            "name": name,
            "role": role,
            "enterprise": enterprise,
            "scope": " ".join(sorted(scopes)),
            "created_at": self._clock(),
            "revoked_at": None,
        }
        with writing(self._engine) as connection:
            if enterprise is not None and not is_registered(connection, enterprise):
                raise ClientRefused(reason="no enterprise of this id is registered")
            connection.execute(client.insert(), row)
            self._keep(connection, client_id, secret)
        return client_id, secret

    def list(self) -> list[Client]:
        """Every client ever registered, in the order of registration."""
        query = sa.select(client).order_by(client.c.created_at, client.c.id)
        with reading(self._engine) as connection:
            return [_client(row) for row in connection.execute(query)]

    def rotate(self, client_id: str, hours: int = ROTATION_HOURS) -> str:
        """A new secret, shown this once; the others end in so many hours, with 0 at once.

        A secret that was to end earlier still does. Raises ClientUnknown, also if it is revoked.
        """
        secret, now = _new_secret(), self._clock()
        ends, expires = now + hours * _HOUR_MS, client_secret.c.expires_at
        of_client = client_secret.c.client == client_id
        with writing(self._engine) as connection:
            _check_living(connection, client_id)
            connection.execute(client_secret.delete().where(of_client, expires <= now))
            later = sa.or_(expires.is_(None), expires > ends)
            connection.execute(
                client_secret.update().where(of_client, later).values(expires_at=ends)
            )
            self._keep(connection, client_id, secret)
        return secret

    def revoke(self, client_id: str) -> None:
        """Refuse the client from now on, and the tokens it holds; again is no error.

        Raises ClientUnknown.
        """
        revoked_at = sa.func.coalesce(client.c.revoked_at, self._clock())
        change = client.update().where(client.c.id == client_id).values(revoked_at=revoked_at)
        with writing(self._engine) as connection:
            if connection.execute(change).rowcount == 0:
                raise ClientUnknown(client=client_id)

    def authenticate(self, client_id: str, secret: str) -> Shown:
        """What the client has shown with its secret.

        Raises ClientNotAuthenticated, whatever is wrong. The secret is looked up by its digest,
        which nobody can steer towards a stored one.
        """
        if not _SECRET.fullmatch(secret):
            raise ClientNotAuthenticated
        found = self._valid(client_secret.c.secret_sha256 == _digest(secret))
        if found is None or found.client.id != client_id:
            raise ClientNotAuthenticated
        return found

    def holding(self, secret_id: str) -> Client | None:
        """The client that a secret is of, if both are still valid."""
        found = self._valid(client_secret.c.id == secret_id)
        return None if found is None else found.client

    def _valid(self, which: sa.ColumnElement[bool]) -> Shown | None:
        expires = client_secret.c.expires_at
        query = (
            sa.select(client, client_secret.c.id.label("secret_id"))
            .join(client_secret, client_secret.c.client == client.c.id)
            .where(which, client.c.revoked_at.is_(None))
            .where(sa.or_(expires.is_(None), expires > self._clock()))
        )
        with reading(self._engine) as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else Shown(_client(row), row.secret_id)

    def note(self, sent_id: str, outcome: str, address: str) -> None:
        """Write down a use. Whatever was sent as id is escaped and shortened."""
        row = {
            "client": _shown(sent_id),
            "at": self._clock(),
            "outcome": outcome,
            "address": address[:_SHOWN],
        }
        with writing(self._engine) as connection:
            made = connection.execute(client_use.insert().values(**row)).inserted_primary_key
            if made is not None and made[0] % _TRIM_EVERY == 0:
                _forget_oldest(connection)

    def uses(self, client_id: str | None = None, limit: int = 100) -> tuple[Use, ...]:
        """The newest uses of one client or of all, the newest first."""
        query = sa.select(client_use).order_by(client_use.c.serial.desc()).limit(limit)
        if client_id is not None:
            query = query.where(client_use.c.client == client_id)
        with reading(self._engine) as connection:
            rows = connection.execute(query).all()
        return tuple(Use(row.client, row.at, row.outcome, row.address) for row in rows)

    def _keep(self, connection: sa.Connection, client_id: str, secret: str) -> None:
        row = {
            "id": secrets.token_hex(8),
            "secret_sha256": _digest(secret),
            "client": client_id,
            "created_at": self._clock(),
            "expires_at": None,
        }
        connection.execute(client_secret.insert(), row)


@one_each
def clients_of(services: Services) -> Clients:
    """The clients of these services."""
    return Clients(services.database, services.clock)


def _new_secret() -> str:
    return PREFIX + secrets.token_urlsafe(32)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("ascii")).hexdigest()


def _check(name: str, scopes: Collection[str]) -> None:
    if not (name.strip() and name.isprintable() and len(name) <= _NAME):
        raise ClientRefused(reason="its name is empty, too long or cannot be printed")
    if not scopes or set(scopes) - SCOPES.keys():
        raise ClientRefused(reason=f"its scopes are some of {', '.join(SCOPES)}")


def _check_living(connection: sa.Connection, client_id: str) -> None:
    lives = sa.select(client.c.id).where(client.c.id == client_id, client.c.revoked_at.is_(None))
    if connection.execute(lives).first() is None:
        raise ClientUnknown(client=client_id)


def _forget_oldest(connection: sa.Connection) -> None:
    was_granted, serial = client_use.c.outcome == GRANTED, client_use.c.serial
    for of_kind, most in ((was_granted, MOST_GRANTS), (~was_granted, MOST_REFUSALS)):
        newest = sa.select(serial).where(of_kind).order_by(serial.desc())
        last = connection.execute(newest.offset(most).limit(1)).scalar_one_or_none()
        if last is not None:
            connection.execute(client_use.delete().where(of_kind, serial <= last))


def _shown(text: str) -> str:
    """What was sent, in ASCII that no terminal and no database takes for anything else."""
    return text[:_SHOWN].encode("unicode_escape").decode("ascii")[:_SHOWN]


def _client(row: sa.Row[Any]) -> Client:
    scopes = frozenset(row.scope.split())
    made, ended = row.created_at, row.revoked_at
    return Client(row.id, row.name, row.role, row.enterprise, scopes, made, ended)
