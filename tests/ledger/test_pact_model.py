"""The PACT v3 data model: what is read, what is refused, what is only remarked upon.

The valid example is our own. Its parts, in kg CO2e per declared unit of 1 kg:

    fossil 1.80 + land-use change 0.10 + land-management CO2 0.05 + biogenic non-CO2 0.15
    - land-management removals 0.02 - technological removals 0.03 - CCS 0.05   = 2.00
    2.00 - biogenic uptake 0.40                                                = 1.60
"""

from __future__ import annotations

import copy
import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import marshmallow as ma
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ledger import units
from ledger.errors import StatementMalformed
from ledger.pact import (
    DECLARED_UNITS,
    GROSS_PARTS,
    NEGATIVE_PARTS,
    DataQualityIndicators,
    ProductFootprint,
    energy_generation,
    findings,
    read_decimal,
    three_years_after,
)
from ledger.schema import dump, load
from ledger.strict_json import Float

SAMPLES = Path(__file__).resolve().parents[2] / "../shared/data/pact-samples"
GENERATION_SCHEMA = "https://example.org/schemas/catchment-energy-generation-1.json"
ABSENT = object()

EXAMPLE: dict[str, Any] = {
    "id": "5b1c7f0e-2f6a-4f0b-9b55-0d6a3c1f9e10",
    "specVersion": "3.0.3",
    "precedingPfIds": ["0a4d3c2b-1111-4222-8333-944455566677"],
    "created": "2025-03-01T08:00:00Z",
    "status": "Active",
    "validityPeriodStart": "2025-01-01T00:00:00Z",
    "validityPeriodEnd": "2027-01-01T00:00:00Z",
    "companyName": "Example Resins",
    "companyIds": ["urn:pact:resins.example:company-id:1"],
    "productDescription": "",
    "productIds": ["urn:gtin:4712345060507"],
    "productClassifications": ["urn:cpc:34710"],
    "productNameCompany": "Resin 7",
    "comment": "first line\r\n第二行",
    "pcf": {
        "declaredUnitOfMeasurement": "kilogram",
        "declaredUnitAmount": "1",
        "productMassPerDeclaredUnit": "1",
        "referencePeriodStart": "2024-01-01T00:00:00Z",
        "referencePeriodEnd": "2025-01-01T00:00:00Z",
        "geographyCountrySubdivision": "CN-JS",
        "boundaryProcessesDescription": "Polymerisation and pelletising.",
        "pcfExcludingBiogenicUptake": "2.00",
        "pcfIncludingBiogenicUptake": "1.60",
        "fossilCarbonContent": "0.62",
        "biogenicCarbonContent": "0.11",
        "recycledCarbonContent": "0.05",
        "fossilGhgEmissions": "1.80",
        "landUseChangeGhgEmissions": "0.10",
        "landCarbonLeakage": "0.01",
        "landManagementFossilGhgEmissions": "0.04",
        "landManagementBiogenicCO2Emissions": "0.05",
        "landManagementBiogenicCO2Removals": "-0.02",
        "biogenicCO2Uptake": "-0.40",
        "biogenicNonCO2Emissions": "0.15",
        "landAreaOccupation": "0.2",
        "aircraftGhgEmissions": "0",
        "packagingEmissionsIncluded": True,
        "packagingGhgEmissions": "0.03",
        "packagingBiogenicCarbonContent": "0.01",
        "outboundLogisticsGhgEmissions": "0.09",
        "ccsTechnologicalCO2CaptureIncluded": True,
        "ccsTechnologicalCO2Capture": "-0.05",
        "technologicalCO2CaptureOrigin": "aquifer",
        "technologicalCO2Removals": "-0.03",
        "ccuCarbonContent": "0.02",
        "ccuCalculationApproach": "Credit",
        "ccuCreditCertification": "https://credits.example/7",
        "ipccCharacterizationFactors": ["AR6"],
        "crossSectoralStandards": ["ISO14067", "A standard of tomorrow"],
        "productOrSectorSpecificRules": [
            {"operator": "Other", "ruleNames": ["Resin rule 2"], "otherOperatorName": "Resin Guild"}
        ],
        "exemptedEmissionsPercent": "0.5",
        "exemptedEmissionsDescription": "",
        "allocationRulesDescription": "By mass.",
        "secondaryEmissionFactorSources": [{"name": "A database", "version": "1.0"}],
        "primaryDataShare": "63.5",
        "dqi": {"technologicalDQR": "1.5", "geographicalDQR": "1", "temporalDQR": "5"},
        "verification": {
            "coverage": "product level",
            "providerName": "Checkers",
            "completedAt": "2025-02-20T00:00:00Z",
            "standardName": "ISO 14067",
            "comments": "none",
        },
    },
    "extensions": [
        {
            "specVersion": "2.0.0",
            "dataSchema": "https://unknown.example/schema.json",
            "documentation": "https://unknown.example/about",
            "data": {"anything": [None, Float("1.50"), {"deep": True}]},
        }
    ],
}


