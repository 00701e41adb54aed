"""A small typed client of the HTTP API, for the command line and for programs like it.

Every refusal is raised as `Refused` with the server's own problem document; a server that does not
answer, or answers with something else, as a condition of ``api.errors``. Nothing is sent twice, but
for what a server turned away unread because too much came at once (429).
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import requests

from api.credentials import ClientCredentials
from api.errors import AnswerNotUnderstood, ServerUnreachable, TokenInvalid
from api.keyfile import KeyFile
from api.signing import signed
from ledger.schema import load
from ledger.statements import BODIES, Body, NaturalKey
from ledger.trust import Trust

TIMEOUT_SECONDS: Final = (5, 60)
"""To connect, and between two bytes of the answer: a batch of 500 is judged in seconds."""
PAGE: Final = 500
MOST_WAITS: Final = 5
LONGEST_WAIT_SECONDS: Final = 60
BUNDLE_TYPE: Final = "application/zip"
_PIECE_BYTES = 1 << 16
_PATH = re.compile(r"/(v1|3)/.*")

_COMMON = frozenset({"type", "v", "log", "jti", "iat", "iss", "subject", "prev"})


class Refused(Exception):
    """What a server refused, in its words. ``problem`` is the whole RFC 9457 document."""

    def __init__(self, problem: dict[str, Any]) -> None:
        self.problem = problem
        super().__init__(problem)

    def __str__(self) -> str:
        return told(self.problem)

    @property
    def status(self) -> int:
        return int(self.problem.get("status", 0))

    @property
    def code(self) -> str:
        """The stable name of the condition."""
        return str(self.problem.get("code", ""))


@dataclass(frozen=True, slots=True)
class Submitted:
    """A statement that the log holds. ``receipt`` is the text of a C2SP tlog-proof."""

    index: int
    digest: str
    type: str
    new: bool
    on_behalf: bool
    receipt: str


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one statement of a batch; ``problem`` is None where it passed."""

    index: int | None
    new: bool
    problem: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class InForce:
    """A statement that stands, as a list shows it."""

    index: int
    digest: str
    subject: str
    key: NaturalKey
    body: Body


@dataclass(frozen=True, slots=True)
class Suspect:
    """A statement that does not stand, or would not, because others may have signed it.

    ``last``: nothing was said after it in its place; ``reattested``: something sound was.
    ``cause`` is the entry that makes it suspect, None where none does yet.
    """

    index: int
    digest: str
    type: str
    subject: str
    key: tuple[str, ...]
    time: str
    cause: int | None
    last: bool
    reattested: bool


