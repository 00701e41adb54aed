"""What an owner signs is what a PACT client reads: every member, known or not, through HTTP.

What PACT describes comes out in one notation (plain decimals, times in Z, UUIDs in lower case,
nothing that is null); what it does not is passed on as it came, token by token.
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger import jws, pact
from ledger.schema import load
from ledger.statements import Footprint
from ledger.strict_json import Float, dumps, loads
from tests.api.conftest import AsRole
from tests.factory import Actor, Factory

pytestmark = pytest.mark.only_on("sqlite", "it is about what is written, wherever it is stored")

NOW = dt.datetime(2026, 1, 10, 8, 30, tzinfo=dt.UTC)
START, END = dt.datetime(2025, 1, 1, tzinfo=dt.UTC), dt.datetime(2026, 1, 1, tzinfo=dt.UTC)

_DECIMALS = {
    "biogenicCarbonContent": "0.11",
    "recycledCarbonContent": "0.05",
    "landUseChangeGhgEmissions": "0.1",
    "landCarbonLeakage": "0.01",
    "landManagementFossilGhgEmissions": "0.04",
    "landManagementBiogenicCO2Emissions": "0.05",
    "landManagementBiogenicCO2Removals": "-0.02",
    "biogenicCO2Uptake": "-0.4",
    "biogenicNonCO2Emissions": "0.15",
    "landAreaOccupation": "120",
    "aircraftGhgEmissions": "0",
    "packagingGhgEmissions": "0.03",
    "packagingBiogenicCarbonContent": "0.01",
    "outboundLogisticsGhgEmissions": "0.09",
    "ccsTechnologicalCO2Capture": "-0.05",
    "technologicalCO2Removals": "-0.03",
    "ccuCarbonContent": "0.02",
    "primaryDataShare": "63.5",
}
_OTHERS: dict[str, Any] = {
    "boundaryProcessesDescription": "Polymerisation.\r\n第二行",
    "packagingEmissionsIncluded": True,
    "ccsTechnologicalCO2CaptureIncluded": True,
    "technologicalCO2CaptureOrigin": "aquifer",
    "ccuCalculationApproach": "Cut-off",
    "exemptedEmissionsDescription": "",
    "allocationRulesDescription": "By mass.",
}
_MANDATORY = {
    "declaredUnitAmount": "1000",
    "productMassPerDeclaredUnit": "1000",
    "pcfExcludingBiogenicUptake": "2000",
    "pcfIncludingBiogenicUptake": "1999.6",
    "fossilCarbonContent": "0.62",
    "fossilGhgEmissions": "1800",
    "exemptedEmissionsPercent": "0.5",
}


# --- What is drawn ----------------------------------------------------------------------------


@st.composite
def notations(draw: st.DrawFn, number: str) -> str:
    """The same number, as somebody else may write it."""
    value = Decimal(number)
    sign = draw(st.sampled_from(["", "+"])) if value >= 0 else ""
    match draw(st.sampled_from(["plain", "zeros", "exponent", "capital"])):
        case "zeros":
            return f"{sign}{number}{'' if '.' in number else '.'}000"
        case "exponent":
            return f"{sign}{format(value.scaleb(3), 'f')}e-3"
        case "capital":
            return f"{sign}{format(value.scaleb(-2), 'f')}E+2"
        case _:
            return sign + number


@st.composite
def instants(draw: st.DrawFn, instant: dt.datetime) -> str:
    """The same instant in some zone, with some case and some fraction."""
    minutes = draw(st.sampled_from([0, 60, 480, -570]))
    local = instant.astimezone(dt.timezone(dt.timedelta(minutes=minutes)))
    text = local.isoformat().replace("+00:00", draw(st.sampled_from(["Z", "z", "+00:00"])))
    return text.replace("T", draw(st.sampled_from(["T", "t", " "])))


_NAMES = st.text("abcxyzÄ字 _-/~", min_size=1, max_size=8).map(lambda text: f"x{text}")
_SCALARS = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=6)
_FLOATS = st.sampled_from(["1.50", "-0.0", "1e3", "2.5E-7", "12345678901234567890.5"]).map(Float)
_PLAIN = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_NAMES, inner, max_size=2),
    max_leaves=4,
)
_WITH_FLOATS = st.recursive(
    _SCALARS | _FLOATS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3),
    max_leaves=8,
)
"""Floats are for extensions alone: nothing else that is signed may hold one."""
_UNKNOWN = st.dictionaries(_NAMES, _PLAIN, max_size=2)


@st.composite
def extensions(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "specVersion": "2.0.0",
        "dataSchema": "https://maker.example/schemas/shade-1.json",
        **draw(st.sampled_from([{}, {"documentation": None}, {"documentation": "https://m.ex/"}])),
        **draw(_UNKNOWN),
        "data": draw(st.dictionaries(_NAMES, _WITH_FLOATS, max_size=4)),
    }


@st.composite
def carbon_footprints(draw: st.DrawFn) -> dict[str, Any]:
    given_ = {name: _DECIMALS[name] for name in _DECIMALS if draw(st.booleans())}
    others = {name: _OTHERS[name] for name in _OTHERS if draw(st.booleans())}
    nulls = [n for n in (*_DECIMALS, *_OTHERS) if n not in {**given_, **others}]
    return {
        "declaredUnitOfMeasurement": "kilogram",
        "referencePeriodStart": draw(instants(START)),
        "referencePeriodEnd": draw(instants(END)),
        **{name: draw(notations(value)) for name, value in {**_MANDATORY, **given_}.items()},
        **others,
        "ipccCharacterizationFactors": ["AR6", "AR5"],
        "crossSectoralStandards": ["ISO14067", "A standard of tomorrow"],
        **{name: None for name in nulls if draw(st.booleans())},
        **draw(_place()),
        **draw(_nested()),
        **draw(_UNKNOWN),
    }


def _place() -> st.SearchStrategy[dict[str, Any]]:
    places = [
        {},
        {"geographyCountry": "CN"},
        {"geographyCountrySubdivision": "CN-JS", "geographyCountry": None},
        {"geographyRegionOrSubregion": "Eastern Asia"},
    ]
    return st.sampled_from(places)


@st.composite
def _nested(draw: st.DrawFn) -> dict[str, Any]:
    """Objects inside, with members of their own that nobody knows."""
    rule = {"operator": "Other", "ruleNames": ["Rule 2"], "otherOperatorName": "Resin Guild"}
    ratings = {"technologicalDQR": "1.5", "geographicalDQR": "1", "temporalDQR": "5"}
    checked = {
        "coverage": "product level",
        "completedAt": draw(instants(NOW)),
        "standardName": None,
        "comments": "",
    }
    members = {
        "productOrSectorSpecificRules": [
            {**rule, **draw(_UNKNOWN)},
            {"operator": "PEF", "ruleNames": ["A"], **draw(_UNKNOWN)},
        ],
        "secondaryEmissionFactorSources": [{"name": "D", "version": "1", **draw(_UNKNOWN)}],
        "dqi": {name: draw(notations(v)) for name, v in ratings.items()} | draw(_UNKNOWN),
        "verification": {**checked, **draw(_UNKNOWN)},
    }
    return {name: value for name, value in members.items() if draw(st.booleans())}


@st.composite
def footprints(draw: st.DrawFn) -> dict[str, Any]:
    """A body that PACT accepts, in any of its notations, with more beside what PACT knows."""
    case = draw(st.sampled_from([str.lower, str.upper]))
    optional: dict[str, Any] = {
        "precedingPfIds": [case("0a4d3c2b-1111-4222-8333-944455566677")],
        "productClassifications": ["urn:cpc:34710", "URN:eclass:1"],
        "validityPeriodStart": draw(instants(END)),
        "validityPeriodEnd": draw(instants(END + dt.timedelta(days=400))),
        "comment": "first\r\n第二行",
        "extensions": draw(st.lists(extensions(), max_size=2)),
    }
    chosen = {name: value for name, value in optional.items() if draw(st.booleans())}
    nulls = {name: None for name in optional if name not in chosen and draw(st.booleans())}
    return {
        "id": "",
        "specVersion": "3.0.3",
        "created": draw(instants(NOW)),
        "status": "Active",
        "companyName": "Maker",
        "companyIds": ["urn:pact:maker.example:company-id:1"],
        "productDescription": "",
        "productIds": ["urn:gtin:4712345060507"],
        "productNameCompany": "Resin 7",
        "pcf": draw(carbon_footprints()),
        **chosen,
        **nulls,
        **draw(_UNKNOWN),
    }


# --- What is expected -------------------------------------------------------------------------

_TIMES = re.compile(r"created|(reference|validity)Period(Start|End)|completedAt")
_NUMBERS = {*_DECIMALS, *_MANDATORY, "technologicalDQR", "geographicalDQR", "temporalDQR"}


def expected(name: str, value: Any) -> Any:
    """One member as a PACT client must read it, by the rules and not by our code."""
    if name.startswith("x"):
        return value
    if name in _NUMBERS:
        return format(Decimal(value), "f")
    if _TIMES.fullmatch(name):
        instant = dt.datetime.fromisoformat(value.upper()).astimezone(dt.UTC)
        return instant.strftime("%Y-%m-%dT%H:%M:%SZ")
    if name in ("id", "precedingPfIds"):
        return value.lower() if isinstance(value, str) else [each.lower() for each in value]
    if name == "data":
        return value
    if isinstance(value, dict):
        return members(value)
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [members(each) for each in value]
    return value


def members(raw: dict[str, Any]) -> dict[str, Any]:
    given_ = {name: value for name, value in raw.items() if value not in (None, [])}
    return {name: expected(name, value) for name, value in given_.items()}


# --- The way through --------------------------------------------------------------------------


@pytest.fixture
def maker(factory: Factory) -> Actor:
    return factory.enterprise("Maker")


@pytest.fixture
def through(
    maker: Actor, client: FlaskClient, as_role: AsRole
) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Sign and submit a body, and read it back over PACT."""
    headers = as_role("supplier", maker)

    def way(raw: dict[str, Any]) -> dict[str, Any]:
        raw["id"] = str(uuid.uuid4())
        known = load(pact.ProductFootprint, raw)
        body = Footprint(product=maker.product("Resin"), site=None, pact=known)
        payload = {**maker.payload(body), "pact": raw}
        answer = client.post(
            "/v1/statements",
            data=jws.sign(payload, maker.key),
            content_type="application/jose",
        )
        assert answer.status_code == 201, answer.get_data(as_text=True)
        served = client.get(f"/3/footprints/{raw['id']}", headers=headers)
        read: Any = loads(served.data, float_allowed=lambda path: "extensions" in path)
        return dict(read["data"])

    return way


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(raw=footprints())
def test_every_member_comes_out_as_it_went_in(
    through: Callable[[dict[str, Any]], dict[str, Any]], raw: dict[str, Any]
) -> None:
    served = through(raw)
    ours = served["extensions"].pop()
    assert ours["data"]["kind"] == "declared"
    wanted = members(raw)
    wanted.setdefault("extensions", [])
    # As tokens, so that 1.50 is not 1.5, nor true 1.
    assert dumps(served) == dumps(wanted)


def test_what_is_read_back_is_the_same_footprint_to_us(
    through: Callable[[dict[str, Any]], dict[str, Any]], maker: Actor
) -> None:
    from ledger.schema import dump

    stated = maker.pact_body("2.5")
    served = through(dump(stated))
    served.pop("extensions")
    again = load(pact.ProductFootprint, served)
    assert dump(again) == {**dump(stated), "id": again.id}