def changed(changes: dict[str, Any], example: dict[str, Any] = EXAMPLE) -> dict[str, Any]:
    """The example with members set or removed; a path is like ``pcf/dqi/temporalDQR``."""
    body = copy.deepcopy(example)
    for path, value in changes.items():
        *way, last = path.split("/")
        place: Any = body
        for step in way:
            place = place[int(step)] if isinstance(place, list) else place[step]
        if value is ABSENT:
            del place[last]
        else:
            place[last] = value
    return body


def read(changes: dict[str, Any] | None = None) -> ProductFootprint:
    return load(ProductFootprint, changed(changes or {}))


def problems(changes: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(StatementMalformed) as refused:
        read(changes)
    return dict(refused.value.problems)


def rules_seen(changes: dict[str, Any]) -> set[str]:
    return {found.rule for found in findings(read(changes))}


# --- reading and writing ---------------------------------------------------------------------


def test_every_member_is_written_as_it_was_read() -> None:
    assert dump(read()) == EXAMPLE
    assert len(EXAMPLE) == 16
    assert len(EXAMPLE["pcf"]) == 45 - 2  # one of three geographies


def test_what_was_written_is_read_back_equal_with_an_equal_hash() -> None:
    footprint = read()
    again = load(ProductFootprint, dump(footprint))
    assert again == footprint
    assert hash(again) == hash(footprint)


def test_the_mandatory_members_alone_make_a_footprint() -> None:
    pcf = {
        "declaredUnitOfMeasurement": "megabit second",
        "declaredUnitAmount": "1",
        "productMassPerDeclaredUnit": "0",
        "referencePeriodStart": "2024-01-01T00:00:00Z",
        "referencePeriodEnd": "2025-01-01T00:00:00Z",
        "pcfExcludingBiogenicUptake": "2",
        "pcfIncludingBiogenicUptake": "2",
        "fossilCarbonContent": "0",
        "fossilGhgEmissions": "2",
        "ipccCharacterizationFactors": ["AR6"],
        "crossSectoralStandards": ["PACT-3.0"],
        "exemptedEmissionsPercent": "0",
    }
    optional = {
        "precedingPfIds",
        "validityPeriodStart",
        "validityPeriodEnd",
        "productClassifications",
        "comment",
        "extensions",
    }
    least = {name: EXAMPLE[name] for name in EXAMPLE if name not in optional} | {"pcf": pcf}
    footprint = load(ProductFootprint, least)
    assert dump(footprint) == least
    assert findings(footprint) == ()
    for name in pcf:
        with pytest.raises(StatementMalformed):
            load(ProductFootprint, changed({f"pcf/{name}": ABSENT}, least))
    for name in least:
        with pytest.raises(StatementMalformed):
            load(ProductFootprint, changed({name: ABSENT}, least))


def test_null_is_read_as_absent_at_every_level() -> None:
    footprint = read(
        {
            "comment": None,
            "precedingPfIds": None,
            "validityPeriodEnd": None,
            "extensions/0/documentation": None,
            "pcf/dqi": None,
            "pcf/geographyCountry": None,
            "pcf/landCarbonLeakage": None,
            "pcf/packagingEmissionsIncluded": None,
            "pcf/productOrSectorSpecificRules/0/unknown": None,
            "pcf/verification/completedAt": None,
        }
    )
    written = dump(footprint)
    assert "comment" not in written
    assert "precedingPfIds" not in written
    assert "dqi" not in written["pcf"]
    assert "completedAt" not in written["pcf"]["verification"]
    assert "documentation" not in written["extensions"][0]


def test_null_in_place_of_something_mandatory_counts_as_missing() -> None:
    assert problems({"pcf": None}) == {"/pcf": "Missing data for required field."}
    assert set(problems({"pcf/declaredUnitAmount": None, "companyIds": None})) == {
        "/companyIds",
        "/pcf/declaredUnitAmount",
    }


def test_a_null_item_of_an_array_is_refused() -> None:
    assert problems({"companyIds": ["urn:a:b", None]}) == {"/companyIds": "An array holds no null."}


def test_nulls_and_number_tokens_inside_extension_data_stay_as_they_came() -> None:
    kept = read().extensions[0].data
    assert kept == {"anything": [None, "1.50", {"deep": True}]}
    assert type(kept["anything"][1]) is Float


def test_unknown_members_are_passed_over_at_every_level() -> None:
    unknown = {f"{place}/x-new": {"a": 1} for place in ("pcf", "pcf/dqi", "extensions/0")}
    assert read({"version": 2, **unknown}) == read()


def test_an_empty_list_of_extensions_is_read_but_never_written() -> None:
    assert "extensions" not in dump(read({"extensions": []}))


# --- decimals --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("+1.5", "1.5"),
        ("1.2345e+6", "1234500"),
        ("5E-7", "0.0000005"),
        ("007", "7"),
        ("1.50", "1.50"),
        ("-0", "0"),
        ("-0.00", "0.00"),
        ("0e5", "0"),
        ("9" * 40 + "." + "9" * 60, "9" * 40 + "." + "9" * 60),
    ],
)
def test_decimals_are_read_generously_and_written_plainly(text: str, plain: str) -> None:
    assert format(read_decimal(text), "f") == plain
    written = dump(read({"pcf/exemptedEmissionsPercent": text}))
    assert written["pcf"]["exemptedEmissionsPercent"] == plain


