"""Hosts that do their worst: they are refused, and nothing that nobody foresaw comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest

from api.errors import CalledHostUnreachable
from api.partners import calling
from api.partners.calling import PactHost
from api.partners.companies import line
from api.partners.partners import partners_of
from api.services import Services
from ledger.errors import CatchmentError
from tests.pact_host import CLIENT, SECRET, PactServer
from tests.patience import HANG_SECONDS, hanging_fails
from tests.serving import dripping

pytestmark = pytest.mark.only_on("sqlite", "calling others is not about the database")


@pytest.fixture
def server() -> Iterator[PactServer]:
    with PactServer() as host:
        yield host


def calls(services: Services, url: str) -> PactHost:
    partner = partners_of(services).add(
        name="Other", enterprise="e", url=url, client_id=CLIENT, secret=SECRET
    )
    return PactHost(services, partner)


@pytest.mark.parametrize(
    "lasts", ["1" + "0" * 400, "1" + "0" * 4000, "-1", "true", "1e999", "NaN", '"3600"', "null"]
)
def test_a_token_may_say_anything_of_how_long_it_lasts(
    services: Services, server: PactServer, lasts: str
) -> None:
    server.tokens = {"t"}
    body = f'{{"access_token": "t", "expires_in": {lasts}}}'.encode()
    server.answers["/auth/token"] = lambda _: (200, {}, body)
    assert list(calls(services, server.url).footprints()) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("Link", '<http://[::1>; rel="next"'), ("Link", "a=b=c;;;===;"), ("Link", "<>; rel=next"),
     ("Link", '<?%zz>; rel="next"'), ("Link", '<//>; rel="next"'), ("Content-Length", "-5"),
     ("Content-Length", "x"), ("Content-Length", "1" * 30), ("Transfer-Encoding", "chunked"),
     ("X", "y" * 70_000), ("Retry-After", "9" * 400)],
)  # fmt: skip
def test_headers_that_make_no_sense_end_in_words(
    services: Services, server: PactServer, name: str, value: str
) -> None:
    server.answers["/3/footprints"] = lambda request: (
        200, {} if request.query else {name: value}, b'{"data":[]}'
    )  # fmt: skip
    with suppress(CatchmentError):
        assert list(calls(services, server.url).footprints()) == []


def test_a_host_that_sends_its_header_a_little_at_a_time_is_cut_off(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calling, "TIMEOUTS", HANG_SECONDS)
    monkeypatch.setattr(calling, "ANSWER_SECONDS", 0.3)
    with (
        dripping(b"HTTP/1.1 ") as url,
        hanging_fails(),
        pytest.raises(CalledHostUnreachable),
    ):
        calls(services, url).send_event(b"{}")


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("Mill\u202e GA reteP", "Mill GA reteP"),
        ("\u2066 \n\u2069", "?"),
        ("Mühle  AG\n", "Mühle AG"),
    ],
)
def test_a_name_is_one_line_that_reads_as_it_is_written(given: str, read: str) -> None:
    assert line(given) == read
