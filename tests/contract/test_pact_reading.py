"""What PACT v3 (Technical Specifications 3.0.3) asks of a host that hands footprints out.

One test for each thing that the specification, or WBCSD's public conformance service, looks at, and
for what we promise beyond; docs/pact.md names the tests beside the promises.
"""

from __future__ import annotations

import json
import logging
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from api.oauth.clients import clients_of
from api.pact.shelf import shelf_of
from api.web.pact_errors import CODES, pact_error
from tests.factory import Actor, Factory
from tests.pact_served import PactClient, PactHost, next_of

pytestmark = pytest.mark.only_on("sqlite", "about protocol; test_shelf reads from both databases")

NAMED = ("reading", "model_served")
NOBODY = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def host(factory: Factory, tmp_path: Path) -> PactHost:
    return PactHost(factory, tmp_path)


@pytest.fixture
def maker(factory: Factory) -> Actor:
    return factory.enterprise("Maker")


@pytest.fixture
def buyer(host: PactHost, factory: Factory) -> PactClient:
    return host.client_of(factory.enterprise("Buyer"))


@pytest.fixture
def owner(host: PactHost, maker: Actor) -> PactClient:
    """The maker's own system: it reads what the maker says."""
    return host.client_of(maker)


def say(maker: Actor, total: str = "1", **members: Any) -> str:
    """Declare a footprint of a new product; the id of the footprint."""
    said = maker.footprint(maker.product("Product"), total, **members)
    return pf_id(said)


def pf_id(said: Any) -> str:
    return str(said.statement.body.pact.id)


def assert_error(response: TestResponse, status: int, code: str) -> dict[str, str]:
    """The two members of PACT's error object, and no others."""
    assert response.status_code == status, response.text
    assert response.content_type == "application/json"
    error: dict[str, str] = response.get_json()
    assert set(error) == {"code", "message"}
    assert error["code"] == code
    assert error["message"]
    return error


# --- Lists and single footprints --------------------------------------------------------------


def test_a_program_that_knows_pact_alone_finds_a_token_lists_and_reads(
    host: PactHost, maker: Actor, factory: Factory
) -> None:
    known = say(maker, "2.5")
    name, secret = clients_of(host.services).add("procurement", maker.id, "Any", ["footprints"])
    http = host.http()
    endpoint = http.get("/.well-known/openid-configuration").get_json()["token_endpoint"]
    granted = http.post(
        endpoint, data={"grant_type": "client_credentials"}, auth=(name, secret)
    ).get_json()
    assert granted["token_type"].lower() == "bearer"
    sent = {"Authorization": f"Bearer {granted['access_token']}"}
    listed = http.get("/3/footprints", headers=sent).get_json()
    assert set(listed) == {"data"}
    assert [each["id"] for each in listed["data"]] == [known]
    read = http.get(f"/3/footprints/{known}", headers=sent)
    assert read.get_json() == {"data": listed["data"][0]}
    assert read.content_type == "application/json"


def test_a_list_of_nothing_is_an_empty_array(buyer: PactClient) -> None:
    assert buyer.get("/3/footprints").data == b'{"data":[]}'


def test_the_id_may_be_written_in_capitals(maker: Actor, owner: PactClient) -> None:
    known = say(maker)
    assert owner.read(known.upper()).get_json()["data"]["id"] == known


def test_a_bearer_token_of_the_operator_reads_as_a_client_does(
    host: PactHost, maker: Actor, owner: PactClient
) -> None:
    say(maker)
    assert host.client_with("supplier", maker).list() == owner.list()


# --- Filters ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Library:
    """A host with much to look for, which no test changes; ``ids`` by name."""

    host: PactHost
    owner: PactClient
    ids: dict[str, str]

    def named(self, names: str) -> list[str]:
        return [self.ids[name] for name in names.split()]


def library(folder: Path, fill: Callable[[Actor], dict[str, str]]) -> Iterator[Library]:
    factory = Factory(folder)
    maker = factory.enterprise("Maker")
    ids = fill(maker)
    host = PactHost(factory, folder)
    yield Library(host, host.client_of(maker), ids)
    factory.close()


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """Footprints that differ in everything that is filtered by."""
    yield from library(tmp_path_factory.mktemp("three"), differing)


