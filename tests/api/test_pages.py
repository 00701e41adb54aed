"""Pages for people: public figures only, without scripts, in two languages."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from api.pages import waterfall
from api.pages.waterfall import Step, picture
from api.publication.publication import publishable
from graph.engine import Engine, Question
from graph.version import VERSION
from tests.api.conftest import AsRole
from tests.chain import Chain, build_chain
from tests.factory import Factory
from tests.reported import Reported

pytestmark = pytest.mark.only_on("sqlite", "it is about answers, which come from no database")

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def chain(factory: Factory) -> Chain:
    chain = build_chain(factory)
    chain.manager.disclose("figure", chain.park)
    return chain


def page(client: FlaskClient, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200
    assert response.content_type == "text/html; charset=utf-8"
    return response.get_data(as_text=True)


def bridge(html: str) -> ElementTree.Element:
    return ElementTree.fromstring(re.search(r"<svg.*?</svg>", html, re.DOTALL)[0])


def texts(svg: ElementTree.Element, kind: str) -> list[str]:
    return [each.text or "" for each in svg.iter("text") if each.get("class") == kind]


def test_the_front_page_lists_parks_whose_figure_is_public(
    client: FlaskClient, chain: Chain
) -> None:
    chain.manager.park("Closed park")
    html = page(client, "/")
    assert f'href="/parks/{chain.park}?lang=en">Example Park</a>' in html
    assert "Closed park" not in html
    assert 'href="/docs"' in html
    assert chain.factory.log.genesis.digest in html


def test_a_park_s_page_leads_to_the_bundle_of_what_was_published(
    client: FlaskClient, chain: Chain
) -> None:
    address = f"/parks/{chain.park}?year=2025"
    assert "/bundle" not in page(client, address)
    log = chain.factory.log
    books = Engine(log).park(chain.park, Question(year=2025))
    figure = chain.manager.say(publishable(log, books, chain.factory.standing()))
    html = page(client, address)
    assert f'href="/v1/figures/{figure.digest}/bundle"' in html
    assert f"2026-01-15, with engine {VERSION}" in html
    assert "/bundle" not in page(client, f"{address}&gwp=AR5")


def test_a_park_s_page_shows_the_bridge_and_the_scopes(client: FlaskClient, chain: Chain) -> None:
    html = page(client, f"/parks/{chain.park}?year=2025")
    svg = bridge(html)
    assert texts(svg, "label") == [
        "All products (T0)",
        "Trade inside",
        "Deliveries (T1)",
        "Came back",
        "The park (T2)",
        "Scope 3",
        "Scope 2",
        "Scope 1",
    ]
    # kg of the worked example as tonnes: T0 585.75, T1 372.9, T2 330, Scope 24, 56 and 250.
    assert texts(svg, "value") == [
        "0.586",
        "−0.213",
        "0.373",
        "−0.043",
        "0.330",
        "0.024",
        "0.056",
        "0.250",
    ]
    assert "Coverage of what was stated: 100 %" in html
    assert f"entry {max(r.index for r in chain.recipes.values())} of the log" in html


def test_categories_stand_in_their_order_and_what_nobody_stated_is_no_zero(
    client: FlaskClient, chain: Chain
) -> None:
    html = page(client, f"/parks/{chain.park}?year=2025")
    rows = re.findall(r'class="category">(\d+)</span>.*?</tr>', html, re.DOTALL)
    assert rows == [str(number) for number in range(1, 16)]
    travel = html.partition("Business travel")[2].partition("</tr>")[0]
    assert "nothing stated" in travel
    assert "0.000" not in travel


def test_a_park_s_page_leads_from_gross_to_net_with_offsets_beside(
    client: FlaskClient, factory: Factory
) -> None:
    made = Reported(factory)
    made.host.disclose("figure", made.park)
    html = page(client, f"/parks/{made.park}?year=2025")
    svg = ElementTree.fromstring(re.findall(r"<svg.*?</svg>", html, re.DOTALL)[1])
    told = zip(texts(svg, "label"), texts(svg, "value"), strict=True)
    # Gross 1200 kg less 50 captured and 250 removed: 900; one category is open, so at least.
    assert list(told) == [
        ("Scope 1", "1.00"),
        ("Scope 2", "0.00"),
        ("Scope 3", "≥ 0.20"),
        ("Gross", "≥ 1.20"),
        ("Captured", "−0.05"),
        ("Removed by sinks", "−0.25"),
        ("Net", "≥ 0.90"),
        ("Offsets, beside", "0.12"),
    ]
    bars = {each.get("class"): each for each in svg.iter("rect")}
    assert float(bars["net"].get("height")) == pytest.approx(
        0.75 * float(bars["gross"].get("height")), rel=0.01
    )
    # Nothing leads from the net figure to the offsets beside it.
    lines = [each for each in svg.iter("line") if each.get("class") == "level"]
    assert len(lines) == len(bars) - 2


def test_a_park_s_page_says_what_it_may_be_called_and_what_stands_in_the_way(
    client: FlaskClient, factory: Factory
) -> None:
    made = Reported(factory)
    made.host.disclose("figure", made.park)
    html = page(client, f"/parks/{made.park}?year=2025")
    assert '<strong class="badge none">no status</strong>' in html
    assert "The operational net figure is above zero: 0.7 t CO2e remain." in html
    assert "Categories of Scope 3 that are not covered: 6," in html
    files = [f"/v1/parks/{made.park}/report.{form}?year=2025&amp;gwp=AR6&amp;lang=en"
             for form in ("xlsx", "csv", "html")]  # fmt: skip
    for address in files:
        assert f'href="{address}"' in html
        assert client.get(address.replace("&amp;", "&")).status_code == 200


def test_a_park_s_page_draws_its_target_and_what_became_of_it(
    client: FlaskClient, factory: Factory
) -> None:
    made = Reported(factory)
    made.host.disclose("figure", made.park)
    assert 'id="targets"' not in page(client, f"/parks/{made.park}?year=2025")
    made.aim()
    html = page(client, f"/parks/{made.park}?year=2025").partition('id="targets"')[2]
    svg = bridge(html)
    assert texts(svg, "value") == ["0.80", "0.70"]
    dots = [each.get("class") for each in svg.iter("circle")]
    assert dots[-1] == "dot on"
    assert texts(svg, "label") == [str(year) for year in range(2024, 2031)]
    row = html.partition("<tbody>")[2].partition(">2025<")[2].partition("</tr>")[0]
    assert re.findall(r"<td[^>]*>(.*?)</td>", row) == ["0.73", "0.70", "yes"]


def test_the_picture_has_words_for_those_who_do_not_see_it(
    client: FlaskClient, chain: Chain
) -> None:
    svg = bridge(page(client, f"/parks/{chain.park}?year=2025"))
    title, words = svg.find("title"), svg.find("desc")
    assert svg.get("role") == "img"
    assert svg.get("aria-labelledby") == f"{title.get('id')} {words.get('id')}"
    assert title.text == "Bridge of Example Park, 2025, t CO2e"
    assert "The park (T2): 0.330." in words.text


def test_without_recipes_the_picture_begins_with_the_park_s_figure(
    client: FlaskClient, factory: Factory
) -> None:
    manager, tenant = factory.enterprise("Manager"), factory.enterprise("Tenant")
    park, site = manager.park("Park"), tenant.site("Works")
    manager.membership(park, site, consent_by=tenant, small_aggregates=True)
    steel = tenant.product("Steel")
    tenant.production(steel, site, "10")
    tenant.inventory(site, [("CO2", "fossil", "2000")])
    tenant.purchases(site)
    manager.disclose("figure", park)
    html = page(client, f"/parks/{park}?year=2025")
    assert texts(bridge(html), "label") == ["The park (T2)", "Scope 3", "Scope 2", "Scope 1"]
    assert "cannot be assessed" in html


def test_what_is_missing_makes_the_figure_a_lower_bound(
    client: FlaskClient, factory: Factory
) -> None:
    manager, tenant = factory.enterprise("Manager"), factory.enterprise("Tenant")
    park, site = manager.park("Park"), tenant.site("Secret works")
    manager.membership(park, site, consent_by=tenant, small_aggregates=True)
    tenant.inventory(site, [("CO2", "fossil", "2000")])
    manager.disclose("figure", park)
    html = page(client, f"/parks/{park}?year=2025")
    assert "≥ 2.00" in html
    assert "1 site has not stated all of its inventory or purchases." in html
    assert "Secret works" not in html


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    "address", ["/", "/parks/{park}", "/parks/{closed}", "/parks/{park}?year=9"]
)
def test_pages_need_neither_scripts_nor_styles_of_their_own(
    client: FlaskClient, chain: Chain, address: str, language: str
) -> None:
    closed = chain.manager.park("Closed park")
    asked = address.format(park=chain.park, closed=closed)
    response = client.get(asked, headers={"Accept-Language": language})
    html = response.get_data(as_text=True)
    assert "default-src 'self'" in response.headers["Content-Security-Policy"]
    assert not re.search(r"<script|<style|\sstyle=|\son[a-z]+=|javascript:", html)
    outside = re.findall(r'(?:src|href|action)="(https?:)?//', html)
    assert not outside


def test_a_page_speaks_the_language_asked_for_before_the_browser_s(
    client: FlaskClient, chain: Chain
) -> None:
    address = f"/parks/{chain.park}?year=2025"
    chinese = client.get(address, headers={"Accept-Language": "zh-CN"}).get_data(as_text=True)
    assert '<html lang="zh-CN">' in chinese
    assert "范围一" in chinese
    english = client.get(f"{address}&lang=en", headers={"Accept-Language": "zh-CN"})
    assert '<html lang="en">' in english.get_data(as_text=True)
    assert f'href="/parks/{chain.park}?year=2025&amp;lang=en"' in chinese


@pytest.mark.parametrize(
    ("park", "status", "words"),
    [
        ("{closed}", 403, "make its figure public with a disclosure statement"),
        ("00000000-0000-4000-8000-000000000000", 404, "is registered at this point"),
        ("{park}?year=1990", 404, "That is unknown, not zero"),
        ("{park}?year=9", 400, "?year"),
        ("{park}?lang=fr", 400, "?lang"),
    ],
)
def test_what_cannot_be_shown_says_why_and_what_to_do(
    client: FlaskClient, chain: Chain, park: str, status: int, words: str
) -> None:
    closed = chain.manager.park("Closed park")
    response = client.get(f"/parks/{park.format(park=chain.park, closed=closed)}")
    assert response.status_code == status
    assert words in response.get_data(as_text=True)
    assert response.content_type == "text/html; charset=utf-8"


def test_a_page_shows_what_anyone_may_read_whoever_asks(
    client: FlaskClient, factory: Factory, as_role: AsRole
) -> None:
    chain = build_chain(factory)
    response = client.get(f"/parks/{chain.park}", headers=as_role("auditor"))
    assert response.status_code == 403


def test_names_are_text_and_nothing_else(client: FlaskClient, factory: Factory) -> None:
    manager = factory.enterprise("Manager")
    park = manager.park('<script>alert("1")</script>')
    manager.disclose("figure", park)
    html = page(client, "/")
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


# --- The picture -------------------------------------------------------------------------------

LEVELS = st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=9)


def steps_of(levels: list[float]) -> list[Step]:
    return [Step("t2", "", "", 0.0, level) for level in levels]


@given(LEVELS)
def test_every_bar_lies_inside_the_picture(levels: list[float]) -> None:
    drawn = picture(steps_of(levels))
    for bar in drawn.bars:
        assert 0 <= bar.x <= bar.x + bar.width <= waterfall.WIDTH
        assert bar.y >= waterfall.TOP - 0.01
        assert bar.y + bar.height <= waterfall.HEIGHT - waterfall.BOTTOM + 1.01


@given(st.floats(1, 100), st.floats(1, 100))
def test_bars_are_as_high_as_their_numbers(one: float, other: float) -> None:
    first, second = picture(steps_of([one, other])).bars
    assert first.height / second.height == pytest.approx(one / other, rel=0.01)


def test_a_step_continues_where_the_bar_before_it_ended() -> None:
    drawn = picture([Step("t0", "", "", 0, 100), Step("internal", "", "", 100, 60)])
    total, removed = drawn.bars
    assert removed.y == total.y
    assert removed.height == pytest.approx(0.4 * total.height)
    assert [(line.x1, line.x2, line.y) for line in drawn.lines] == [
        (total.x + total.width, removed.x, total.y)
    ]
