"""What holds for every answer: headers, limits, caches, the pages for people."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient

import api
from api.app import create_app
from api.caching import figure_response, figure_tag
from api.callers import ANONYMOUS, Caller
from api.services import Services
from api.settings import Settings
from tests.api.conftest import AsRole
from tests.factory import Factory

STATIC = Path(api.__file__).parent / "static" / "swagger-ui"


@pytest.mark.parametrize(
    "address", ["/health", "/v1/log", "/v1/statements", "/nothing", "/docs", "/openapi.json"]
)
def test_every_answer_says_how_it_may_be_used(client: FlaskClient, address: str) -> None:
    headers = client.get(address).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self'; script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["Cache-Control"] in ("private, no-cache", "no-store", "no-cache")
    assert "Authorization" in headers["Vary"]


def test_health_tells_size_and_engine(client: FlaskClient) -> None:
    assert client.get("/health").get_json() == {"status": "ok", "size": 1, "engine": "3"}


def test_the_docs_page_loads_nothing_from_elsewhere(client: FlaskClient) -> None:
    page = client.get("/docs").text
    assert "<script>" not in page
    for address in re.findall(r'(?:src|href)="([^"]+)"', page):
        response = client.get(address)
        assert response.status_code == 200
        response.close()
    assert (STATIC / "NOTICE").is_file()
    assert "sourceMappingURL" not in (STATIC / "swagger-ui.css").read_text("utf-8")


def limited(services: Services, **limits: str) -> FlaskClient:
    settings = Settings(**limits)  # type: ignore[arg-type]  # all of these are text
    return create_app(settings, services=services).test_client()


def test_too_many_requests_are_told_when_to_come_back(services: Services) -> None:
    client = limited(services, submit_limit="2 per hour")
    refused = [
        client.post("/v1/statements", data=b"a.b.c", content_type="text/plain") for _ in "abc"
    ]
    assert [each.status_code for each in refused] == [400, 400, 429]
    problem = refused[2].get_json(force=True)
    assert problem["code"] == "too-many-requests"
    assert 0 < int(refused[2].headers["Retry-After"]) <= 3600
    assert "Retry-After" not in refused[1].headers
    # Another address is not held up, nor is reading.
    other = {"REMOTE_ADDR": "192.0.2.7"}
    again = client.post(
        "/v1/statements", data=b"a.b.c", content_type="text/plain", environ_overrides=other
    )
    assert again.status_code == 400
    assert client.get("/v1/log").status_code == 200


def test_events_of_partners_are_counted_apart(services: Services) -> None:
    client = limited(services, event_limit="2 per hour")
    sent = [client.post("/3/events").status_code for _ in range(3)]
    assert sent == [401, 401, 429]
    assert client.get("/v1/log").status_code == 200


def test_reading_is_limited_and_health_is_not(services: Services) -> None:
    client = limited(services, read_limit="2 per hour")
    assert [client.get("/v1/log").status_code for _ in "abc"] == [200, 200, 429]
    assert [client.get("/health").status_code for _ in "abc"] == [200, 200, 200]


def test_forwarded_addresses_are_believed_only_from_trusted_proxies(services: Services) -> None:
    def statuses(proxies: int) -> list[int]:
        settings = Settings(read_limit="1 per hour", trusted_proxies=proxies)
        client = create_app(settings, services=services).test_client()
        sources = ("192.0.2.1", "192.0.2.2")
        return [
            client.get("/v1/log", headers={"X-Forwarded-For": each}).status_code for each in sources
        ]

    assert statuses(0) == [200, 429]
    assert statuses(1) == [200, 200]


def test_links_keep_the_scheme_the_reader_used(
    services: Services, factory: Factory, as_role: AsRole
) -> None:
    factory.enterprise("Acme")
    client = create_app(Settings(trusted_proxies=1), services=services).test_client()
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "log.example"}
    response = client.get("/v1/statements?limit=1", headers=headers | as_role("auditor"))
    assert response.headers["Link"].startswith("<https://log.example/v1/statements?limit=1&")


# --- Figures that a reader may keep ------------------------------------------------------------

QUESTION = {"product": "p", "year": 2025, "gwp": "AR6", "at": None}


def test_a_tag_depends_on_everything_the_answer_depends_on(factory: Factory) -> None:
    acme = factory.enterprise("Acme")
    product = acme.product("Steel")
    standing = factory.standing()
    caller = Caller("supplier", acme.id, "t1")

    def tag(
        as_of: int = 5,
        question: dict[str, str | int | None] = QUESTION,
        caller: Caller = caller,
        language: str = "en",
    ) -> str:
        return figure_tag(as_of, question, standing, caller, language)

    different = {
        tag(),
        tag(as_of=6),
        tag(question=QUESTION | {"year": 2024}),
        tag(caller=Caller("auditor", acme.id, "t1")),
        tag(caller=Caller("supplier", "another", "t1")),
        tag(caller=ANONYMOUS),
        tag(language="zh"),
    }
    assert len(different) == 7
    assert tag(caller=Caller("supplier", acme.id, "another token")) == tag()
    acme.product("Elsewhere")
    assert figure_tag(5, QUESTION, factory.standing(), caller, "en") == tag()
    # A disclosure moves no figure, but it may show more of it.
    acme.disclose("footprint", product)
    assert figure_tag(5, QUESTION, factory.standing(), caller, "en") != tag()


def test_a_reader_with_the_same_figure_gets_304_and_it_is_not_sent_again(
    services: Services, as_role: AsRole
) -> None:
    app = create_app(services.settings, services=services)
    document = {"name": "Steel", "value": "3.7125", "at": 1}

    @app.get("/figure")
    def figure() -> object:
        standing = services.engine.standing()
        return figure_response(document, as_of=0, question=QUESTION, standing=standing)

    client = app.test_client()
    first = client.get("/figure")
    assert first.headers["ETag"].startswith('W/"')
    size, root = first.headers["Catchment-Checkpoint"].split()
    assert (size, len(root)) == ("1", 44)
    again = client.get("/figure", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    other = as_role("auditor") | {"If-None-Match": first.headers["ETag"]}
    assert client.get("/figure", headers=other).status_code == 200
    # That the log has grown is no news of itself; another name is, though nothing moved.
    same = {"If-None-Match": first.headers["ETag"]}
    document["at"] = 2
    assert client.get("/figure", headers=same).status_code == 304
    document["name"] = "Cold rolled steel"
    assert client.get("/figure", headers=same).status_code == 200
