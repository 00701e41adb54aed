"""Calling another PACT host (PACT v3, sections 4 to 6): tokens, pages, single footprints, events.

The host is a stranger's program. Only its registered address is called, no redirect is followed,
an answer has a size and a time that it may take, and pages come to an end. Its client credentials
go to the registered address alone, or to the one that was registered for tokens.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import SplitResult, quote, urlencode, urljoin, urlsplit, urlunsplit

import requests
import urllib3

from api.callers import GRANTS_PATH
from api.errors import CalledHostNotUnderstood, CalledHostRefused, CalledHostUnreachable
from api.outbox.cloud_event import MEDIA_TYPE
from api.outbox.timed import TimedAdapter
from api.pact.events import EVENTS_PATH
from api.pact.pages import NotListed, items_of, only_item_of
from api.partners.partners import Partner, partners_of
from api.services import Services

TIMEOUTS: Final = (10, 30)
"""Seconds to connect, and between two pieces of an answer."""
ANSWER_SECONDS: Final = 120
MAX_PAGE_BYTES: Final = 32 * 1024 * 1024
MAX_SMALL_BYTES: Final = 1024 * 1024
MAX_PAGES: Final = 20_000
MAX_TOTAL_BYTES: Final = 1024 * 1024 * 1024
_PIECE: Final = 64 * 1024
_LONGEST_MESSAGE: Final = 300
_LONGEST_TOKEN: Final = 16 * 1024
_EARLIER_SECONDS: Final = 30
"""A token is renewed so long before it expires: clocks differ, and answers take their time."""
_PLAIN_SECONDS: Final = 300
"""How long a token is used that does not say how long it lasts; and at most, whatever it says."""
_MOST_SECONDS: Final = 24 * 3600
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}

FOOTPRINTS: Final = "/3/footprints"
DISCOVERY: Final = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class _Token:
    """``until`` is a time of the monotonic clock."""

    text: str
    until: float


class _Bearer(requests.auth.AuthBase):
    """As an object, so that no entry of a ``.netrc`` takes the place of the token."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes
    next: str | None
    retry_after: str = ""


