"""Calling the PACT host of a partner, which may be anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.errors import (
    CalledHostNotUnderstood,
    CalledHostRefused,
    CalledHostUnreachable,
    PartnerRefused,
)
from api.partners import calling
from api.partners.calling import PactHost
from api.partners.partners import partners_of
from api.services import Services
from tests.e2e.tls_proxy import TlsProxy
from tests.pact_host import CLIENT, SECRET, Answer, PactServer, Request, encoded

pytestmark = pytest.mark.only_on("sqlite", "calling others is not about the database")


@pytest.fixture
def server() -> Iterator[PactServer]:
    with PactServer() as host:
        yield host


def calls(services: Services, server: PactServer, **more: Any) -> PactHost:
    partner = partners_of(services).add(
        name="Other", enterprise="e", url=server.url, client_id=CLIENT, secret=SECRET, **more
    )
    return PactHost(services, partner)


@pytest.fixture
def host(services: Services, server: PactServer) -> PactHost:
    return calls(services, server)


def test_every_page_is_read_and_each_object_keeps_its_bytes(
    host: PactHost, server: PactServer
) -> None:
    odd = b'{ "id":"b",  "n": 1.50, "text": "\\u00e9]}\xc3\xa9" }'
    server.list({"id": "a"}, odd, {"id": "c"})
    assert list(host.footprints({})) == [b'{"id": "a"}', odd, b'{"id": "c"}']


def test_filters_are_sent_as_often_as_they_are_given(host: PactHost, server: PactServer) -> None:
    list(host.footprints({"geography": ["CN", "DE"], "status": ["Active"]}))
    assert server.requests[-1].query == {"geography": ["CN", "DE"], "status": ["Active"]}


def test_one_token_serves_until_it_expires(services: Services, server: PactServer) -> None:
    now = [0.0]
    partner = partners_of(services).add(
        name="Other", enterprise="e", url=server.url, client_id=CLIENT, secret=SECRET
    )
    host = PactHost(services, partner, monotonic=lambda: now[0])
    for second in (0, 100, 3569):
        now[0] = second
        list(host.footprints())
    assert server.paths().count("/auth/token") == 1
    now[0] = 3571
    list(host.footprints())
    assert server.paths().count("/auth/token") == 2


def test_a_token_that_the_host_forgot_is_renewed_once(host: PactHost, server: PactServer) -> None:
    list(host.footprints())
    server.tokens = {"none of ours", *(str(n) for n in range(3))}
    assert list(host.footprints()) == []
    assert server.paths().count("/auth/token") == 2


def test_a_host_that_never_accepts_its_own_tokens_is_not_asked_for_ever(
    host: PactHost, server: PactServer
) -> None:
    server.answers["/3/footprints"] = lambda _: (401, {}, b'{"message": "No."}')
    with pytest.raises(CalledHostRefused, match="401: No"):
        list(host.footprints())
    assert server.paths().count("/3/footprints") == 2


def test_discovery_says_where_tokens_come_from(host: PactHost, server: PactServer) -> None:
    elsewhere = encoded({"token_endpoint": f"{server.url}/oauth/v2"})
    server.answers["/.well-known/openid-configuration"] = lambda _: (200, {}, elsewhere)
    server.answers["/oauth/v2"] = server._token
    assert list(host.footprints()) == []
    assert "/auth/token" not in server.paths()


def test_the_secret_is_sent_to_no_other_host(host: PactHost, server: PactServer) -> None:
    with PactServer() as thief:
        found = encoded({"token_endpoint": f"{thief.url}/auth/token"})
        server.answers["/.well-known/openid-configuration"] = lambda _: (200, {}, found)
        with pytest.raises(CalledHostNotUnderstood, match="our secret"):
            list(host.footprints())
        assert thief.requests == []


def test_an_address_for_tokens_that_was_registered_is_used(
    services: Services, server: PactServer
) -> None:
    with PactServer() as issuer:
        host = calls(services, server, auth_url=issuer.url)
        server.tokens = {"token-0"}
        assert list(host.footprints()) == []
        assert "/auth/token" in issuer.paths()


@pytest.mark.parametrize(
    "link",
    ["http://localhost:{port}/3/footprints?page=1", "http://evil.example/3", "file:///etc/passwd",
     "//127.0.0.2/3/footprints", "http://127.0.0.1:1/3/footprints", "http://[::1", "http://a:b/"],
)  # fmt: skip
def test_a_next_page_on_another_host_is_not_fetched(
    host: PactHost, server: PactServer, link: str
) -> None:
    where = link.replace("{port}", server.url.rpartition(":")[2])
    server.answers["/3/footprints"] = lambda _: (
        200, {"Link": f'<{where}>; rel="next"'}, b'{"data":[]}'
    )  # fmt: skip
    with pytest.raises(CalledHostNotUnderstood):
        list(host.footprints())
    assert server.paths().count("/3/footprints") == 1


def test_a_relative_next_page_is_followed(host: PactHost, server: PactServer) -> None:
    def pages(request: Request) -> Answer:
        if request.query:
            return 200, {}, b'{"data":[{}]}'
        return 200, {"Link": '</3/footprints?x=1>; rel="next"'}, b'{"data":[]}'

    server.answers["/3/footprints"] = pages
    assert list(host.footprints()) == [b"{}"]


def test_a_next_page_over_plain_http_is_fetched_over_what_was_registered(
    services: Services,
) -> None:
    partner = partners_of(services).add(
        name="Other", enterprise="e", url="https://pact.example", client_id=CLIENT, secret=SECRET
    )
    host = PactHost(services, partner)
    here = "https://pact.example/3/footprints"
    assert host._following("http://pact.example/3/footprints?c=2", here) == f"{here}?c=2"


def test_pages_that_lead_to_themselves_come_to_an_end(host: PactHost, server: PactServer) -> None:
    server.answers["/3/footprints"] = lambda _: (
        200, {"Link": '<?page=1>; rel="next"'}, b'{"data":[]}'
    )  # fmt: skip
    with pytest.raises(CalledHostNotUnderstood, match="do not end"):
        list(host.footprints())
    assert server.paths().count("/3/footprints") == 2


def test_pages_that_never_end_come_to_an_end(
    host: PactHost, server: PactServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calling, "MAX_PAGES", 5)
    server.answers["/3/footprints"] = lambda request: (
        200, {"Link": f'<?page={int(request.query.get("page", ["0"])[0]) + 1}>; rel="next"'},
        b'{"data":[]}',
    )  # fmt: skip
    with pytest.raises(CalledHostNotUnderstood, match="do not end"):
        list(host.footprints())
    assert server.paths().count("/3/footprints") == 5


def test_an_answer_without_end_is_cut_off(
    host: PactHost, server: PactServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calling, "MAX_SMALL_BYTES", 100_000)
    server.answers["/3/footprints/x"] = lambda _: (200, {}, b'{"data":{}' + b" " * 1_100_000 + b"}")
    with pytest.raises(CalledHostNotUnderstood, match="more than"):
        host.footprint("x")


def test_a_redirect_is_not_followed(host: PactHost, server: PactServer) -> None:
    with PactServer() as inside:
        server.answers["/3/footprints"] = lambda _: (302, {"Location": inside.url}, b"")
        with pytest.raises(CalledHostRefused, match="302"):
            list(host.footprints())
        assert inside.requests == []


def test_compressed_answers_are_not_taken(host: PactHost, server: PactServer) -> None:
    server.answers["/3/footprints"] = lambda _: (200, {"Content-Encoding": "gzip"}, b"\x1f\x8b")
    with pytest.raises(CalledHostNotUnderstood, match="compressed"):
        list(host.footprints())


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"data": {}}', b'{"data": [}', b'{"data": []', b'{"data": []} x', b"\xff",
     b'{"data": [], "data": []}', b'{"data": ' + b"[" * 100_000, b'{"other": 1}', b"{1: 2}"],
)  # fmt: skip
def test_what_is_no_list_of_footprints_is_not_taken(
    host: PactHost, server: PactServer, body: bytes
) -> None:
    server.answers["/3/footprints"] = lambda _: (200, {}, body)
    with pytest.raises(CalledHostNotUnderstood):
        list(host.footprints())


def test_what_the_host_says_is_wrong_is_told_shortly(host: PactHost, server: PactServer) -> None:
    said = encoded({"code": "InternalError", "message": "Sorry,\n\x1b[31m " + "x" * 5000})
    server.answers["/3/footprints"] = lambda _: (500, {}, said)
    with pytest.raises(CalledHostRefused) as refused:
        list(host.footprints())
    assert refused.value.params["status"] == 500
    message = str(refused.value.params["message"])
    assert message.startswith("Sorry, [31m xxx")
    assert len(message) <= 300
    assert message.isprintable()


def test_a_secret_that_the_host_does_not_know_is_told(
    services: Services, server: PactServer
) -> None:
    partner = partners_of(services).add(
        name="Other", enterprise="e", url=server.url, client_id=CLIENT, secret="wrong"
    )
    with pytest.raises(CalledHostRefused, match="401: Who are you"):
        list(PactHost(services, partner).footprints())


def test_a_host_that_is_down_is_unreachable(host: PactHost, server: PactServer) -> None:
    server._server.server_close()
    with pytest.raises(CalledHostUnreachable):
        host.send_event(b"{}")


def test_a_certificate_that_nobody_here_trusts_ends_it(services: Services, tmp_path: Path) -> None:
    with TlsProxy(tmp_path, backend=9) as proxy:
        partner = partners_of(services).add(
            name="Other", enterprise="e", url=proxy.url, client_id=CLIENT, secret=SECRET
        )
        with pytest.raises(CalledHostUnreachable, match="certificate is not trusted"):
            list(PactHost(services, partner).footprints())


def test_an_answer_that_breaks_off_is_no_answer(host: PactHost, server: PactServer) -> None:
    server.answers["/3/footprints"] = lambda _: (200, {"Content-Length": "99"}, b'{"data":[]}')
    with pytest.raises(CalledHostUnreachable):
        list(host.footprints())


def test_an_event_is_delivered_in_its_structured_form(host: PactHost, server: PactServer) -> None:
    host.send_event(b'{"id": "1"}')
    assert server.events == [b'{"id": "1"}']
    sent = server.requests[-1].headers
    assert sent["content-type"].startswith("application/cloudevents+json")


def test_one_footprint_is_found_by_its_id(host: PactHost, server: PactServer) -> None:
    server.list({"id": "a/b"})
    with pytest.raises(CalledHostRefused, match="404"):
        host.footprint("a/b")
    server.list({"id": "a"})
    assert host.footprint("a") == b'{"id": "a"}'


@pytest.mark.parametrize(
    "url",
    ["", "pact.example", "ftp://pact.example", "https://", "https://u:p@pact.example",
     "https://pact.example/?x=1", "https://pact.example:port", "https://[::1"],
)  # fmt: skip
def test_an_address_that_nobody_can_call_is_refused(services: Services, url: str) -> None:
    with pytest.raises(PartnerRefused):
        partners_of(services).add(name="O", enterprise="e", url=url, client_id="c", secret="s")