NO_DECIMALS = """
    5abc 1e 1e+ .5 5. 0x10 1_000 1,5 NaN Infinity -inf ٣ １ 1e1e1 --1 +-1
    1e999999 1e-999999 1e999 1e40 1e-61
"""


@pytest.mark.parametrize(
    "text", [*NO_DECIMALS.split(), "", " 1", "1 ", "1\n", "9" * 5000, "1e" + "9" * 5000]
)
def test_what_is_no_decimal_of_bounded_size_is_refused(text: str) -> None:
    with pytest.raises(ma.ValidationError):
        read_decimal(text)


@pytest.mark.parametrize("value", [1, 1.5, True, Decimal(1), Float("1.5"), ["1"], {}])
def test_a_number_that_is_not_in_a_string_is_refused(value: Any) -> None:
    assert "/pcf/fossilGhgEmissions" in problems({"pcf/fossilGhgEmissions": value})


@given(
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30),
    st.sampled_from(["", "+"]),
)
def test_a_decimal_survives_writing_and_reading(number: Decimal, sign: str) -> None:
    assume(int(number.as_tuple().exponent) >= -60)
    text = format(number, "f")
    once = read_decimal(text if text.startswith("-") else sign + text)
    assert once == number
    plain = format(once, "f")
    assert "e" not in plain.lower()
    assert format(read_decimal(plain), "f") == plain


@given(st.integers(-(10**20), 10**20), st.integers(-30, 19))
def test_an_exponent_means_what_it_says(digits: int, exponent: int) -> None:
    assert read_decimal(f"{digits}e{exponent}") == Decimal(digits).scaleb(exponent)


