"""What PACT v3.0.3 allows a product footprint to be, as a JSON Schema made from a table of ours.

The table holds facts of the published OpenAPI file (version 3.0.3, 2025-11-18): every property, M
where it is mandatory and O where it is optional, and what it holds. The schema is stricter than the
published one where a reader profits: decimals are plain and their signs are checked on the whole
text, times end in ``Z``, and at most one geography is given.
"""

from __future__ import annotations

from typing import Any, Final

UNITS: Final = (
    "liter",
    "kilogram",
    "cubic meter",
    "kilowatt hour",
    "megajoule",
    "ton kilometer",
    "square meter",
    "piece",
    "hour",
    "megabit second",
)
REGIONS: Final = (
    "Africa",
    "Americas",
    "Asia",
    "Europe",
    "Oceania",
    "Australia and New Zealand",
    "Central Asia",
    "Eastern Asia",
    "Eastern Europe",
    "Latin America and the Caribbean",
    "Melanesia",
    "Micronesia",
    "Northern Africa",
    "Northern America",
    "Northern Europe",
    "Polynesia",
    "South-eastern Asia",
    "Southern Asia",
    "Southern Europe",
    "Sub-Saharan Africa",
    "Western Asia",
    "Western Europe",
)

TABLE: Final = {
    "ProductFootprint": r"""
        id M uuid
        specVersion M like ^\d+\.\d+\.\d+(-\d{8})?$
        precedingPfIds O some uuid
        created M date-time
        status M one of Active / Deprecated
        validityPeriodStart O date-time
        validityPeriodEnd O date-time
        companyName M name
        companyIds M some urn
        productDescription M text
        productIds M some urn
        productClassifications O some urn
        productNameCompany M name
        comment O text
        pcf M CarbonFootprint
        extensions O some DataModelExtension
    """,
    "CarbonFootprint": r"""
        declaredUnitOfMeasurement M unit
        declaredUnitAmount M decimal >0
        productMassPerDeclaredUnit M decimal
        referencePeriodStart M date-time
        referencePeriodEnd M date-time
        geographyRegionOrSubregion O region
        geographyCountry O like ^[A-Z]{2}$
        geographyCountrySubdivision O like ^[A-Z]{2}-[A-Z0-9]{1,3}$
        boundaryProcessesDescription O text
        pcfExcludingBiogenicUptake M decimal
        pcfIncludingBiogenicUptake M decimal
        fossilCarbonContent M decimal >=0
        biogenicCarbonContent O decimal >=0
        recycledCarbonContent O decimal >=0
        fossilGhgEmissions M decimal >=0
        landUseChangeGhgEmissions O decimal >=0
        landCarbonLeakage O decimal >=0
        landManagementFossilGhgEmissions O decimal >=0
        landManagementBiogenicCO2Emissions O decimal >=0
        landManagementBiogenicCO2Removals O decimal <=0
        biogenicCO2Uptake O decimal <=0
        biogenicNonCO2Emissions O decimal >=0
        landAreaOccupation O decimal >=0
        aircraftGhgEmissions O decimal >=0
        packagingEmissionsIncluded O boolean
        packagingGhgEmissions O decimal >=0
        packagingBiogenicCarbonContent O decimal >=0
        outboundLogisticsGhgEmissions O decimal >=0
        ccsTechnologicalCO2CaptureIncluded O boolean
        ccsTechnologicalCO2Capture O decimal <=0
        technologicalCO2CaptureOrigin O text
        technologicalCO2Removals O decimal <=0
        ccuCarbonContent O decimal >=0
        ccuCalculationApproach O one of Cut-off / Credit
        ccuCreditCertification O uri
        ipccCharacterizationFactors M some like ^AR\d+$
        crossSectoralStandards M some name
        productOrSectorSpecificRules O some ProductOrSectorSpecificRule
        exemptedEmissionsPercent M decimal
        exemptedEmissionsDescription O text
        allocationRulesDescription O text
        secondaryEmissionFactorSources O some EmissionFactorSource
        primaryDataShare O decimal
        dqi O DataQualityIndicators
        verification O Verification
    """,
    "ProductOrSectorSpecificRule": """
        operator M one of PEF / EPD International / Other
        ruleNames M some name
        otherOperatorName O name
    """,
    "EmissionFactorSource": """
        name M name
        version M name
    """,
    "DataQualityIndicators": """
        technologicalDQR M decimal
        geographicalDQR M decimal
        temporalDQR M decimal
    """,
    "Verification": """
        coverage O one of PCF calculation model / PCF program / product level
        providerName O text
        completedAt O date-time
        standardName O text
        comments O text
    """,
    "DataModelExtension": """
        specVersion M text
        dataSchema M uri
        documentation O uri
        data M object
    """,
}
"""``some`` is an array of at least one; what follows ``like`` is a pattern."""

_TEXTS: Final[dict[str, dict[str, Any]]] = {
    "text": {},
    "name": {"minLength": 1},
    "uuid": {"pattern": r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"},
    "urn": {"pattern": r"^[uU][rR][nN]:"},
    "uri": {"pattern": r"^[A-Za-z][A-Za-z0-9+.-]*:\S+$"},
    "date-time": {"pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"},
    "decimal": {"pattern": r"^-?\d+(\.\d+)?$"},
    "decimal >0": {"pattern": r"^(?=.*[1-9])\d+(\.\d+)?$"},
    "decimal >=0": {"pattern": r"^\d+(\.\d+)?$"},
    "decimal <=0": {"pattern": r"^(-\d+(\.\d+)?|0+(\.0+)?)$"},
    "unit": {"enum": list(UNITS)},
    "region": {"enum": list(REGIONS)},
}
_REPEATABLE: Final = ("DataModelExtension", "EmissionFactorSource")
_GEOGRAPHIES: Final = (
    "geographyRegionOrSubregion",
    "geographyCountry",
    "geographyCountrySubdivision",
)


def schema() -> dict[str, Any]:
    """The JSON Schema of a product footprint (draft 2020-12); nothing in it may be ``null``."""
    made = {name: _object(rows) for name, rows in TABLE.items()}
    pairs = [(a, b) for i, a in enumerate(_GEOGRAPHIES) for b in _GEOGRAPHIES[i + 1 :]]
    made["CarbonFootprint"]["not"] = {"anyOf": [{"required": list(pair)} for pair in pairs]}
    return {"$ref": "#/$defs/ProductFootprint", "$defs": made}


def _object(rows: str) -> dict[str, Any]:
    read = [row.split(maxsplit=2) for row in rows.strip().splitlines()]
    return {
        "type": "object",
        "required": [name for name, mandatory, _ in read if mandatory == "M"],
        "properties": {name: _value(kind) for name, _, kind in read},
    }


def _value(kind: str) -> dict[str, Any]:
    if kind.startswith("some "):
        item = kind.removeprefix("some ")
        return {
            "type": "array",
            "minItems": 1,
            "uniqueItems": item not in _REPEATABLE,
            "items": _value(item),
        }
    if kind.startswith("one of "):
        return {"enum": kind.removeprefix("one of ").split(" / ")}
    if kind.startswith("like "):
        return {"type": "string", "pattern": kind.removeprefix("like ")}
    if kind in TABLE:
        return {"$ref": f"#/$defs/{kind}"}
    return {"type": kind} if kind in ("boolean", "object") else {"type": "string", **_TEXTS[kind]}
