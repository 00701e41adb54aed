"""Usability levels of footprints: what each level asks for, by WBCSD's appendix."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from graph.soundness.usability import COMPLETE, CONSISTENT, INDICATIVE, usability
from ledger import pact
from ledger.schema import load

pytestmark = pytest.mark.only_on("sqlite", "it is about one footprint, wherever it is stored")

IN_2026, IN_2027 = dt.date(2026, 6, 1), dt.date(2027, 6, 1)

SECOND: dict[str, Any] = {
    "packagingEmissionsIncluded": False,
    "primaryDataShare": "62.5",
    "secondaryEmissionFactorSources": [{"name": "Factors", "version": "1"}],
}
THIRD: dict[str, Any] = {
    **SECOND,
    "boundaryProcessesDescription": "From cradle to gate.",
    "recycledCarbonContent": "0",
    "ccsTechnologicalCO2CaptureIncluded": False,
    "allocationRulesDescription": "By mass.",
}
RATED = {"technologicalDQR": "1", "geographicalDQR": "2", "temporalDQR": "1.5"}


def footprint(**told: Any) -> pact.ProductFootprint:
    """A footprint with what the schema always asks for, and what is ``told`` beside it."""
    carbon = {
        "declaredUnitOfMeasurement": "kilogram",
        "declaredUnitAmount": "1",
        "productMassPerDeclaredUnit": "1",
        "referencePeriodStart": "2025-01-01T00:00:00Z",
        "referencePeriodEnd": "2026-01-01T00:00:00Z",
        "pcfExcludingBiogenicUptake": "2.5",
        "pcfIncludingBiogenicUptake": "2.5",
        "fossilCarbonContent": "0",
        "fossilGhgEmissions": "2.5",
        "ipccCharacterizationFactors": ["AR6"],
        "crossSectoralStandards": ["ISO14067"],
        "exemptedEmissionsPercent": "0",
        **told,
    }
    body = {
        "id": "0b4ad3ee-6a6b-4a39-8f0e-6a4e3f6c2a11",
        "specVersion": "3.0.3",
        "created": "2026-01-10T00:00:00Z",
        "status": "Active",
        "companyName": "Maker",
        "companyIds": ["urn:pact:maker.example:company-id:1"],
        "productDescription": "",
        "productIds": ["urn:pact:maker.example:product-id:1"],
        "productNameCompany": "Resin",
        "pcf": carbon,
    }
    return load(pact.ProductFootprint, body)


def lacking(**told: Any) -> tuple[int, set[str]]:
    found = usability(footprint(**told), IN_2026)
    return found.level, {where.removeprefix("/pcf/") for where in found.lacking}


def test_what_the_schema_asks_for_is_indicative() -> None:
    assert lacking() == (INDICATIVE, {"packagingEmissionsIncluded", "primaryDataShare"})


def test_what_is_told_for_comparing_is_consistent() -> None:
    assert lacking(**SECOND) == (
        CONSISTENT,
        {
            "boundaryProcessesDescription",
            "recycledCarbonContent",
            "ccsTechnologicalCO2CaptureIncluded",
            "allocationRulesDescription",
        },
    )


def test_what_is_told_of_everything_is_complete() -> None:
    assert lacking(**THIRD) == (COMPLETE, set())


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("crossSectoralStandards", ["N/A"]),
        ("primaryDataShare", "0.6"),  # a fraction or a percentage
        ("secondaryEmissionFactorSources", None),
    ],
)
def test_a_value_that_stands_in_is_not_told(member: str, value: Any) -> None:
    assert lacking(**{**THIRD, member: value}) == (INDICATIVE, {member})


def test_included_packaging_tells_how_much_it_is() -> None:
    packed = {**THIRD, "packagingEmissionsIncluded": True}
    assert lacking(**packed) == (INDICATIVE, {"packagingGhgEmissions"})
    assert lacking(**packed, packagingGhgEmissions="0.1") == (COMPLETE, set())


def test_no_fossil_emissions_beside_a_total_that_nothing_explains_stand_in() -> None:
    assert lacking(**{**THIRD, "fossilGhgEmissions": "0"}) == (CONSISTENT, {"fossilGhgEmissions"})


def test_a_total_of_zero_may_have_no_fossil_emissions() -> None:
    nothing = {"pcfExcludingBiogenicUptake": "0", "pcfIncludingBiogenicUptake": "0"}
    assert lacking(**THIRD, **nothing, fossilGhgEmissions="0") == (COMPLETE, set())


def test_biogenic_carbon_asks_for_the_uptake_that_brought_it() -> None:
    wooden = {**THIRD, "biogenicCarbonContent": "0.4"}
    assert lacking(**wooden) == (INDICATIVE, {"pcfIncludingBiogenicUptake"})
    grown = {**wooden, "biogenicCO2Uptake": "-1.5", "pcfIncludingBiogenicUptake": "1"}
    assert lacking(**grown) == (CONSISTENT, {"landUseChangeGhgEmissions",
                                             "biogenicNonCO2Emissions"})  # fmt: skip


def test_captured_carbon_is_told_in_full() -> None:
    captured = {**THIRD, "ccsTechnologicalCO2CaptureIncluded": True}
    assert lacking(**captured) == (
        CONSISTENT,
        {"ccsTechnologicalCO2Capture", "technologicalCO2CaptureOrigin", "technologicalCO2Removals"},
    )
    assert lacking(**THIRD, ccuCarbonContent="0.1") == (CONSISTENT, {"ccuCalculationApproach"})


def test_ratings_are_asked_for_from_2027() -> None:
    assert usability(footprint(**THIRD), IN_2027).lacking == ("/pcf/dqi",)
    assert usability(footprint(**THIRD, dqi=RATED), IN_2027).level == COMPLETE


def test_land_management_is_asked_for_from_2027_where_anything_is_biogenic() -> None:
    grown = {
        **THIRD,
        "biogenicCarbonContent": "0.4",
        "biogenicCO2Uptake": "-1.5",
        "pcfIncludingBiogenicUptake": "1",
        "landUseChangeGhgEmissions": "0",
        "biogenicNonCO2Emissions": "0",
        "dqi": RATED,
    }
    assert usability(footprint(**grown), IN_2026).level == COMPLETE
    assert usability(footprint(**grown), IN_2027).lacking == (
        "/pcf/landManagementFossilGhgEmissions",
        "/pcf/landManagementBiogenicCO2Emissions",
    )