@pytest.mark.parametrize(
    ("member", "value", "sentence"),
    [
        # The published patterns let all of these but the second pass.
        ("declaredUnitAmount", "5abc", 'A decimal such as "12.5" is expected.'),
        ("declaredUnitAmount", "0", "More than 0 is expected."),
        ("biogenicCO2Uptake", "5.0", "At most 0 is expected."),
        ("technologicalCO2Removals", "20", "At most 0 is expected."),
        ("declaredUnitAmount", "-1", "More than 0 is expected."),
        ("fossilGhgEmissions", "-0.001", "At least 0 is expected."),
        ("landUseChangeGhgEmissions", "-1e-20", "At least 0 is expected."),
    ],
)
def test_ranges_are_checked_on_the_number(member: str, value: str, sentence: str) -> None:
    assert problems({f"pcf/{member}": value}) == {f"/pcf/{member}": sentence}


def test_totals_and_masses_may_have_any_sign() -> None:
    names = ("pcfExcludingBiogenicUptake", "pcfIncludingBiogenicUptake", "exemptedEmissionsPercent")
    read({f"pcf/{name}": "-1.25" for name in (*names, "productMassPerDeclaredUnit")})


# --- times, texts, lists ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2025-01-15T10:15:30Z", "2025-01-15T10:15:30Z"),
        ("2025-01-15t10:15:30z", "2025-01-15T10:15:30Z"),
        ("2025-01-15T10:15:30+08:00", "2025-01-15T02:15:30Z"),
        ("2025-01-01T00:00:00.5+08:00", "2024-12-31T16:00:00.500000Z"),
        ("2025-01-15T10:15:30.123456789Z", "2025-01-15T10:15:30.123456Z"),
        ("2025-01-15T10:15:30-00:00", "2025-01-15T10:15:30Z"),
    ],
)
def test_times_are_kept_in_utc_and_end_in_z(text: str, written: str) -> None:
    footprint = read({"created": text})
    assert footprint.created.utcoffset() == dt.timedelta(0)
    assert dump(footprint)["created"] == written
    assert load(ProductFootprint, dump(footprint)) == footprint


@pytest.mark.parametrize(
    "text",
    [
        "2025-01-15T10:15:30",
        "2025-01-15",
        "2025-01-15T10:15Z",
        "20250115T101530Z",
        "2025-02-29T00:00:00Z",
        "2025-01-15T24:00:00Z",
        "2016-12-31T23:59:60Z",
        "2025-01-15T10:15:30+0800",
        "2025-01-15T10:15:30+25:00",
        "2025-W03-3T10:15:30Z",
        "2025-01-15T10:15:30Z\n",
        "0001-01-01T00:00:00+23:00",
        "1899-12-31T23:59:59Z",
        "9001-01-01T00:00:00Z",
        "9999-12-31T23:59:59-23:00",
        1736936130,
    ],
)
def test_a_time_that_is_not_one_instant_is_refused(text: Any) -> None:
    assert set(problems({"created": text})) == {"/created"}


def test_ids_may_be_in_capitals_but_not_in_braces() -> None:
    assert read({"id": EXAMPLE["id"].upper()}).id == EXAMPLE["id"]
    for text in ("{" + EXAMPLE["id"] + "}", "urn:uuid:" + EXAMPLE["id"], "5b1c7f0e2f6a4f0b9b55"):
        assert set(problems({"id": text})) == {"/id"}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("specVersion", "3.0"),
        ("specVersion", "3.0.0\n"),
        ("status", "active"),
        ("companyName", ""),
        ("productDescription", "a\x00b"),
        ("productDescription", "x" * 20_001),
        ("comment", Float("1.5")),
        ("comment", "\ud800"),
        ("companyIds", []),
        ("companyIds", "urn:a:b"),
        ("companyIds", ["urn:a:b", "urn:a:b"]),
        ("productIds", ["gtin:4712345060507"]),
        ("precedingPfIds", []),
        ("extensions/0/data", ["not an object"]),
        ("extensions/0/dataSchema", "schema.json"),
        ("extensions/0/dataSchema", "https://["),
        ("pcf/declaredUnitOfMeasurement", "kg"),
        ("pcf/declaredUnitOfMeasurement", "megabit"),
        ("pcf/geographyCountrySubdivision", "CN-js"),
        ("pcf/geographyCountrySubdivision", "JS"),
        ("pcf/packagingEmissionsIncluded", "true"),
        ("pcf/packagingEmissionsIncluded", 1),
        ("pcf/ccuCalculationApproach", "cut-off"),
        ("pcf/ipccCharacterizationFactors", ["N/A"]),
        ("pcf/ipccCharacterizationFactors", ["AR٦"]),
        ("pcf/crossSectoralStandards", []),
        ("pcf/verification/coverage", "product line"),
        ("pcf/secondaryEmissionFactorSources", [{"name": "A database"}]),
    ],
)
def test_what_the_published_schema_refuses_is_refused(path: str, value: Any) -> None:
    found = problems({path: value})
    assert len(found) == 1
    assert next(iter(found)).startswith(f"/{path}")