def differing(maker: Actor) -> dict[str, str]:
    return {
        "resin": say(
            maker,
            productIds=["urn:gtin:4712345060507", "urn:pact:maker.example:part:R7"],
            companyIds=["urn:pact:maker.example:company:1"],
            productClassifications=["urn:cpc:34710"],
            validityPeriodStart="2026-02-01T00:00:00Z",
            validityPeriodEnd="2027-02-01T00:00:00Z",
        ),
        "steel": say(
            maker,
            productIds=["urn:pact:maker.example:part:a+b&c=1/2 钢"],
            companyIds=["urn:pact:maker.example:company:2"],
            productClassifications=["urn:cpc:41211", "urn:eclass:28070000"],
            pcf={"geographyCountry": None, "geographyCountrySubdivision": "CN-JS"},
        ),
        "glass": say(
            maker,
            year=2022,
            productIds=["urn:gtin:4712345060514"],
            companyIds=["urn:pact:maker.example:company:1"],
            pcf={"geographyCountry": None, "geographyRegionOrSubregion": "Eastern Asia"},
        ),
    }


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"productId": "urn:gtin:4712345060507"}, "resin"),
        ({"productId": "urn:pact:maker.example:part:R7"}, "resin"),
        ({"productId": "urn:pact:maker.example:part:a+b&c=1/2 钢"}, "steel"),
        ({"companyId": "urn:pact:maker.example:company:1"}, "resin glass"),
        ({"geography": "CN"}, "resin"),
        ({"geography": "CN-JS"}, "steel"),
        ({"geography": "Eastern Asia"}, "glass"),
        ({"classification": "urn:eclass:28070000"}, "steel"),
        # Case.
        ({"productId": "URN:GTIN:4712345060507"}, "resin"),
        ({"productId": "urn:pact:MAKER.example:part:r7"}, "resin"),
        ({"geography": "cn-js"}, "steel"),
        ({"classification": "URN:CPC:34710"}, "resin"),
        # Values of one name are alternatives, names must all hold.
        ({"productId": ["urn:gtin:4712345060507", "urn:gtin:4712345060514"]}, "resin glass"),
        ({"companyId": ["urn:pact:maker.example:company:2", "urn:none"]}, "steel"),
        ({"companyId": "urn:pact:maker.example:company:1", "geography": "CN"}, "resin"),
        ({"companyId": "urn:pact:maker.example:company:1", "geography": "CN-JS"}, ""),
        # An empty value asks for nothing.
        ({"productId": ""}, "resin steel glass"),
        ({"geography": "", "status": "", "validOn": "", "limit": ""}, "resin steel glass"),
        ({"productId": ["", "urn:gtin:4712345060507"]}, "resin"),
        # What matches nothing gives an empty list.
        ({"productId": "urn:bogus:product:1"}, ""),
        ({"companyId": ["urn:bogus:company:1", "urn:bogus:company:2"]}, ""),
        ({"geography": "XX"}, ""),
        ({"classification": "urn:bogus:classification:1"}, ""),
        ({"status": "BogusStatus"}, ""),
        ({"productId": "urn:gtin:471234506050"}, ""),
        ({"productId": "urn:gtin:4712345060507%"}, ""),
        ({"productId": "a\x00b\ufffd"}, ""),
        # Status, as it is and in any case; the glass was valid until the first day of 2026.
        ({"status": "Active"}, "resin steel"),
        ({"status": "DEPRECATED"}, "glass"),
        ({"status": ["Active", "Deprecated"]}, "resin steel glass"),
        ({"status": ["BogusStatus", "Deprecated"]}, "glass"),
    ],
)
def test_filters_find(three: Library, filters: dict[str, Any], found: str) -> None:
    assert three.owner.ids(**filters) == three.named(found)


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        # Stated: the resin from 2026-02-01 to 2027-02-01. Three years from the end of the
        # reference period: the steel from 2026-01-01, the glass from 2023-01-01.
        ({"validOn": "2026-02-01T00:00:00Z"}, "resin steel"),
        ({"validOn": "2026-01-31T23:59:59Z"}, "steel"),
        ({"validOn": "2027-02-01T00:00:00Z"}, "resin steel"),
        ({"validOn": "2027-02-01T00:00:01Z"}, "steel"),
        ({"validOn": "2023-01-01T00:00:00Z"}, "glass"),
        ({"validOn": "2026-01-01T00:00:00Z"}, "steel glass"),
        ({"validOn": "1900-01-01T00:00:00Z"}, ""),
        ({"validAfter": "2025-12-31T23:59:59Z"}, "resin steel"),
        ({"validAfter": "2026-01-01T00:00:00Z"}, "resin"),
        ({"validAfter": "2099-12-31T23:59:59Z"}, ""),
        ({"validBefore": "2027-02-01T00:00:00Z"}, "glass"),
        ({"validBefore": "2027-02-01T00:00:01Z"}, "resin glass"),
        ({"validBefore": "1900-01-01T00:00:00Z"}, ""),
        # Other zones and forms of the same moment.
        ({"validOn": "2026-02-01T08:00:00+08:00"}, "resin steel"),
        ({"validOn": "2026-01-31t16:00:00.000-08:00"}, "resin steel"),
        ({"validOn": "2026-01-01T00:00:00Z", "status": "Active"}, "steel"),
    ],
)
def test_validity_is_the_stated_period_or_three_years(
    three: Library, filters: dict[str, Any], found: str
) -> None:
    assert three.owner.ids(**filters) == three.named(found)


