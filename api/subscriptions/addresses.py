"""Where webhooks may go: to addresses of the public internet, whatever a URL calls them.

Whoever subscribes names a URL that this server then calls, from inside the operator's network. So
what counts is the address that is connected to, looked at after the name was resolved and before
anything is sent: no spelling of an address (decimal, octal, IPv4 in IPv6), no name that resolves
to something else the second time and no redirect leads anywhere else.

Exceptions are the hosts in ``CATCHMENT_REACHABLE``, and loopback addresses in development.
"""

from __future__ import annotations

import ipaddress
import os
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Never
from urllib.parse import SplitResult, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError

from api.errors import UrlRefused
from api.outbox.timed import Timed
from api.settings import Settings

CONNECT_SECONDS: Final = 5.0
READ_SECONDS: Final = 10.0
LONGEST_SECONDS: Final = 30.0
"""However slowly the other side answers, after this its connection is cut."""
LONGEST_URL: Final = 2048

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_NOT_TAKEN: Final = tuple(
    map(
        ipaddress.ip_network,
        (
            "192.88.99.0/24",  # 6to4 relays, RFC 7526
            "2002::/16",  # 6to4, RFC 3056
            "2001::/32",  # Teredo, RFC 4380
            "64:ff9b:1::/48",  # NAT64 of one network, RFC 8215
            "192.0.0.0/24",  # protocol assignments, RFC 6890
            "fec0::/10",  # what was site-local, RFC 3879
            "3fff::/20",  # documentation, RFC 9637
        ),
    )
)
"""Tunnels that lead who knows where, and what Python's registry counts as global all the same."""
_PRINTABLE = re.compile(r"[!-\[\]-~]+", re.ASCII)

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Found = tuple[socket.AddressFamily, socket.SocketKind, int, tuple[Any, ...]]


def is_public(address: str) -> bool:
    """Whether an IP address, as the resolver writes it, is one of the public internet.

    IPv4 addresses inside IPv6 ones (mapped, and behind the well-known NAT64 prefix of RFC 6052)
    are judged as what they are.
    """
    try:
        found = _plain(ipaddress.ip_address(address.partition("%")[0]))
    except ValueError:
        return False
    if any(found in network for network in _NOT_TAKEN if network.version == found.version):
        return False
    return found.is_global and not (
        found.is_multicast or found.is_reserved or found.is_link_local or found.is_unspecified
    )


def _plain(address: _Address) -> _Address:
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def _is_loopback(address: str) -> bool:
    try:
        return _plain(ipaddress.ip_address(address.partition("%")[0])).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Reach:
    """What may be connected to in one deployment."""

    hosts: frozenset[str]
    loopback: bool

    @classmethod
    def of(cls, settings: Settings) -> Reach:
        return cls(frozenset(map(_host_name, settings.reachable)), not settings.is_production)

    def allows(self, host: str, address: str) -> bool:
        """Whether ``host`` may be called at the ``address`` that it was resolved to."""
        if _host_name(host) in self.hosts or is_public(address):
            return True
        return self.loopback and _is_loopback(address)

    def resolved(self, host: str, port: int) -> list[_Found]:
        """Where to connect to for ``host``; if one of several addresses is refused, all are.

        Raises OSError where there is none, UrlRefused where it may not be called.
        """
        found: list[_Found] = [
            (family, kind, protocol, address)
            for family, kind, protocol, _, address in _looked_up(host, port)
        ]
        if not found or not all(self.allows(host, str(address[0])) for *_, address in found):
            raise _not_public()
        return found


def _looked_up(host: str, port: int) -> list[tuple[Any, ...]]:
    try:
        return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    except UnicodeError as refused:  # no label of a name is that long
        raise OSError("it is no name of a host") from refused


def _not_public() -> UrlRefused:
    return UrlRefused(reason="it does not lead to public addresses")


def _host_name(host: str) -> str:
    return host.strip("[]").rstrip(".").lower()


def check(url: str, settings: Settings) -> None:
    """Whether webhooks may go to ``url``, as far as can be told without calling it.

    A name that cannot be resolved is refused in the same words as one that leads inside: names of
    the operator's network are nobody's business. Raises UrlRefused.
    """
    parts = _split(url)
    if parts.scheme != "https" and (settings.is_production or parts.scheme != "http"):
        raise UrlRefused(reason="it does not begin with https://")
    if parts.username is not None or parts.password is not None:
        raise UrlRefused(reason="it holds a user name")
    if parts.fragment or not parts.hostname:
        raise UrlRefused(reason="it is no address of a server")
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        Reach.of(settings).resolved(parts.hostname, port)
    except OSError:
        raise _not_public() from None


def _split(url: str) -> SplitResult:
    # No whitespace, control characters, backslashes or letters beyond ASCII: readers of URLs
    # differ in what these mean, and the one who checks would not be the one who calls.
    if len(url) > LONGEST_URL or not _PRINTABLE.fullmatch(url):
        raise UrlRefused(reason="it is too long, or holds characters that no URL has")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise UrlRefused(reason="it is no address of a server") from None
    return parts


# -- connecting -----------------------------------------------------------------------------------


class _Bounded(Timed):
    """A connection that asks ``reach`` where it may go."""

    reach: Reach

    def _opened(self) -> socket.socket:
        try:
            return _connected(self.reach.resolved(self._dns_host, self.port), self.timeout)
        except OSError as failed:
            raise NewConnectionError(self, "no connection") from failed


def _connected(found: list[_Found], timeout: Any) -> socket.socket:
    """A socket to the first address that answers: the same that were looked at. Raises OSError."""
    failed: OSError | None = None
    for family, kind, protocol, address in found:
        made = socket.socket(family, kind, protocol)
        try:
            made.settimeout(timeout if isinstance(timeout, int | float) else CONNECT_SECONDS)
            made.connect(address)
        except OSError as refused:
            made.close()
            failed = refused
        else:
            return made
    raise failed or OSError("no address")


class _Adapter(HTTPAdapter):
    """Connects only to what ``reach`` allows, and through no proxy."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        super().__init__(pool_connections=1, pool_maxsize=1)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _pools(self._reach)

    def proxy_manager_for(self, *_: Any, **__: Any) -> Never:
        raise UrlRefused(reason="it would go through a proxy")


def _pools(among: Reach) -> dict[str, type[HTTPConnectionPool]]:
    class Plain(_Bounded):
        reach, seconds = among, LONGEST_SECONDS

    class Secure(_Bounded, HTTPSConnection):
        reach, seconds = among, LONGEST_SECONDS

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


class _Session(requests.Session):
    """Follows nobody's redirects: an answer that is one is the answer."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


def session(settings: Settings) -> requests.Session:
    """What webhooks are sent with: https only in production, no proxies, no redirects, no cookies
    or credentials of this machine.

    Its requests raise UrlRefused for what may not be called. Certificates are checked against
    those that ``REQUESTS_CA_BUNDLE`` names, or the usual ones.
    """
    made = _Session()
    made.trust_env = False
    made.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True
    made.adapters.clear()
    adapter = _Adapter(Reach.of(settings))
    for scheme in _schemes(settings):
        made.mount(scheme, adapter)
    return made


def _schemes(settings: Settings) -> Iterator[str]:
    yield "https://"
    if not settings.is_production:
        yield "http://"