class PactHost:
    """A partner's host. One object serves one thread; its token is kept as long as it lasts.

    Every method raises CalledHostUnreachable, CalledHostRefused or CalledHostNotUnderstood, and
    SealingKeyRefused where the secret cannot be opened.
    """

    def __init__(
        self,
        services: Services,
        partner: Partner,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._partner = partner
        self._partners = partners_of(services)
        self._base = urlsplit(partner.url)
        self._monotonic = monotonic
        self._held: _Token | None = None

    def footprints(self, filters: Mapping[str, list[str]] | None = None) -> Iterator[bytes]:
        """Every footprint listed, on all pages, in the bytes it was sent in.

        What came before a page that fails was given; whoever needs all of it waits for the end.
        """
        query = urlencode(dict(filters or {}), doseq=True)
        url: str | None = self._partner.url + FOOTPRINTS + (f"?{query}" if query else "")
        seen, total = set[str](), 0
        while url is not None:
            if url in seen or len(seen) >= MAX_PAGES:
                raise self._not_understood("its pages do not end")
            seen.add(url)
            answer = self._authorised("GET", url)
            total += len(answer.body)
            if total > MAX_TOTAL_BYTES:
                raise self._not_understood("its pages do not end")
            yield from self._read(items_of, answer.body)
            url = self._following(answer.next, url)

    def footprint(self, footprint_id: str) -> bytes:
        """One footprint, in the bytes it was sent in."""
        url = f"{self._partner.url}{FOOTPRINTS}/{quote(footprint_id, safe='')}"
        answer = self._authorised("GET", url, limit=MAX_SMALL_BYTES)
        item: bytes = self._read(only_item_of, answer.body)
        return item

    def send_event(self, body: bytes) -> None:
        """Deliver a CloudEvent in its structured form."""
        headers = {"Content-Type": f"{MEDIA_TYPE}; charset=UTF-8"}
        url = self._partner.url + EVENTS_PATH
        self._authorised("POST", url, body=body, headers=headers, limit=MAX_SMALL_BYTES)

    # Pages

    def _following(self, link: str | None, here: str) -> str | None:
        """The next page on the registered host, over the scheme it was registered with.

        A host behind a proxy may believe that it speaks http: the token is never sent over that,
        so the link is followed as if it said what was registered. Anything else elsewhere is not.
        """
        if link is None:
            return None
        try:
            next_ = urlsplit(urljoin(here, link))
            is_here = next_.scheme in _DEFAULT_PORTS and self._is_same_host(next_)
        except ValueError:
            is_here = False
        if not is_here:
            raise self._not_understood("its next page lies on another host")
        return urlunsplit((self._base.scheme, self._base.netloc, next_.path, next_.query, ""))

    def _is_same_host(self, other: SplitResult) -> bool:
        """Raises ValueError for a port that is none."""
        port = self._base.port or _DEFAULT_PORTS[self._base.scheme]
        ports = (port, _DEFAULT_PORTS["http"]) if other.scheme == "http" else (port,)
        named = other.port or _DEFAULT_PORTS[other.scheme]
        return other.hostname == self._base.hostname and named in ports

    def _read(self, read: Callable[[bytes], Any], body: bytes) -> Any:
        try:
            return read(body)
        except NotListed as refused:
            raise self._not_understood(str(refused)) from None

    # Tokens

    def _authorised(self, method: str, url: str, **more: Any) -> _Answer:
        """An answer to a request with a token, which is renewed once if the host has enough of it.

        Raises CalledHostRefused for every status but 2xx, redirects among them.
        """
        answer = self._call(method, url, auth=_Bearer(self._token()), **more)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            self._held = None
            answer = self._call(method, url, auth=_Bearer(self._token()), **more)
        return self._taken(answer)

    def _token(self) -> str:
        if self._held is None or self._held.until <= self._monotonic():
            self._held = self._new_token()
        return self._held.text

    def _new_token(self) -> _Token:
        answer = self._call(
            "POST",
            self._token_endpoint(),
            auth=(self._partner.client_id, self._partners.secret(self._partner)),
            body=b"grant_type=client_credentials",
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            limit=MAX_SMALL_BYTES,
        )
        return self._token_of(_members(self._taken(answer).body))

    def _token_of(self, members: Mapping[str, Any]) -> _Token:
        text, seconds = members.get("access_token"), members.get("expires_in")
        if not isinstance(text, str) or not _is_header_text(text):
            raise self._not_understood("it has no access token")
        if not isinstance(seconds, int) or seconds <= 0:
            seconds = _PLAIN_SECONDS
        lasts = min(seconds, _MOST_SECONDS)
        return _Token(text, self._monotonic() + max(lasts - _EARLIER_SECONDS, lasts / 2))

    def _token_endpoint(self) -> str:
        """Where discovery says, if that is at the address for tokens; else where PACT says."""
        issuer = self._partner.auth_url or self._partner.url
        answer = self._call("GET", issuer + DISCOVERY, limit=MAX_SMALL_BYTES)
        found = _members(answer.body).get("token_endpoint") if answer.status == 200 else None
        if not isinstance(found, str):
            return issuer + GRANTS_PATH
        if _origin(found) != _origin(issuer):
            raise self._not_understood("it sends our secret to another host")
        return found

    # HTTP

    def _taken(self, answer: _Answer) -> _Answer:
        if 200 <= answer.status < 300:
            return answer
        raise CalledHostRefused(
            host=self._base.netloc,
            status=answer.status,
            message=_message(answer.body),
            retry_after=answer.retry_after,
        )

    def _call(
        self,
        method: str,
        url: str,
        *,
        auth: requests.auth.AuthBase | tuple[str, str] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        limit: int = MAX_PAGE_BYTES,
    ) -> _Answer:
        # Not compressed: a small answer then cannot become a large one.
        sent = {"Accept": "application/json", "Accept-Encoding": "identity", **(headers or {})}
        try:
            with requests.Session() as session:
                for scheme in _DEFAULT_PORTS:
                    session.mount(f"{scheme}://", TimedAdapter(ANSWER_SECONDS))
                response = session.request(
                    method,
                    url,
                    data=body,
                    headers=sent,
                    auth=auth,
                    timeout=TIMEOUTS,
                    allow_redirects=False,
                    stream=True,
                )
                with response:
                    return self._received(response, limit)
        except requests.exceptions.SSLError:
            raise self.unreachable("its certificate is not trusted here") from None
        except (requests.Timeout, urllib3.exceptions.TimeoutError):
            raise self.unreachable("it does not answer in time") from None
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError):
            raise self.unreachable("the connection fails") from None
        except ValueError:
            raise self._not_understood("it cannot be read as HTTP") from None

    def _received(self, response: requests.Response, limit: int) -> _Answer:
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise self._not_understood("it is compressed, which was not asked for")
        until, received = self._monotonic() + ANSWER_SECONDS, bytearray()
        while piece := response.raw.read1(_PIECE):
            received += piece
            if len(received) > limit:
                raise self._not_understood(f"it has more than {limit} bytes")
            if self._monotonic() > until:
                raise self.unreachable("its answer does not end")
        link = response.links.get("next", {}).get("url")
        retry_after = response.headers.get("Retry-After", "")
        return _Answer(response.status_code, bytes(received), link, retry_after)

    def unreachable(self, reason: str) -> CalledHostUnreachable:
        return CalledHostUnreachable(host=self._base.netloc, reason=reason)

    def _not_understood(self, reason: str) -> CalledHostNotUnderstood:
        return CalledHostNotUnderstood(host=self._base.netloc, reason=reason)


def _origin(url: str) -> tuple[str, str | None, int | None] | None:
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname, parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None


def _is_header_text(text: str) -> bool:
    """Whether a token can stand in a header, and means the same there."""
    return 0 < len(text) <= _LONGEST_TOKEN and text.isascii() and text.isprintable()


def _members(body: bytes) -> Mapping[str, Any]:
    """The members of a JSON object; none where it is anything else."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _message(body: bytes) -> str:
    """What the host itself says is wrong, in one short line of printable text."""
    members = _members(body)
    names = ("message", "error_description", "error", "detail")
    said = next((each for name in names if isinstance(each := members.get(name), str)), "")
    text = said or body[:_LONGEST_MESSAGE].decode("utf-8", "replace")
    line = "".join(each if each.isprintable() else " " for each in text)
    return " ".join(line.split())[:_LONGEST_MESSAGE]