def test_a_plus_that_was_not_encoded_is_still_an_offset(
    three: Library,
) -> None:
    response = three.owner.get("/3/footprints?validOn=2026-02-01T08:00:00+08:00")
    found = [each["id"] for each in response.get_json()["data"]]
    assert found == three.named("resin steel")


def test_three_years_from_a_leap_day_end_on_the_last_of_february(
    maker: Actor, owner: PactClient
) -> None:
    leap = {
        "referencePeriodStart": "2023-03-01T00:00:00Z",
        "referencePeriodEnd": "2024-02-29T00:00:00Z",
    }
    known = say(maker, pcf=leap)
    assert owner.ids(validOn="2027-02-28T00:00:00Z") == [known]
    assert owner.ids(validOn="2027-02-28T00:00:01Z") == []


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("validOn=yesterday", "validOn"),
        ("validOn=2026-02-01", "validOn"),
        ("validAfter=2026-02-01T00:00:00", "validAfter"),
        ("validBefore=2026-02-30T00:00:00Z", "validBefore"),
        ("limit=-1", "limit"),
        ("limit=ten", "limit"),
        ("limit=1.5", "limit"),
        ("limit=1&limit=2", "limit"),
        ("cursor=2", "cursor"),
        ("&".join(f"productId=urn:x:{i}" for i in range(101)), "productId"),
        # Version 2 had these. Ignored, the first would list what was not asked for, and the
        # second would give the first page for ever.
        ("$filter=productIds/any(p:p eq 'urn:gtin:1')", "$filter"),
        ("offset=10", "offset"),
        ("productid=urn:gtin:1", "productid"),
        ("x-other-invoice-id=1", "x-other-invoice-id"),
    ],
)
def test_what_is_not_understood_is_a_bad_request_that_names_it(
    three: Library, query: str, told: str
) -> None:
    error = assert_error(three.owner.get(f"/3/footprints?{query}"), 400, "BadRequest")
    assert told in error["message"]


# --- Pages --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """25 footprints, of which every other one, 13, has two ids of its own."""
    yield from library(tmp_path_factory.mktemp("many"), alternating)


def alternating(maker: Actor) -> dict[str, str]:
    own, other = ["urn:gtin:4712345060507", "urn:x:a+b&c 钢"], ["urn:x:other"]
    return {f"{i:02}": say(maker, productIds=other if i % 2 else own) for i in range(25)}


@pytest.fixture
def order(many: Library) -> list[str]:
    """As they came."""
    return list(many.ids.values())


def test_every_page_is_reached_through_its_link(many: Library, order: list[str]) -> None:
    pages = many.owner.every_page(limit=7)
    assert [len(page) for page in pages] == [7, 7, 7, 4]
    assert [each for page in pages for each in page] == order