def test_every_declared_unit_has_a_code_of_ours_and_back() -> None:
    for word in DECLARED_UNITS:
        code = read({"pcf/declaredUnitOfMeasurement": word}).pcf.unit_code
        assert units.to_pact(code) == word


# --- rules across members --------------------------------------------------------------------

BROKEN = [
    ("R1", {"pcf/geographyCountry": "CN"}, "/pcf/geographyCountrySubdivision"),
    (
        "R1",
        {
            "pcf/geographyCountrySubdivision": ABSENT,
            "pcf/geographyCountry": "CN",
            "pcf/geographyRegionOrSubregion": "Asia",
        },
        "/pcf/geographyCountry",
    ),
    ("R2", {"validityPeriodStart": "2024-12-31T23:59:59Z"}, "/validityPeriodStart"),
    ("R3", {"validityPeriodEnd": "2028-01-01T00:00:01Z"}, "/validityPeriodEnd"),
    (
        "R2, R3: empty",
        {"validityPeriodEnd": "2025-01-01T00:00:00Z"},
        "/validityPeriodEnd",
    ),
    (
        "R3, R4: start after the derived end",
        {"validityPeriodEnd": ABSENT, "validityPeriodStart": "2028-01-01T00:00:00Z"},
        "/validityPeriodEnd",
    ),
    ("R5", {"pcf/referencePeriodStart": "2025-01-01T00:00:00Z"}, "/pcf/referencePeriodEnd"),
    ("R6", {"pcf/packagingEmissionsIncluded": False}, "/pcf/packagingGhgEmissions"),
    (
        "R7",
        {
            "pcf/ccsTechnologicalCO2CaptureIncluded": False,
            "pcf/technologicalCO2Removals": ABSENT,
            "pcf/technologicalCO2CaptureOrigin": ABSENT,
        },
        "/pcf/ccsTechnologicalCO2Capture",
    ),
    (
        "R7",
        {
            "pcf/ccsTechnologicalCO2CaptureIncluded": False,
            "pcf/ccsTechnologicalCO2Capture": ABSENT,
            "pcf/technologicalCO2CaptureOrigin": ABSENT,
        },
        "/pcf/technologicalCO2Removals",
    ),
    (
        "R7",
        {
            "pcf/ccsTechnologicalCO2CaptureIncluded": False,
            "pcf/ccsTechnologicalCO2Capture": ABSENT,
            "pcf/technologicalCO2Removals": ABSENT,
        },
        "/pcf/technologicalCO2CaptureOrigin",
    ),
    (
        "R8",
        {"pcf/productOrSectorSpecificRules/0/otherOperatorName": ABSENT},
        "/pcf/productOrSectorSpecificRules/0/otherOperatorName",
    ),
    ("R9", {"pcf/dqi/technologicalDQR": "0.99"}, "/pcf/dqi/technologicalDQR"),
    ("R9", {"pcf/dqi/geographicalDQR": "5.01"}, "/pcf/dqi/geographicalDQR"),
    ("R9", {"pcf/dqi/temporalDQR": "-3"}, "/pcf/dqi/temporalDQR"),
    ("R12", {"pcf/ccuCalculationApproach": "Cut-off"}, "/pcf/ccuCreditCertification"),
    ("R12", {"pcf/ccuCalculationApproach": ABSENT}, "/pcf/ccuCreditCertification"),
]


@pytest.mark.parametrize(("rule", "changes", "where"), BROKEN)
def test_a_broken_rule_is_refused_at_its_member(
    rule: str, changes: dict[str, Any], where: str
) -> None:
    found = problems(changes)
    assert set(found) == {where}
    assert found[where].endswith(".")


