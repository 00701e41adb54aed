"""Our server as a PACT host over a small real log, and clients of it that know PACT alone.

host = PactHost(factory, folder)
buyer = host.client_of(enterprise)
buyer.get("/3/footprints", {"status": "Active"})
buyer.every_page(limit=7)
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.app import assemble
from api.keys.tokens import Tokens
from api.oauth.clients import clients_of
from api.services import Services
from api.settings import Settings
from graph.engine import Engine
from tests.factory import Actor, Factory

_NEXT = re.compile(r'<(?P<address>[^<>]+)>; rel="next"')
_MOST_PAGES = 100
_COUNTED = ("read_limit", "token_limit", "event_limit")
_OF_THE_APPLICATION = (
    *_COUNTED,
    "trusted_proxies",
    "submit_limit",
    "batch_limit",
)


@cache
def _assembled(**limits_and_proxies: Any) -> Flask:
    """Applications that answer from nothing: to assemble one takes longer than most tests do."""
    return assemble(Settings(**limits_and_proxies))


class _Served(FlaskClient):
    """Lets the application answer from the services of one host."""

    services: Services

    def open(self, *arguments: Any, **how: Any) -> TestResponse:
        self.application.extensions["catchment"] = self.services
        return super().open(*arguments, **how)


class PactHost:
    """``settings`` are those of the server, beside where its data are."""

    def __init__(self, factory: Factory, folder: Path, **settings: Any) -> None:
        self.factory = factory
        shared = dict.fromkeys(_COUNTED, "1000000 per minute")
        shared |= {name: value for name, value in settings.items() if name in _OF_THE_APPLICATION}
        self.settings = Settings(**{"data": folder} | shared | settings)
        tokens = Tokens(factory.engine, factory.clock)
        log = factory.log
        self.services = Services(
            log, Engine(log), tokens, self.settings, factory.engine, factory.clock
        )
        self.app = _assembled(**shared)

    def http(self) -> FlaskClient:
        """Whatever program asks."""
        client = _Served(self.app, self.app.response_class)
        client.services = self.services
        return client

    def client_of(
        self, enterprise: Actor, *scopes: str, headers: dict[str, str] | None = None
    ) -> PactClient:
        """A registered OAuth client of an enterprise, with the token that it was granted."""
        wanted = scopes or ("footprints",)
        name, secret = clients_of(self.services).add("procurement", enterprise.id, "PACT", wanted)
        http, more = self.http(), headers or {}
        granted = http.post(
            "/auth/token",
            data={"grant_type": "client_credentials"},
            auth=(name, secret),
            headers=more,
        )
        assert granted.status_code == 200, granted.text
        token = granted.get_json()["access_token"]
        return PactClient(http, {"Authorization": f"Bearer {token}", **more})

    def client_with(self, role: str, enterprise: Actor | None = None) -> PactClient:
        """Somebody with a bearer token that the operator issued."""
        speaks_for = enterprise.id if enterprise else None
        _, secret = self.services.tokens.issue(role, speaks_for, "test")
        return PactClient(self.http(), {"Authorization": f"Bearer {secret}"})

    def stranger(self, **headers: str) -> PactClient:
        return PactClient(self.http(), headers)


@dataclass
class PactClient:
    """``origin`` is what its user calls the host; links have to stay there."""

    http: FlaskClient
    headers: dict[str, str] = field(default_factory=dict)
    origin: str = "http://localhost"

    def get(self, path: str, query: Any = (), **headers: str) -> TestResponse:
        """``query`` as `urlencode` takes it."""
        text = urlencode(query, doseq=True)
        return self.http.get(f"{path}?{text}" if text else path, headers=self.headers | headers)

    def list(self, **filters: Any) -> list[dict[str, Any]]:
        """What one page of the list has."""
        response = self.get("/3/footprints", filters)
        assert response.status_code == 200, response.text
        assert response.content_type == "application/json"
        found: list[dict[str, Any]] = response.get_json()["data"]
        return found

    def ids(self, **filters: Any) -> list[str]:
        return [footprint["id"] for footprint in self.list(**filters)]

    def read(self, footprint: str) -> TestResponse:
        return self.get(f"/3/footprints/{footprint}")

    def every_page(self, **filters: Any) -> list[list[str]]:
        """The ids on every page, as the links lead to them; each link is followed twice."""
        response = self.get("/3/footprints", filters)
        pages: list[list[str]] = []
        while len(pages) < _MOST_PAGES:
            assert response.status_code == 200, response.text
            pages.append([footprint["id"] for footprint in response.get_json()["data"]])
            if (address := next_of(response)) is None:
                return pages
            response = self.follow(address)
            assert self.follow(address).data == response.data
        raise AssertionError("the pages do not end")

    def follow(self, address: str) -> TestResponse:
        """Ask where a link leads, as another program would: nothing but the address and a token."""
        link = urlsplit(address)
        assert f"{link.scheme}://{link.netloc}" == self.origin, address
        return self.http.get(f"{link.path}?{link.query}", headers=self.headers)


def next_of(response: TestResponse) -> str | None:
    """The address of the next page (RFC 8288)."""
    if (header := response.headers.get("Link")) is None:
        return None
    match = _NEXT.fullmatch(header)
    assert match, header
    return match["address"]