def test_a_page_that_ends_with_the_list_leads_nowhere(many: Library) -> None:
    assert [len(page) for page in many.owner.every_page(limit=5)] == [5, 5, 5, 5, 5]
    assert next_of(many.owner.get("/3/footprints", {"limit": 25})) is None


@pytest.mark.parametrize("value", ["urn:gtin:4712345060507", "urn:x:a+b&c 钢"])
def test_links_keep_the_filters_whatever_characters_they_have(
    many: Library, order: list[str], value: str
) -> None:
    filters = {"productId": [value, "urn:x:=?#/%"], "validOn": "2026-02-01T08:00:00+08:00"}
    pages = many.owner.every_page(limit=5, **filters)
    assert [each for page in pages for each in page] == order[::2]
    assert [len(page) for page in pages] == [5, 5, 3]


def test_a_link_keeps_the_offset_that_was_not_encoded(many: Library, order: list[str]) -> None:
    first = many.owner.get("/3/footprints?limit=20&validOn=2026-02-01T08:00:00+08:00")
    second = many.owner.follow(str(next_of(first)))
    assert [each["id"] for each in second.get_json()["data"]] == order[20:]


def test_behind_a_proxy_links_lead_to_what_the_reader_called(
    factory: Factory, maker: Actor, tmp_path: Path
) -> None:
    for _ in range(3):
        say(maker)
    host = PactHost(factory, tmp_path, trusted_proxies=1)
    forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "pact.maker.example"}
    client = host.client_of(maker, headers=forwarded)
    client.origin = "https://pact.maker.example"
    assert [len(page) for page in client.every_page(limit=2)] == [2, 1]


def test_who_is_not_the_proxy_does_not_decide_where_links_lead(many: Library) -> None:
    response = many.owner.get("/3/footprints", {"limit": 1}, **{"X-Forwarded-Host": "evil.example"})
    assert str(next_of(response)).startswith("http://localhost/3/footprints?")


def test_a_link_stays_good(maker: Actor, owner: PactClient, factory: Factory) -> None:
    ids = [say(maker) for _ in range(4)]
    link = str(next_of(owner.get("/3/footprints", {"limit": 3})))
    factory.clock.advance(seconds=600)
    newest = say(maker)
    found = [each["id"] for each in owner.follow(link).get_json()["data"]]
    assert found == [ids[3], newest]


def test_a_cursor_is_sealed_so_that_it_does_not_tell_how_much_others_have(
    maker: Actor, owner: PactClient, factory: Factory, tmp_path: Path
) -> None:
    """Where a page begins is a number that counts every footprint, whoever may read it."""
    for _ in range(2):
        say(maker)
    one, same = (str(next_of(owner.get("/3/footprints", {"limit": 1}))) for _ in range(2))
    assert one != same, "two of them cannot be compared"
    (tmp_path / "elsewhere").mkdir()
    keyless = PactHost(factory, tmp_path / "elsewhere").client_of(maker)
    error = assert_error(keyless.follow(one), 400, "BadRequest")
    assert "cursor" in error["message"]