KEPT = [
    ("R1", {"pcf/geographyCountrySubdivision": ABSENT}),
    ("R2", {"validityPeriodStart": "2025-01-01T08:00:00+08:00"}),
    ("R3", {"validityPeriodEnd": "2028-01-01T00:00:00Z"}),
    ("R6", {"pcf/packagingEmissionsIncluded": ABSENT}),
    ("R6", {"pcf/packagingEmissionsIncluded": False, "pcf/packagingGhgEmissions": ABSENT}),
    ("R7", {"pcf/ccsTechnologicalCO2CaptureIncluded": ABSENT}),
    ("R8", {"pcf/productOrSectorSpecificRules": [{"operator": "PEF", "ruleNames": ["A"]}]}),
    ("R9", {"pcf/dqi/temporalDQR": "1.0"}),
    ("R12", {"pcf/ccuCalculationApproach": "Cut-off", "pcf/ccuCreditCertification": ABSENT}),
]


@pytest.mark.parametrize(("rule", "changes"), KEPT)
def test_the_nearest_that_keeps_the_rule_is_read(rule: str, changes: dict[str, Any]) -> None:
    read(changes)


def test_all_broken_rules_are_named_at_once() -> None:
    found = problems({"pcf/geographyCountry": "CN", "pcf/packagingEmissionsIncluded": False})
    assert set(found) == {"/pcf/geographyCountrySubdivision", "/pcf/packagingGhgEmissions"}


def test_an_object_made_in_python_keeps_the_rules_too() -> None:
    good = Decimal(1)
    with pytest.raises(ma.ValidationError):
        DataQualityIndicators(technological_dqr=good, geographical_dqr=good, temporal_dqr=good * 6)


# --- validity --------------------------------------------------------------------------------


def utc(year: int, month: int, day: int, hour: int = 0) -> dt.datetime:
    return dt.datetime(year, month, day, hour, tzinfo=dt.UTC)


def test_a_stated_validity_counts() -> None:
    assert (read().valid_from, read().valid_until) == (utc(2025, 1, 1), utc(2027, 1, 1))


def test_without_one_validity_is_three_years_from_the_end_of_the_reference_period() -> None:
    footprint = read({"validityPeriodStart": ABSENT, "validityPeriodEnd": ABSENT})
    assert (footprint.valid_from, footprint.valid_until) == (utc(2025, 1, 1), utc(2028, 1, 1))
    assert "validityPeriodStart" not in dump(footprint)


@pytest.mark.parametrize(
    ("instant", "later"),
    [
        (utc(2024, 2, 29, 16), utc(2027, 2, 28, 16)),
        (utc(2024, 2, 28), utc(2027, 2, 28)),
        (utc(2021, 2, 28), utc(2024, 2, 28)),
        (utc(2021, 3, 1), utc(2024, 3, 1)),
    ],
)
def test_three_years_after_a_leap_day_is_the_last_of_february(
    instant: dt.datetime, later: dt.datetime
) -> None:
    assert three_years_after(instant) == later


@pytest.mark.parametrize(
    ("reference_period_end", "validity_end"),
    [
        # Counted by a reader for whom the leap day becomes 1 March.
        ("2024-02-29T00:00:00Z", "2027-03-01T00:00:00Z"),
        # Counted in Shanghai; in UTC these are 28 February 2021 and 29 February 2024, 16:00.
        ("2021-03-01T00:00:00+08:00", "2024-03-01T00:00:00+08:00"),
    ],
)
def test_no_reading_of_three_years_across_a_leap_day_is_refused(
    reference_period_end: str, validity_end: str
) -> None:
    changes = {
        "validityPeriodStart": ABSENT,
        "pcf/referencePeriodStart": "2020-01-01T00:00:00Z",
        "pcf/referencePeriodEnd": reference_period_end,
    }
    read({**changes, "validityPeriodEnd": validity_end})
    beyond = validity_end.replace("T00:00:00", "T00:00:01")
    assert set(problems({**changes, "validityPeriodEnd": beyond})) == {"/validityPeriodEnd"}


# --- what the other floors ask for -----------------------------------------------------------


