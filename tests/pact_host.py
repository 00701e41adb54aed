"""Somebody else's PACT host, in a thread: as good or as bad as a test needs it.

    with PactServer() as host:
        host.list(body, other)          # pages of PACT documents
        host.answers["/3/footprints"] = lambda request: (500, {}, b"")

A small real implementation over real HTTP, so that what is tested is what is called.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

CLIENT, SECRET = "catchment", "over there"

Answer = tuple[int, dict[str, str], bytes]


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever hangs up in the middle of an answer does so because a test is about that."""


class PactServer:
    """Lists ``pages`` to whoever has a token; ``answers`` by path take its place."""

    def __init__(self) -> None:
        self.pages: list[list[bytes]] = [[]]
        self.answers: dict[str, Callable[[Request], Answer]] = {}
        self.requests: list[Request] = []
        self.tokens: set[str] = set()
        self.events: list[bytes] = []
        self.expires_in: int | None = 3600
        self._server = _Quiet(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> PactServer:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def list(self, *documents: Any, page: int = 2) -> None:
        """List these, a few to a page; bytes as they are, others as JSON."""
        raws = [each if isinstance(each, bytes) else encoded(each) for each in documents]
        self.pages = [raws[at : at + page] for at in range(0, len(raws), page)] or [[]]

    def paths(self) -> list[str]:
        return [each.path for each in self.requests]

    # What it answers

    def answer(self, request: Request) -> Answer:
        self.requests.append(request)
        if (own := self.answers.get(request.path)) is not None:
            return own(request)
        if request.path == "/auth/token":
            return self._token(request)
        if request.path.startswith("/3/"):
            return self._authorised(request)
        return 404, {}, b"{}"

    def _token(self, request: Request) -> Answer:
        wanted = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {wanted}":
            return 401, {}, b'{"error": "invalid_client", "error_description": "Who are you?"}'
        if request.body != b"grant_type=client_credentials":
            return 400, {}, b'{"error": "unsupported_grant_type"}'
        token = f"token-{len(self.tokens)}"
        self.tokens = {*self.tokens, token}
        lasts = {} if self.expires_in is None else {"expires_in": self.expires_in}
        return 200, {}, encoded({"access_token": token, "token_type": "Bearer", **lasts})

    def _authorised(self, request: Request) -> Answer:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.tokens:
            return 401, {}, b'{"code": "TokenExpired", "message": "Renew it."}'
        if request.path == "/3/events":
            self.events.append(request.body)
            return 200, {}, b""
        if request.path == "/3/footprints":
            return self._page(int(request.query.get("page", ["0"])[0]))
        return self._one(request.path.removeprefix("/3/footprints/"))

    def _page(self, number: int) -> Answer:
        body = b'{"data": [' + b", ".join(self.pages[number]) + b"]}"
        if number + 1 == len(self.pages):
            return 200, {}, body
        return 200, {"Link": f'<{self.url}/3/footprints?page={number + 1}>; rel="next"'}, body

    def _one(self, footprint: str) -> Answer:
        for raw in (raw for page in self.pages for raw in page):
            if json.loads(raw).get("id") == footprint:
                return 200, {}, b'{"data":' + raw + b"}"
        return 404, {}, b'{"code": "NotFound", "message": "It is not here."}'

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        host = self

        class Handler(BaseHTTPRequestHandler):
            wbufsize = -1  # head and body in one piece: otherwise the one waits for the other

            def do_GET(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                url = urlsplit(self.path)
                headers = {name.lower(): value for name, value in self.headers.items()}
                status, sent, body = host.answer(
                    Request(
                        self.command,
                        url.path,
                        parse_qs(url.query),
                        headers,
                        self.rfile.read(length),
                    )
                )
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **sent}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET

            def log_message(self, format: str, *args: Any) -> None:
                """Nobody reads it."""

        return Handler


def encoded(document: Any) -> bytes:
    return json.dumps(document).encode()