def test_a_page_is_never_longer_than_asked_nor_than_the_most(
    many: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(many.owner.list(limit=1)) == 1
    assert len(many.owner.list(limit=10**15)) == 25
    monkeypatch.setattr("api.pact.wire.MOST_AT_ONCE", 10)
    assert [len(page) for page in many.owner.every_page(limit=1000)] == [10, 10, 5]


def test_who_asks_for_none_gets_none_and_is_led_nowhere(many: Library) -> None:
    response = many.owner.get("/3/footprints", {"limit": 0})
    assert (response.data, next_of(response)) == (b'{"data":[]}', None)


# --- Who may read -------------------------------------------------------------------------------


def test_a_disclosure_opens_to_the_named_and_closing_it_hides_at_once(
    host: PactHost, factory: Factory, maker: Actor
) -> None:
    named, other = factory.enterprise("Named"), factory.enterprise("Other")
    reader, stranger = host.client_of(named), host.client_of(other)
    product = maker.product("Resin")
    known = pf_id(maker.footprint(product, "2.5"))
    assert reader.ids() == []
    opened = maker.disclose("footprint", product, to=named)
    assert reader.ids() == [known]
    assert reader.read(known).status_code == 200
    assert stranger.ids() == []
    assert_error(stranger.read(known), 404, "NotFound")
    maker.correct(opened, level="private")
    assert reader.ids() == []
    assert_error(reader.read(known), 404, "NotFound")


def test_a_public_footprint_is_listed_for_every_client(
    host: PactHost, factory: Factory, maker: Actor
) -> None:
    product = maker.product("Resin")
    known = pf_id(maker.footprint(product, "2.5"))
    readers = [host.client_of(factory.enterprise(name)) for name in ("One", "Two")]
    assert [reader.ids() for reader in readers] == [[], []]
    maker.disclose("footprint", product)
    assert [reader.ids() for reader in readers] == [[known], [known]]
    assert_error(host.stranger().get("/3/footprints"), 401, "BadRequest")


def test_pages_of_what_may_be_read_are_full_however_much_lies_between(
    host: PactHost, factory: Factory, maker: Actor
) -> None:
    named, shown = factory.enterprise("Named"), []
    for i in range(12):
        product = maker.product(f"P{i}")
        known = pf_id(maker.footprint(product, "1"))
        if i % 3 == 0:
            maker.disclose("footprint", product, to=named)
            shown.append(known)
    pages = host.client_of(named).every_page(limit=3)
    assert pages == [shown[:3], shown[3:]]


def test_what_may_not_be_read_answers_to_the_byte_as_what_does_not_exist(
    maker: Actor, buyer: PactClient
) -> None:
    hidden = buyer.read(say(maker))
    nobody = buyer.read(NOBODY)
    garbled = buyer.read("no-such-id")
    odd = buyer.read("%00%f0")
    assert_error(hidden, 404, "NotFound")
    assert hidden.data == nobody.data == garbled.data == odd.data
    assert told(hidden) == told(nobody) == told(garbled) == told(odd)


def told(response: TestResponse) -> list[tuple[str, str]]:
    """All headers but how many requests are left, which counts the requests themselves."""
    return [(name, value) for name, value in response.headers if "X-RateLimit" not in name]


def test_nobody_is_told_that_a_hidden_footprint_has_not_changed(
    maker: Actor, owner: PactClient, buyer: PactClient
) -> None:
    known = say(maker)
    tag = owner.read(known).headers["ETag"]
    asked = buyer.get(f"/3/footprints/{known}", **{"If-None-Match": tag})
    assert_error(asked, 404, "NotFound")
    assert "ETag" not in asked.headers


def test_an_erased_footprint_is_gone(maker: Actor, owner: PactClient) -> None:
    said = maker.footprint(maker.product("Resin"), "2.5")
    later = say(maker)
    assert owner.ids() == [pf_id(said), later]
    maker.erase(said)
    assert owner.ids() == [later]
    assert owner.read(pf_id(said)).data == owner.read(NOBODY).data


# --- Tokens and errors --------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/3/footprints", f"/3/footprints/{NOBODY}"])
def test_without_a_good_token_nothing_is_answered(
    host: PactHost, maker: Actor, factory: Factory, path: str
) -> None:
    none = host.stranger().get(path)
    assert_error(none, 401, "BadRequest")
    assert none.headers["WWW-Authenticate"] == 'Bearer realm="catchment"'
    for header in ("Bearer very-invalid-access-token", "Bearer a.b.c", "Basic eDp5", "Bearer"):
        wrong = host.stranger(Authorization=header).get(path)
        assert_error(wrong, 401, "BadRequest")
        assert 'error="invalid_token"' in wrong.headers["WWW-Authenticate"]


@pytest.mark.parametrize("path", ["/3/footprints", f"/3/footprints/{NOBODY}"])
def test_an_expired_token_says_so(factory: Factory, owner: PactClient, path: str) -> None:
    factory.clock.advance(days=1)
    expired = owner.get(path)
    assert_error(expired, 401, "TokenExpired")
    assert 'error="invalid_token"' in expired.headers["WWW-Authenticate"]


@pytest.mark.parametrize("path", ["/3/footprints", f"/3/footprints/{NOBODY}"])
def test_a_token_that_does_not_reach_here_is_denied(
    host: PactHost, maker: Actor, path: str
) -> None:
    error = assert_error(host.client_of(maker, "events").get(path), 403, "AccessDenied")
    assert "footprints" in error["message"]


@pytest.mark.parametrize("path", ["/3", "/3/", "/3/footprint", "/3/footprints/x/y"])
def test_an_unknown_path_is_not_found_in_pacts_form(owner: PactClient, path: str) -> None:
    assert_error(owner.get(path), 404, "NotFound")


def test_a_method_that_is_not_served_is_refused_in_pacts_form(owner: PactClient) -> None:
    response = owner.http.post("/3/footprints", headers=owner.headers)
    assert_error(response, 405, "BadRequest")
    assert "GET" in response.headers["Allow"]


def test_too_many_requests_are_refused_in_pacts_form(factory: Factory, tmp_path: Path) -> None:
    host = PactHost(factory, tmp_path, read_limit="2 per hour")
    client = host.stranger()
    answers = [client.get("/3/footprints") for _ in range(3)]
    assert_error(answers[-1], 429, "BadRequest")
    assert int(answers[-1].headers["Retry-After"]) > 0


def test_what_goes_wrong_here_is_an_internal_error_that_tells_nothing(
    host: PactHost,
    maker: Actor,
    owner: PactClient,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("secret-of-ours")

    monkeypatch.setattr(shelf_of(host.services), "page", broken)
    with caplog.at_level(logging.CRITICAL):
        response = owner.get("/3/footprints")
    assert "secret" not in assert_error(response, 500, "InternalError")["message"]


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "BadRequest"),
        (401, "BadRequest"),
        (403, "AccessDenied"),
        (404, "NotFound"),
        (410, "NotFound"),
        (413, "BadRequest"),
        (422, "BadRequest"),
        (500, "InternalError"),
        (501, "NotImplemented"),
        (503, "InternalError"),
    ],
)
def test_every_status_has_one_of_the_six_codes(status: int, code: str) -> None:
    problem = {"status": status, "code": "some-condition", "detail": "It is so."}
    assert pact_error(problem) == {"code": code, "message": "It is so."}
    assert code in CODES