@pytest.mark.parametrize(
    ("member", "place"),
    [
        ("geographyRegionOrSubregion", "Eastern Asia"),
        ("geographyCountry", "CN"),
        ("geographyCountrySubdivision", "CN-JS"),
    ],
)
def test_the_one_geography_given_is_the_geography(member: str, place: str) -> None:
    none = changed({"pcf/geographyCountrySubdivision": ABSENT})
    assert load(ProductFootprint, none).pcf.geography == "Global"
    assert load(ProductFootprint, changed({f"pcf/{member}": place}, none)).pcf.geography == place


def test_components_are_named_signed_and_zero_where_absent() -> None:
    parts = read({"pcf/landUseChangeGhgEmissions": ABSENT}).pcf.components
    assert tuple(parts) == GROSS_PARTS + NEGATIVE_PARTS
    assert parts == {
        "fossil": Decimal("1.80"),
        "landUseChange": 0,
        "landManagementBiogenicCO2": Decimal("0.05"),
        "biogenicNonCO2": Decimal("0.15"),
        "landManagementBiogenicCO2Removals": Decimal("-0.02"),
        "technologicalCO2Removals": Decimal("-0.03"),
        "ccsTechnologicalCO2Capture": Decimal("-0.05"),
        "biogenicCO2Uptake": Decimal("-0.40"),
    }


# --- findings --------------------------------------------------------------------------------


def test_the_example_gives_no_reason_to_remark() -> None:
    assert findings(read()) == ()
    assert read().pcf.parts_known


@pytest.mark.parametrize(
    ("total", "fossil", "known"),
    [
        # The other parts of the example add 0.30 and take 0.10, so fossil 1.80 makes 2.00.
        ("2.00", "1.80", True),
        ("2.01", "1.80", True),  # seven parts of two decimals: up to 8 x 0.005 of rounding
        ("2.04", "1.80", True),
        ("2.05", "1.80", False),
        ("2", "1.80", True),  # a total rounded to whole kilograms
        ("3", "1.80", False),
        ("2.00", "0", False),
        ("2000000.2", "2000000.00", True),
        ("2.000000000000", "1.800000000000", True),
        # 1e-6 of 2.20, what the parts come to without their signs
        ("2.000002000000", "1.80", True),
        ("2.000003000000", "1.80", False),
        ("0", "1.80", False),
    ],
)
def test_parts_are_known_when_they_make_the_total_but_for_rounding(
    total: str, fossil: str, known: bool
) -> None:
    changes = {"pcf/pcfExcludingBiogenicUptake": total, "pcf/fossilGhgEmissions": fossil}
    assert read(changes).pcf.parts_known is known
    assert ("parts-do-not-add-up" in rules_seen(changes)) is not known


@pytest.mark.parametrize("total", ["0.4", "3", "1e3", "-2.5", "0.0001"])
def test_a_mandatory_part_filled_in_with_zero_never_passes_for_the_total(total: str) -> None:
    parts = [name for name in EXAMPLE["pcf"] if name.startswith(("land", "biogenic", "tech"))]
    none = dict.fromkeys([f"pcf/{name}" for name in (*parts, "ccsTechnologicalCO2Capture")], ABSENT)
    filled = {**none, "pcf/fossilGhgEmissions": "0", "pcf/pcfExcludingBiogenicUptake": total}
    assert not read(filled).pcf.parts_known
    assert read({**filled, "pcf/pcfExcludingBiogenicUptake": "0"}).pcf.parts_known


def test_a_sum_that_does_not_hold_is_told_with_both_numbers() -> None:
    found = findings(read({"pcf/pcfExcludingBiogenicUptake": "2.50"}))
    assert [f.rule for f in found] == ["parts-do-not-add-up", "uptake-does-not-add-up"]
    assert found[0].where == "/pcf/pcfExcludingBiogenicUptake"
    assert "2.00" in found[0].sentence
    assert "2.50" in found[0].sentence
    assert "2.10" in found[1].sentence  # 2.50 - 0.40


