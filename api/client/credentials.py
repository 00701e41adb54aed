"""OAuth 2.0 client credentials (RFC 6749 section 4.4) for programs that call this API.

The token is fetched when it is first needed, used until shortly before it expires, and renewed
once where a server has had enough of it sooner.
"""

from __future__ import annotations

import threading
import time
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote_plus

import requests
from requests.auth import AuthBase, HTTPBasicAuth

from api.callers import GRANTS_PATH
from api.errors import AnswerNotUnderstood, CredentialsRefused

_EARLIER_SECONDS: Final = 30
_TIMEOUT: Final = (5, 30)


class ClientCredentials(AuthBase):
    """Authorizes the requests to one server; safe to share between threads."""

    def __init__(self, base_url: str, client_id: str, secret: str) -> None:
        self._url = base_url.rstrip("/")
        # RFC 6749 section 2.3.1: both are form-encoded before they become Basic.
        self._basic = HTTPBasicAuth(quote_plus(client_id), quote_plus(secret))
        self._lock = threading.Lock()
        self._token, self._until = "", 0.0

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._valid()}"
        request.hooks["response"].append(self._renewed)
        return request

    def _valid(self) -> str:
        with self._lock:
            if time.monotonic() >= self._until:
                self._token, seconds = self._granted()
                self._until = time.monotonic() + max(seconds - _EARLIER_SECONDS, seconds / 2)
            return self._token

    def _granted(self) -> tuple[str, float]:
        """A new token and how long it lasts. Raises CredentialsRefused, AnswerNotUnderstood."""
        response = requests.post(
            self._url + GRANTS_PATH,
            data={"grant_type": "client_credentials"},
            auth=self._basic,
            timeout=_TIMEOUT,
            allow_redirects=False,
        )
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise AnswerNotUnderstood(url=self._url)
        if not response.ok:
            reason = str(answer.get("error", "it does not say why"))
            raise CredentialsRefused(url=self._url, reason=reason)
        try:
            return str(answer["access_token"]), float(answer["expires_in"])
        except (KeyError, TypeError, ValueError):
            raise AnswerNotUnderstood(url=self._url) from None

    def _renewed(self, response: requests.Response, **kwargs: Any) -> requests.Response:
        """The answer, or that of a second request with a new token where the first ran out."""
        if response.status_code != HTTPStatus.UNAUTHORIZED:
            return response
        _ = response.content  # the connection is free for the next request
        with self._lock:
            self._until = 0.0
        again = response.request.copy()
        again.hooks["response"].remove(self._renewed)
        again.headers["Authorization"] = f"Bearer {self._valid()}"
        answer: requests.Response = response.connection.send(again, **kwargs)
        answer.history.append(response)
        return answer
