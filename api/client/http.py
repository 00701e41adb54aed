"""How the client talks HTTP: pages, refusals, waiting, and what a server says instead of JSON."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from http import HTTPStatus
from typing import Any, Final, Self, TypeAlias

import requests

from api.client.credentials import ClientCredentials
from api.errors import AnswerNotUnderstood, ServerUnreachable, TokenInvalid

TIMEOUT_SECONDS: Final = (5, 60)
"""To connect, and between two bytes of the answer: a batch of 500 is judged in seconds."""
PAGE: Final = 500
MOST_WAITS: Final = 5
LONGEST_WAIT_SECONDS: Final = 60
MOST_KEPT: Final = 256
"""Answers that are kept with their tags, of some kB each."""
Question: TypeAlias = tuple[object, ...]
_PATH = re.compile(r"/(v1|3)/.*")


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


class Http:
    """One server, and a session with it."""

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
        self._answers = dict[Question, tuple[str, str]]()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

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

    def _get_kept(self, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        """As ``_get``; what was answered before is only sent again where it has changed.

        Parsed anew each time, for it is the caller's to change.
        """
        question = path, *sorted(query.items())
        tag, text = self._answers.pop(question, ("", ""))
        headers = {"If-None-Match": tag} if tag else {}
        response = self._send("GET", path, params=query, headers=headers)
        if response.status_code == HTTPStatus.NOT_MODIFIED:
            answer = self._parsed(text)
        else:
            answer = self._read(response)
            tag, text = response.headers.get("ETag", ""), response.text
        if tag:
            self._keep(question, tag, text)
        return answer

    def _keep(self, question: Question, tag: str, text: str) -> None:
        """As the youngest; the oldest gives way."""
        self._answers[question] = tag, text
        if len(self._answers) > MOST_KEPT:
            del self._answers[next(iter(self._answers))]

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
            raise ServerUnreachable(url=self.base_url, reason=reason(failed)) from failed

    def _address(self, path: str) -> str:
        # A next link is absolute, and names the server as the server sees itself; the token goes
        # only to the address the user gave.
        below = _PATH.search(path)
        return self.base_url + (below.group() if below else path)

    def _read(self, response: requests.Response) -> dict[str, Any]:
        answer = self._parsed(response.text)
        if not response.ok:
            raise Refused({"status": response.status_code, **answer})
        return answer

    def _parsed(self, text: str) -> dict[str, Any]:
        try:
            answer: Any = json.loads(text, parse_float=str)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise AnswerNotUnderstood(url=self.base_url)
        return answer


def decimal(number: str | int | None) -> Decimal | None:
    """A number as an answer has it, without loss."""
    return None if number is None else Decimal(number)


def told(problem: dict[str, Any]) -> str:
    """A problem document in one or two sentences, after the file it is about, if to one."""
    about = f"{problem['file']}: " if problem.get("file") else ""
    said = (problem.get(name) for name in ("detail", "title", "message"))
    detail = next(filter(None, said), "The server refused this.")
    place = f" ({problem['where']})" if problem.get("where") else ""
    advice = f" {problem['advice']}" if problem.get("advice") else ""
    return f"{about}{detail}{place}{advice}"


def _asked_to_wait(response: requests.Response) -> float | None:
    """Seconds after which to send again, if the server has turned a request away as too many."""
    asked = response.headers.get("Retry-After", "")
    if response.status_code != HTTPStatus.TOO_MANY_REQUESTS or not asked.isdecimal():
        return None
    return float(asked) if int(asked) <= LONGEST_WAIT_SECONDS else None


def reason(failed: requests.RequestException) -> str:
    if isinstance(failed, requests.Timeout):
        return "it took too long"
    if isinstance(failed, requests.exceptions.SSLError):
        return "its certificate is not accepted"
    if isinstance(failed, requests.ConnectionError):
        return "no connection"
    return "an address begins with http:// or https://"