def test_messages_are_in_the_readers_language(owner: PactClient) -> None:
    english = owner.read(NOBODY)
    chinese = owner.get(f"/3/footprints/{NOBODY}", **{"Accept-Language": "zh"})
    assert english.headers["Content-Language"] == "en"
    assert chinese.headers["Content-Language"] == "zh"
    assert "disclose" in english.get_json()["message"]
    assert_error(chinese, 404, "NotFound")


def test_below_auth_errors_are_those_of_oauth(host: PactHost) -> None:
    refused = host.http().post(
        "/auth/token", data={"grant_type": "client_credentials"}, auth=("nobody", "nothing")
    )
    assert refused.status_code == 401
    assert refused.content_type == "application/json"
    error = refused.get_json()
    assert set(error) == {"error", "error_description"}
    assert error["error"] == "invalid_client"
    assert refused.headers["WWW-Authenticate"] == 'Basic realm="catchment"'


def test_oauth_descriptions_have_only_the_characters_that_rfc_6749_allows(host: PactHost) -> None:
    """Section 5.2: %x20-21, %x23-5B and %x5D-7E; whatever language the reader likes."""
    http = host.http()
    for path in ("/auth/token", "/auth/nowhere"):
        response = http.get(path, headers={"Accept-Language": "zh"})
        description = response.get_json()["error_description"]
        assert description
        assert all(0x20 <= ord(c) <= 0x7E and c not in '"\\' for c in description)


# --- Over HTTPS only ----------------------------------------------------------------------------


