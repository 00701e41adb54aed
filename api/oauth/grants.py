"""Access tokens: JWTs (RFC 9068) signed with Ed25519, good for half an hour at most.

A token says which client it was granted to, for which scopes and on which of its secrets. What the
client may is read from the database: a token ends with its client and with its secret, at most
`LIVING_MS` after them, and never reaches further than the client does then.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import Any, Final, Generic, TypeVar

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from api.callers import Caller
from api.errors import ScopeRefused, TokenExpired, TokenInvalid
from api.oauth import token_key
from api.oauth.clients import Client, Clients, Shown, clients_of
from api.services import Services, one_each
from api.settings import Settings

SECONDS: Final = 30 * 60
"""How long an access token is good for."""
LIVING_MS: Final = 5_000
"""How long it is believed that a client lives and its secret is valid, once that was seen."""
TYPE: Final = "at+jwt"
ALGORITHM: Final = "Ed25519"

K = TypeVar("K")
V = TypeVar("V")

_MOST_CHARACTERS = 2048
_MOST_REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class Grant:
    """A token that was granted, how far it reaches, and for how long."""

    token: str
    scopes: frozenset[str]
    seconds: int


@dataclass(frozen=True, slots=True)
class _Read:
    """What a token says whose signature was checked. Times are seconds since 1970."""

    client: str
    secret_id: str
    scopes: frozenset[str]
    expires: int


class _Newest(Generic[K, V]):
    """What was looked up last, and no more of it than `_MOST_REMEMBERED`."""

    def __init__(self) -> None:
        self._kept: OrderedDict[K, V] = OrderedDict()
        self._lock = Lock()

    def get(self, key: K) -> V | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: K, value: V) -> None:
        with self._lock:
            self._kept[key] = value
            self._kept.move_to_end(key)
            if len(self._kept) > _MOST_REMEMBERED:
                self._kept.popitem(last=False)


class Grants:
    """Grants access tokens, and tells whom one speaks for. Shared by the threads of a process."""

    def __init__(self, clients: Clients, settings: Settings, clock: Callable[[], int]) -> None:
        self._clients, self._settings, self._clock = clients, settings, clock
        self._remembered = _Newest[bytes, _Read]()
        self._lives = _Newest[str, tuple[int, Client | None]]()

    def grant(self, shown: Shown, asked: str | None = None) -> Grant:
        """A token for a client that has shown its secret.

        Without scopes that are ``asked`` for it reaches as far as the client. Raises ScopeRefused
        for one that the client does not have, TokenKeyRefused.
        """
        scopes = shown.client.scopes if asked is None else frozenset(asked.split(" "))
        if not scopes or scopes - shown.client.scopes:
            raise ScopeRefused
        now = self._clock() // 1000
        address = self._settings.public_address
        claims = {
            "iss": address,
            "sub": shown.client.id,
            "client_id": shown.client.id,
            "aud": address,
            "iat": now,
            "exp": now + SECONDS,
            "jti": secrets.token_urlsafe(16),
            "scope": " ".join(sorted(scopes)),
            "secret": shown.secret_id,
        }
        return Grant(self._signed(claims), scopes, SECONDS)

    def caller(self, token: str) -> Caller:
        """Whom a token speaks for.

        Raises TokenExpired for one that was good, TokenInvalid for anything else that is no token
        of ours, and for one whose client or secret has ended; TokenKeyRefused.
        """
        read = self._read(token)
        if self._clock() >= read.expires * 1000:
            raise TokenExpired
        client = self._living(read.secret_id)
        if client is None or client.id != read.client:
            raise TokenInvalid
        scopes = read.scopes & client.scopes
        return Caller(client.role, client.enterprise, client=client.id, scopes=scopes)

    @property
    def jwks(self) -> dict[str, Any]:
        """The public half of the key that tokens are signed with, as a JWK set (RFC 7517)."""
        public = self._key.as_dict(private=False)
        return {"keys": [public | {"kid": self._header["kid"], "alg": ALGORITHM, "use": "sig"}]}

    @cached_property
    def _key(self) -> OKPKey:
        return OKPKey.import_key(token_key.read(self._settings).to_pem())

    @cached_property
    def _header(self) -> dict[str, str]:
        return {"alg": ALGORITHM, "typ": TYPE, "kid": self._key.thumbprint()}

    @cached_property
    def _start(self) -> str:
        """What every token of ours begins with: its header, encoded."""
        return self._signed({}).partition(".")[0] + "."

    def _signed(self, claims: dict[str, Any]) -> str:
        return jwt.encode(self._header, claims, self._key, [ALGORITHM])

    def _read(self, token: str) -> _Read:
        if len(token) > _MOST_CHARACTERS or not token.isascii():
            raise TokenInvalid
        digest = hashlib.sha256(token.encode("ascii")).digest()
        read = self._remembered.get(digest)
        if read is None:
            read = self._verified(token)
            self._remembered.put(digest, read)
        return read

    def _verified(self, token: str) -> _Read:
        """Raises TokenInvalid unless `grant` made it.

        The header is compared before anything is parsed: it names no algorithm, type or key but
        ours, and nothing that a library could be led astray by.
        """
        if not token.startswith(self._start):
            raise TokenInvalid
        try:
            claims = jwt.decode(token, self._key, [ALGORITHM]).claims
        except JoseError:
            raise TokenInvalid from None
        address = self._settings.public_address
        if (claims.get("iss"), claims.get("aud")) != (address, address):
            raise TokenInvalid
        scopes = frozenset(claims["scope"].split(" "))
        return _Read(claims["sub"], claims["secret"], scopes, claims["exp"])

    def _living(self, secret_id: str) -> Client | None:
        now, seen = self._clock(), self._lives.get(secret_id)
        if seen is not None and 0 <= now - seen[0] < LIVING_MS:
            return seen[1]
        client = self._clients.holding(secret_id)
        self._lives.put(secret_id, (now, client))
        return client


@one_each
def grants_of(services: Services) -> Grants:
    """Who grants tokens to the clients of these services."""
    return Grants(clients_of(services), services.settings, services.clock)
