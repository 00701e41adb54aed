"""The log and its statements: what was said, saying more, and what no longer stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from api.client.http import PAGE, Http, Refused
from api.keys.keyfile import KeyFile
from api.keys.signing import signed
from ledger.schema import load
from ledger.statements import BODIES, Body, NaturalKey
from ledger.trust import Trust

_COMMON = frozenset({"type", "v", "log", "jti", "iat", "iss", "subject", "prev"})


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


class Statements(Http):
    """What the log holds."""

    def log(self) -> dict[str, Any]:
        """Origin, genesis digest, verifier key and size."""
        return self._get("/v1/log")

    def trust(self) -> Trust:
        """What the server says its log is. To be compared out of band before it is believed."""
        return Trust.of(self.log(), f"{self.base_url}/v1/log")

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