def test_in_production_nothing_is_handed_out_over_plain_http(
    factory: Factory, maker: Actor, tmp_path: Path
) -> None:
    known = say(maker)
    host = PactHost(factory, tmp_path, environment="production", trusted_proxies=1)
    tls = host.client_of(maker, headers={"X-Forwarded-Proto": "https"})
    assert tls.ids() == [known]
    plain = PactClient(tls.http, {"Authorization": tls.headers["Authorization"]})
    for path in ("/3/footprints", f"/3/footprints/{known}"):
        assert "https" in assert_error(plain.get(path), 403, "AccessDenied")["message"].lower()


# --- Lifecycle ----------------------------------------------------------------------------------


def test_a_replaced_footprint_is_deprecated_and_stays_readable(
    maker: Actor, owner: PactClient
) -> None:
    first = maker.footprint(maker.product("Resin"), "2.5")
    before = owner.list()[0]
    again = maker.correct(first, pact=maker.pact_body("2.4", precedingPfIds=[pf_id(first)]))
    assert owner.ids() == [pf_id(first), pf_id(again)]
    assert owner.ids(status="Active") == [pf_id(again)]
    assert owner.ids(status="Deprecated") == [pf_id(first)]
    after = owner.read(pf_id(first)).get_json()["data"]
    assert after == before | {"status": "Deprecated"}, "nothing but the status ever changes"


def test_a_withdrawn_footprint_is_deprecated(maker: Actor, owner: PactClient) -> None:
    said = maker.footprint(maker.product("Resin"), "2.5")
    maker.withdraw(said)
    assert owner.read(pf_id(said)).get_json()["data"]["status"] == "Deprecated"


def test_a_footprint_whose_validity_is_over_is_deprecated(
    maker: Actor, factory: Factory, host: PactHost
) -> None:
    known = say(maker, validityPeriodEnd="2026-02-01T00:00:00Z")
    assert host.client_of(maker).ids(status="Active") == [known]
    factory.clock.advance(days=30)
    assert host.client_of(maker).ids(status="Deprecated") == [known]


# --- Copies that are still right ----------------------------------------------------------------


@pytest.mark.parametrize("what", ["single", "list"])
def test_a_copy_that_is_still_right_is_not_sent_again(
    maker: Actor, owner: PactClient, what: str
) -> None:
    said = maker.footprint(maker.product("Resin"), "2.5")
    path = f"/3/footprints/{pf_id(said)}" if what == "single" else "/3/footprints"
    tag = owner.get(path).headers["ETag"]
    assert tag.startswith('W/"')
    again = owner.get(path, **{"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == tag
    maker.withdraw(said)
    changed = owner.get(path, **{"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != tag


def test_a_page_that_is_not_sent_again_still_leads_on(many: Library) -> None:
    tag = many.owner.get("/3/footprints", {"limit": 7}).headers["ETag"]
    again = many.owner.get("/3/footprints", {"limit": 7}, **{"If-None-Match": tag})
    assert again.status_code == 304
    assert next_of(again) is not None


def test_a_copy_that_is_still_right_touches_no_figure(
    host: PactHost, maker: Actor, owner: PactClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = say(maker)
    tag = owner.read(known).headers["ETag"]

    def solve(*_: Any, **__: Any) -> None:
        raise AssertionError("a figure was asked for")

    for name in ("about_product", "product", "current", "snapshot"):
        if hasattr(host.services.engine, name):
            monkeypatch.setattr(host.services.engine, name, solve)
    assert owner.get(f"/3/footprints/{known}", **{"If-None-Match": tag}).status_code == 304


def test_bodies_are_json_without_spaces_in_utf_8(maker: Actor, owner: PactClient) -> None:
    known = say(maker, productNameCompany="钢板 “7”")
    body = owner.read(known).data
    assert "钢板 “7”".encode() in body
    assert json.loads(body)["data"]["id"] == known
    assert uuid.UUID(known)


# --- What is written about it -------------------------------------------------------------------


def test_every_test_that_the_documentation_names_is_there() -> None:
    here = Path(__file__).parent
    table = (here.parents[1] / "docs/pact.md").read_text("utf-8").split("## Tests")[1]
    written = "".join((here / f"test_pact_{name}.py").read_text() for name in NAMED)
    named = re.findall(r"`(test_[a-z0-9_]+)`", table)
    assert len(named) > 20
    assert not [name for name in named if f"def {name}(" not in written]