class Client:
    """Talks to one server. ``base_url`` is its address without ``/v1``.

    Whoever has an OAuth client gives its ``credentials``, whoever has a token of the operator's,
    which begins with ``ctm_``, the ``token``; nobody needs both.
    """

    def __init__(
        self,
        base_url: str,
        token: str | None = None,
        *,
        credentials: ClientCredentials | None = None,
        language: str = "en",
        session: requests.Session | None = None,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._wait = wait
        self.base_url = base_url.rstrip("/")
        self._session = session or requests.Session()
        self._session.headers["Accept-Language"] = language
        if token:
            if not (token.isascii() and token.isprintable()):
                raise TokenInvalid
            self._session.headers["Authorization"] = f"Bearer {token}"
        self._session.auth = credentials

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    # --- the log ---

    def log(self) -> dict[str, Any]:
        """Origin, genesis digest, verifier key and size."""
        return self._get("/v1/log")

    def trust(self) -> Trust:
        """What the server says its log is. To be compared out of band before it is believed."""
        return Trust.of(self.log(), f"{self.base_url}/v1/log")

    # --- statements ---

    def submit(self, envelope: bytes) -> Submitted:
        """Submit one envelope; the same again gives its first index. Raises Refused."""
        answer = self._request(
            "POST", "/v1/statements", data=envelope, headers={"Content-Type": "application/jose"}
        )
        return Submitted(
            index=int(answer["index"]),
            digest=str(answer["digest"]),
            type=str(answer["type"]),
            new=bool(answer["new"]),
            on_behalf=bool(answer["onBehalf"]),
            receipt=str(answer["receipt"]),
        )

    def say(
        self, body: Body, key: KeyFile, *, subject: str | None = None, prev: str | None = None
    ) -> Submitted:
        """Sign what is said with a key, now, and submit it.

        ``prev`` is the digest of the statement it corrects. Raises Refused.
        """
        return self.submit(signed(key, body, subject or key.enterprise, prev))

    def submit_batch(
        self, envelopes: Sequence[bytes], *, atomic: bool = False, dry_run: bool = False
    ) -> list[Result]:
        """Submit several; one result for each, in their order.

        An atomic batch that is refused is an answer too, not an exception. Raises Refused for a
        batch that was not judged at all.
        """
        flags = {"atomic": atomic, "dry_run": dry_run}
        query = {name: "true" for name, flag in flags.items() if flag}
        body = {"statements": [envelope.decode("ascii") for envelope in envelopes]}
        try:
            answer = self._request("POST", "/v1/statements/batch", params=query, json=body)
        except Refused as refused:
            if "results" not in refused.problem:
                raise
            answer = refused.problem
        return [_result(each) for each in answer["results"]]

    def statement(self, digest: str) -> dict[str, Any]:
        """One statement whatever its state, as the API shows it. Raises Refused."""
        return self._get(f"/v1/statements/{digest}")

    def statements(
        self,
        *,
        subject: str | None = None,
        kind: str | None = None,
        about: str | None = None,
        page: int = PAGE,
    ) -> Iterator[InForce]:
        """Every statement in force that the token may read, page by page."""
        query = {"subject": subject, "type": kind, "about": about, "limit": str(page)}
        wanted = {name: value for name, value in query.items() if value}
        address: str | None = "/v1/statements"
        while address:
            answer, address = self._page(address, wanted)
            wanted = {}
            yield from (_in_force(item) for item in answer["items"])

    def rehearse(self, envelopes: Sequence[bytes]) -> None:
        """Have statements judged, each on top of those before it, and none stored.

        Raises Refused with the problem of the first that would be.
        """
        for result in self.submit_batch(envelopes, dry_run=True):
            if result.problem is not None:
                raise Refused(result.problem)

    def suspects(self, *, kid: str | None = None, since: int | None = None) -> list[Suspect]:
        """Statements that do not stand because others may have signed them; with ``kid`` and
        ``since`` (seconds since 1970), those that would not if this key were revoked so."""
        asked = {"kid": kid, "since": None if since is None else str(since)}
        found = self._all_pages("/v1/log/suspects", asked)
        return [_suspect(item) for item in found]

    # --- footprints, as PACT v3 has them ---

    def pact_footprints(self, **filters: str | Sequence[str]) -> Iterator[dict[str, Any]]:
        """Every PACT footprint that may be read, page by page; filters as PACT names them.

        Raises Refused.
        """
        wanted: dict[str, Any] = dict(filters)
        address: str | None = "/3/footprints"
        while address:
            answer, address = self._page(address, wanted)
            wanted = {}
            yield from answer["data"]

    def pact_footprint(self, footprint: str) -> dict[str, Any]:
        """One PACT footprint by its id. Raises Refused."""
        found: dict[str, Any] = self._get(f"/3/footprints/{footprint}")["data"]
        return found

    # --- figures ---

    def figure(self, kind: str, entity: str, **query: str | None) -> dict[str, Any]:
        """A computed figure: ``kind`` is products, parks or enterprises."""
        path = {"products": "footprint", "parks": "net", "enterprises": "net"}[kind]
        return self.about(kind, entity, path, **query)

    def about(self, kind: str, entity: str, resource: str, **query: str | None) -> dict[str, Any]:
        """What there is to say of a product, park or enterprise: ``kind`` is products, parks or
        enterprises, and ``resource`` what comes after it in the address."""
        return self._get(f"/v1/{kind}/{entity}/{resource}", **query)

    def region(
        self, parks: list[str], enterprises: list[str], divisions: list[str], **query: str | None
    ) -> dict[str, Any]:
        """The books of the union of parks and enterprises, by their ids, and divisions."""
        wanted = {name: value for name, value in query.items() if value is not None}
        members = {"park": parks, "enterprise": enterprises, "division": divisions}
        return self._request("GET", "/v1/region", params={**wanted, **members})

    def report(self, kind: str, entity: str, form: str, **query: str | None) -> bytes:
        """An inventory as a file: ``kind`` is parks or enterprises, ``form`` xlsx, csv or html.

        Raises Refused.
        """
        wanted = {name: value for name, value in query.items() if value is not None}
        response = self._send("GET", f"/v1/{kind}/{entity}/report.{form}", params=wanted)
        if not response.ok or "Content-Disposition" not in response.headers:
            self._read(response)
            raise AnswerNotUnderstood(url=self.base_url)
        return response.content

    def site(self, site: str) -> dict[str, Any]:
        """A registered site."""
        return self._get(f"/v1/sites/{site}")

    def published_figure(self, digest: str) -> dict[str, Any]:
        """A published figure, and what has come after it. Raises Refused."""
        return self._get(f"/v1/figures/{digest}")

    def published_figures(self, **query: str | None) -> list[dict[str, Any]]:
        """The published figures in force, in the log's order."""
        return self._all_pages("/v1/figures", query)

    def bundle_address(self, digest: str) -> str:
        return f"{self.base_url}/v1/figures/{digest}/bundle"

    def bundle(self, digest: str) -> Iterator[bytes]:
        """What it takes to check a published figure offline, piece by piece. Raises Refused."""
        with self._send("GET", f"/v1/figures/{digest}/bundle", stream=True) as response:
            if not response.ok or response.headers.get("Content-Type") != BUNDLE_TYPE:
                self._read(response)
                raise AnswerNotUnderstood(url=self.base_url)
            try:
                yield from response.iter_content(_PIECE_BYTES)
            except requests.RequestException as failed:
                raise ServerUnreachable(url=self.base_url, reason=_reason(failed)) from failed

    def impact(self, cause: int, **query: str | None) -> dict[str, Any]:
        """By how much an entry that made others suspect moved the figures."""
        return self._get(f"/v1/log/suspects/{cause}/impact", **query)

    def wave(self, index: int, **query: str | None) -> dict[str, Any]:
        """Everything that an entry moved."""
        return self._get(f"/v1/log/{index}/wave", **query)

    # --- requests for footprints ---

    def ask(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Ask for footprints. Raises Refused."""
        return self._request("POST", "/v1/requests", json=asked)

    def requests_made(self, **query: str | None) -> list[dict[str, Any]]:
        """What was asked of the token's enterprise, or with ``box="sent"`` what it has asked."""
        return self._all_pages("/v1/requests", query)

    def request(self, request: str) -> dict[str, Any]:
        """One request, from the side of the token's enterprise. Raises Refused."""
        return self._get(f"/v1/requests/{request}")

    def about_request(self, request: str, how: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """What a supplier does about a request: ``how`` is answer, decline or pass-on."""
        return self._request("POST", f"/v1/requests/{request}/{how}", json=body)

    def asking(self, asking: str) -> dict[str, Any]:
        """How far what was asked at once has come. Raises Refused."""
        return self._get(f"/v1/askings/{asking}")

    # --- subscriptions ---

    def subscribe(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Have changes of a figure posted to a URL; with the secret, shown once. Raises Refused."""
        return self._request("POST", "/v1/subscriptions", json=wanted)

    def subscriptions(self) -> list[dict[str, Any]]:
        """Those of the token's enterprise that last."""
        items: list[dict[str, Any]] = self._get("/v1/subscriptions")["items"]
        return items

    def subscription(self, subscription: str) -> dict[str, Any]:
        """One of them, and what it was last told. Raises Refused."""
        return self._get(f"/v1/subscriptions/{subscription}")

    def deliveries(self, subscription: str) -> list[dict[str, Any]]:
        """What was sent to a subscription, the newest first. Raises Refused."""
        return self._all_pages(f"/v1/subscriptions/{subscription}/deliveries", {})

    def replay_delivery(self, subscription: str, event: str) -> dict[str, Any]:
        """Send an event once more under its id. Raises Refused."""
        path = f"/v1/subscriptions/{subscription}/deliveries/{event}/replay"
        return self._request("POST", path)

    def rotate_subscription(self, subscription: str) -> dict[str, Any]:
        """A new secret, shown once; for a day the former signs as well. Raises Refused."""
        return self._request("POST", f"/v1/subscriptions/{subscription}/rotate")

    def test_subscription(self, subscription: str) -> dict[str, Any]:
        """Have an event sent that tells nothing. Raises Refused."""
        return self._request("POST", f"/v1/subscriptions/{subscription}/test")

    def end_subscription(self, subscription: str) -> None:
        """Be told nothing more. Raises Refused."""
        response = self._send("DELETE", f"/v1/subscriptions/{subscription}")
        if response.status_code != HTTPStatus.NO_CONTENT:
            self._read(response)

    # --- what if ---

    def what_if(self, hypothesis: Mapping[str, Any]) -> dict[str, Any]:
        """What would follow. Raises Refused."""
        return self._request("POST", "/v1/what-if", json=hypothesis)

    def stress(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """What would move if somebody were no longer trusted. Raises Refused."""
        return self._request("POST", "/v1/stress", json=asked)

    def lookup(self, **query: str | None) -> dict[str, Any]:
        """The figure of a product by one of its names: product, gtin, cas or identifier."""
        return self._get("/v1/footprint", **query)

    def compare(self, offers: Mapping[str, Any]) -> dict[str, Any]:
        """Offers side by side, and the award to be signed. Raises Refused."""
        return self._request("POST", "/v1/comparisons", json=offers)

    def awards(self, **query: str | None) -> list[dict[str, Any]]:
        """The awards in force that the token may read, in the log's order."""
        return self._all_pages("/v1/awards", query)

    def award(self, digest: str) -> dict[str, Any]:
        """An award, and what has become of what it rests on. Raises Refused."""
        return self._get(f"/v1/awards/{digest}")

    def entities(self, kind: str, **query: str | None) -> list[dict[str, Any]]:
        """The registered products, parks, sites or enterprises."""
        return self._all_pages(f"/v1/{kind}", query)

    # --- HTTP ---

    def _all_pages(self, path: str, query: Mapping[str, str | None]) -> list[dict[str, Any]]:
        wanted = {name: value for name, value in query.items() if value} | {"limit": str(PAGE)}
        found: list[dict[str, Any]] = []
        address: str | None = path
        while address:
            answer, address = self._page(address, wanted)
            wanted = {}
            found += answer["items"]
        return found

    def _get(self, path: str, **query: str | None) -> dict[str, Any]:
        wanted = {name: value for name, value in query.items() if value is not None}
        return self._request("GET", path, params=wanted)

    def _page(self, path: str, query: Mapping[str, Any]) -> tuple[dict[str, Any], str | None]:
        response = self._send("GET", path, params=query)
        return self._read(response), response.links.get("next", {}).get("url")

    def _request(self, method: str, path: str, **kwargs: Any) -> dict[str, Any]:
        return self._read(self._send(method, path, **kwargs))

    def _send(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        """Send, and again when a server that counts requests has asked to wait."""
        for _ in range(MOST_WAITS):
            response = self._send_once(method, path, **kwargs)
            seconds = _asked_to_wait(response)
            if seconds is None:
                break
            self._wait(seconds)
        return response

    def _send_once(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        try:
            return self._session.request(
                method, self._address(path), timeout=TIMEOUT_SECONDS, **kwargs
            )
        except requests.RequestException as failed:
            raise ServerUnreachable(url=self.base_url, reason=_reason(failed)) from failed

    def _address(self, path: str) -> str:
        # A next link is absolute, and names the server as the server sees itself; the token goes
        # only to the address the user gave.
        below = _PATH.search(path)
        return self.base_url + (below.group() if below else path)

    def _read(self, response: requests.Response) -> dict[str, Any]:
        try:
            answer = json.loads(response.text, parse_float=str)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise AnswerNotUnderstood(url=self.base_url)
        if not response.ok:
            raise Refused({"status": response.status_code, **answer})
        return answer


def told(problem: dict[str, Any]) -> str:
    """A problem document in one or two sentences, after the file it is about, if to one."""
    about = f"{problem['file']}: " if problem.get("file") else ""
    said = (problem.get(name) for name in ("detail", "title", "message"))
    detail = next(filter(None, said), "The server refused this.")
    place = f" ({problem['where']})" if problem.get("where") else ""
    advice = f" {problem['advice']}" if problem.get("advice") else ""
    return f"{about}{detail}{place}{advice}"


def _result(item: dict[str, Any]) -> Result:
    return Result(item.get("index"), bool(item.get("new", False)), item.get("problem"))


def _suspect(item: dict[str, Any]) -> Suspect:
    return Suspect(
        index=int(item["index"]),
        digest=str(item["digest"]),
        type=str(item["type"]),
        subject=str(item["subject"]),
        key=tuple(item["key"]),
        time=str(item["time"]),
        cause=item["cause"],
        last=bool(item["last"]),
        reattested=bool(item["reattested"]),
    )


def _in_force(item: dict[str, Any]) -> InForce:
    kind, payload = str(item["type"]), item["payload"]
    members = {name: value for name, value in payload.items() if name not in _COMMON}
    return InForce(
        index=int(item["index"]),
        digest=str(item["digest"]),
        subject=str(item["subject"]),
        key=NaturalKey(kind, tuple(item["key"])),
        body=load(BODIES[kind], members),
    )


def _asked_to_wait(response: requests.Response) -> float | None:
    """Seconds after which to send again, if the server has turned a request away as too many."""
    asked = response.headers.get("Retry-After", "")
    if response.status_code != HTTPStatus.TOO_MANY_REQUESTS or not asked.isdecimal():
        return None
    return float(asked) if int(asked) <= LONGEST_WAIT_SECONDS else None


def _reason(failed: requests.RequestException) -> str:
    if isinstance(failed, requests.Timeout):
        return "it took too long"
    if isinstance(failed, requests.exceptions.SSLError):
        return "its certificate is not accepted"
    if isinstance(failed, requests.ConnectionError):
        return "no connection"
    return "an address begins with http:// or https://"
