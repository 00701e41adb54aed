"""Whether an event comes from where the partner that sends it is registered."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from api.errors import EventFromElsewhere
from api.pact import events
from api.partners.partners import Partner

_PORTS: Final = {"http": 80, "https": 443}


def require_source(partner: Partner, source: str) -> None:
    """Whether ``source`` is the address a partner is registered with. Raises EventFromElsewhere.

    Case of scheme and host, a port that goes without saying, ``/3/events`` and a slash at the end
    make no difference; a source without a scheme (``//host/3/events``) has the registered one.
    """
    registered = _address(partner.url)
    if registered is None or _address(source, registered[0]) != registered:
        raise EventFromElsewhere(source=source)


def _address(text: str, scheme: str = "") -> tuple[str, str, int | None, str] | None:
    """(scheme, host, port, path) to compare; None for what is no address, or says more."""
    try:
        parts = urlsplit(text, scheme)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None
    if parts.hostname is None or parts.username or parts.query or parts.fragment:
        return None
    path = parts.path.rstrip("/").removesuffix(events.EVENTS_PATH).rstrip("/")
    return parts.scheme, parts.hostname, port, path