@pytest.mark.parametrize(
    ("share", "known", "remarked"),
    [
        ("0", "0", False),
        ("0.001", None, True),
        ("0.60", None, True),
        ("1", None, True),
        ("1.00", None, True),
        ("1.01", "1.01", False),
        ("63.5", "63.5", False),
        ("100", "100", False),
        ("100.1", None, True),
        ("-1", None, True),
        (ABSENT, None, False),
    ],
)
def test_a_primary_data_share_is_known_only_if_it_reads_in_one_way(
    share: Any, known: str | None, remarked: bool
) -> None:
    changes = {"pcf/primaryDataShare": share}
    assert read(changes).pcf.known_primary_data_share == (known and Decimal(known))
    assert any(r.startswith("primary-data-share") for r in rules_seen(changes)) is remarked


@pytest.mark.parametrize(
    ("share", "sources_listed", "remarked"),
    [
        ("63.5", True, False),
        ("63.5", False, True),
        ("0.60", False, True),  # less than whole, as a fraction and as a percentage
        ("0", False, True),
        ("100", True, True),
        ("100", False, False),
        ("1", True, False),  # 1 % or all: nothing follows
        ("1", False, False),
        ("130", False, False),
        (ABSENT, False, False),
    ],
)
def test_sources_of_secondary_factors_are_held_against_the_primary_data_share(
    share: Any, sources_listed: bool, remarked: bool
) -> None:
    changes = {"pcf/primaryDataShare": share}
    if not sources_listed:
        changes["pcf/secondaryEmissionFactorSources"] = ABSENT
    assert any(r.startswith("secondary-sources") for r in rules_seen(changes)) is remarked


# --- emissions at generation -----------------------------------------------------------------


def generation(data: Any) -> dict[str, Any]:
    return {"specVersion": "2.0.0", "dataSchema": GENERATION_SCHEMA, "data": data}


def with_extensions(*extensions: Any) -> dict[str, Any]:
    return {"extensions": [*EXAMPLE["extensions"], *extensions]}


def test_emissions_at_generation_are_read_from_our_extension_alone() -> None:
    stated = generation({"generationKgCo2ePerDeclaredUnit": "0.5306", "more": 1})
    elsewhere = {**stated, "dataSchema": "https://unknown.example/other.json"}
    assert energy_generation(read(with_extensions(stated))) == Decimal("0.5306")
    assert energy_generation(read(with_extensions(elsewhere))) is None
    assert energy_generation(read({"extensions": ABSENT})) is None


def test_the_query_of_a_schema_address_does_not_make_it_ours() -> None:
    other = generation({"generationKgCo2ePerDeclaredUnit": "1"})
    other["dataSchema"] = "https://unknown.example/?/schemas/catchment-energy-generation-1.json"
    assert energy_generation(read(with_extensions(other))) is None


@pytest.mark.parametrize("stated", ["-0.1", "abc", 0.5, None, Float("0.5"), ABSENT])
def test_emissions_at_generation_are_checked_when_they_are_stated(stated: Any) -> None:
    data = {} if stated is ABSENT else {"generationKgCo2ePerDeclaredUnit": stated}
    assert set(problems(with_extensions(generation(data)))) == {
        "/extensions/1/data/generationKgCo2ePerDeclaredUnit"
    }


def test_emissions_at_generation_are_stated_once() -> None:
    stated = generation({"generationKgCo2ePerDeclaredUnit": "0.5"})
    assert set(problems(with_extensions(stated, stated))) == {"/extensions"}


# --- data made by others ---------------------------------------------------------------------


def samples() -> list[dict[str, Any]]:
    if not SAMPLES.is_dir():
        pytest.skip("PACT sample footprints are absent: ../shared/data/pact-samples")
    files = sorted(SAMPLES.glob("*_sample.json"))
    return [body for file in files for body in json.loads(file.read_text("utf-8"))]


def test_the_90_published_samples_are_read_and_written_without_change() -> None:
    bodies = samples()
    assert len(bodies) == 90
    for body in bodies:
        footprint = load(ProductFootprint, body)
        assert dump(footprint) == body
        assert load(ProductFootprint, dump(footprint)) == footprint


def test_each_published_sample_writes_its_primary_data_share_as_a_fraction() -> None:
    for body in samples():
        rules = [found.rule for found in findings(load(ProductFootprint, body))]
        assert rules.count("primary-data-share") == 1
