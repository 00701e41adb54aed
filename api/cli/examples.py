"""One filled-in document for each type of statement, to be changed and signed.

Names, ids and amounts are invented. What ``catchment sign`` fills in is left out.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Final

_SITE = "4c3b7a90-5d0b-4f6e-9d3a-2f1f6a8b1c01"
_PRODUCT = "4c3b7a90-5d0b-4f6e-9d3a-2f1f6a8b1c02"
_BOUGHT = "4c3b7a90-5d0b-4f6e-9d3a-2f1f6a8b1c03"
_PARK = "4c3b7a90-5d0b-4f6e-9d3a-2f1f6a8b1c04"
_ENTERPRISE = "4c3b7a90-5d0b-4f6e-9d3a-2f1f6a8b1c05"
_YEAR = {"start": "2025-01-01", "end": "2026-01-01"}
_BUYING_SITE = "4c3b7a90-5d0b-4f6e-9d3a-2f1f6a8b1c07"
_JWK = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
"""The public key of RFC 8037, appendix A.2."""

_CARBON = {"gas": "CO2", "origin": "fossil", "amount": "1250.5"}
_POWER = {
    "ref": {"classification": "urn:cpc:17100", "region": "CN-JS"},
    "amount": "400",
    "unit": "KWH",
    "category": 3,
}
_CARRIED = {
    "ref": {"classification": "urn:cpc:65111", "region": "CN"},
    "amount": "315",
    "unit": "TKM",
}
_STEEL = {
    "ref": {"product": _BOUGHT},
    "amount": "1.05",
    "unit": "TNE",
    "category": 1,
    "transport": _CARRIED,
}
_PACT = {
    "id": "4c3b7a90-5d0b-4f6e-9d3a-2f1f6a8b1c06",
    "specVersion": "3.0.3",
    "created": "2026-01-10T00:00:00Z",
    "status": "Active",
    "companyName": "Acme",
    "companyIds": ["urn:uscc:91320594MA1MY8EM55"],
    "productDescription": "",
    "productIds": [f"urn:uuid:{_PRODUCT}"],
    "productNameCompany": "Galvanised wire",
    "pcf": {
        "declaredUnitOfMeasurement": "kilogram",
        "declaredUnitAmount": "1000",
        "productMassPerDeclaredUnit": "1000",
        "referencePeriodStart": "2024-12-31T16:00:00Z",
        "referencePeriodEnd": "2025-12-31T16:00:00Z",
        "geographyCountry": "CN",
        "pcfExcludingBiogenicUptake": "2210",
        "pcfIncludingBiogenicUptake": "2210",
        "fossilCarbonContent": "0",
        "fossilGhgEmissions": "2210",
        "ipccCharacterizationFactors": ["AR6"],
        "crossSectoralStandards": ["ISO14067"],
        "exemptedEmissionsPercent": "0",
    },
}

_CHECKPOINT_KEY: Final = "log.example/2026+28d717f8+AZT+nyN6+z/keQx18kPGwnbyGD/wAbkBIu0EP5Ktyicu"

EXAMPLES: Final[MappingProxyType[str, dict[str, Any]]] = MappingProxyType(
    {
        "genesis": {
            "type": "genesis",
            "name": "Catchment of the eastern parks",
            "registrar": _JWK,
            "checkpointKey": _CHECKPOINT_KEY,
            "recovery": {"threshold": 0, "keys": []},
            "pastSeconds": 604800,
            "futureSeconds": 300,
        },
        "policy": {
            "type": "policy",
            "name": "Catchment of the eastern parks",
            "pastSeconds": 259200,
            "futureSeconds": 300,
        },
        "recovery": {
            "type": "recovery",
            "registrar": _JWK,
            "checkpointKey": _CHECKPOINT_KEY,
            "compromisedSince": 1767225600,
            "approvals": ["header.payload.signature", "header.payload.signature"],
        },
        "enterprise": {
            "type": "enterprise",
            "id": _ENTERPRISE,
            "name": "Acme Wire (Suzhou) Co., Ltd.",
            "country": "CN",
            "identifiers": ["urn:uscc:91320594MA1MY8EM55"],
        },
        "key": {
            "type": "key",
            "action": "register",
            "jwk": _JWK,
            "roles": ["supplier"],
            "custody": "self",
            "proof": "header.payload.signature",
        },
        "revocation": {
            "type": "revocation",
            "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
            "reason": "compromised",
            "compromisedSince": 1767225600,
        },
        "accreditation": {
            "type": "accreditation",
            "serial": 1,
            "scope": ["footprint", "inventory"],
            "standards": ["ISO 14064-3"],
            "from": "2026-01-01",
            "until": "2028-12-31",
        },
        "delegation": {
            "type": "delegation",
            "delegate": _ENTERPRISE,
            "serial": 1,
            "until": "2027-12-31",
        },
        "site": {
            "type": "site",
            "id": _SITE,
            "name": "Suzhou works",
            "latitude": "31.32",
            "longitude": "120.71",
            "timeZone": "Asia/Shanghai",
            "gridRegion": "CN-JS",
        },
        "park": {
            "type": "park",
            "id": _PARK,
            "name": "Eastern park",
            "fence": [["120.5", "31.2"], ["120.8", "31.2"], ["120.8", "31.4"], ["120.5", "31.4"]],
        },
        "membership": {
            "type": "membership",
            "park": _PARK,
            "site": _SITE,
            "serial": 1,
            "from": "2025-01-01",
        },
        "product": {
            "type": "product",
            "id": _PRODUCT,
            "name": "Galvanised wire",
            "unit": "TNE",
            "identifiers": ["urn:gtin:4006381333931"],
            "massPerUnit": "1000",
        },
        "footprint": {"type": "footprint", "product": _PRODUCT, "pact": _PACT},
        "recipe": {
            "type": "recipe",
            "product": _PRODUCT,
            "site": _SITE,
            "period": _YEAR,
            "basis": {"amount": "1", "unit": "TNE"},
            "emissions": [{"gas": "CO2", "origin": "fossil", "amount": "180"}],
            "inputs": [_STEEL, _POWER],
        },
        "production": {
            "type": "production",
            "product": _PRODUCT,
            "site": _SITE,
            "period": _YEAR,
            "amount": "12000",
            "unit": "TNE",
        },
        "inventory": {
            "type": "inventory",
            "site": _SITE,
            "period": _YEAR,
            "emissions": [
                {**_CARBON, "source": "process"},
                {"gas": "CH4", "origin": "fossil", "amount": "3.2", "source": "fugitive"},
            ],
            "fuels": [
                {"fuel": "urn:catchment:fuel:natural-gas", "amount": "100000", "unit": "NM3"},
                {
                    "fuel": "urn:catchment:fuel:diesel",
                    "amount": "12",
                    "unit": "TNE",
                    "netCalorificValue": "43000",
                },
            ],
            "energy": [
                {
                    "carrier": "electricity",
                    "flow": "bought",
                    "source": "grid",
                    "amount": "400000",
                    "unit": "KWH",
                },
                {
                    "carrier": "electricity",
                    "flow": "generated",
                    "source": "non-fossil",
                    "amount": "80",
                    "unit": "MWH",
                },
            ],
            "waste": [
                {
                    "kind": "industrial-solid",
                    "treatment": "utilised",
                    "amount": "90",
                    "unit": "TNE",
                }
            ],
            "water": [{"kind": "fresh", "amount": "5000", "unit": "MTQ"}],
            "removals": [{"sink": "natural", "name": "Alder grove", "amount": "2100"}],
            "captured": [{"origin": "fossil", "fate": "stored", "amount": "50000"}],
            "outputValue": {"amount": "12000000", "unit": "CNY:2025:basic"},
        },
        "purchases": {
            "type": "purchases",
            "site": _SITE,
            "period": _YEAR,
            "inputs": [_STEEL, _POWER],
            "without": [2, 8],
        },
        "downstream": {
            "type": "downstream",
            "product": _PRODUCT,
            "site": _SITE,
            "period": _YEAR,
            "basis": {"amount": "1", "unit": "TNE"},
            "delivery": {"services": [_CARRIED]},
            "use": {
                "emissions": [],
                "assumptions": "Wire needs no energy where it is built in.",
            },
            "endOfLife": {
                "treatments": [
                    {"ref": {"classification": "urn:cpc:89420", "region": "CN"}, "share": "0.9"},
                    {"ref": {"classification": "urn:cpc:94331", "region": "CN"}, "share": "0.1"},
                ],
                "assumptions": "Nine tenths are collected as scrap, the rest is landfilled.",
            },
            "processing": {
                "key": "economic",
                "reason": "Zinc and drawing soap differ a hundredfold in what they do per kg.",
                "costs": [
                    {"ref": {"product": _BOUGHT}, "amount": "4100", "unit": "CNY:2025:purchaser"}
                ],
            },
        },
        "holdings": {
            "type": "holdings",
            "enterprise": _ENTERPRISE,
            "period": _YEAR,
            "holdings": [
                {
                    "category": 13,
                    "emissions": [{"gas": "CO2", "origin": "fossil", "amount": "52000"}],
                    "reason": "A hall leased to a neighbour; its meter readings times the grid.",
                }
            ],
        },
        "meter": {
            "type": "meter",
            "site": _SITE,
            "meter": "E-01",
            "measures": "electricity",
            "flow": "bought",
            "source": "grid",
            "unit": "KWH",
            "reads": "register",
            "multiplier": "2000",
            "rollover": "1000000",
            "spacingSeconds": 3600,
        },
        "readings": {
            "type": "readings",
            "site": _SITE,
            "meter": "E-01",
            "period": {"start": "2025-01-01", "end": "2025-02-01"},
            "readings": [
                {"at": "2025-01-01T00:00:00+08:00", "value": "48211.4"},
                {"at": "2025-01-01T01:00:00+08:00", "value": "48212.1"},
            ],
        },
        "allocation": {
            "type": "allocation",
            "site": _SITE,
            "period": _YEAR,
            "service": "steam",
            "key": "Metered heat of the year.",
            "shares": [
                {"site": _SITE, "share": "0.25"},
                {"site": _BUYING_SITE, "share": "0.75"},
            ],
        },
        "certificate": {
            "type": "certificate",
            "kind": "green-power",
            "registry": "gec.example",
            "serial": "GEC-2025-000120",
            "count": 400,
            "amount": "400",
            "unit": "MWH",
            "year": 2025,
            "vintage": 2025,
            "site": _SITE,
            "project": "Wind farm at Gull Point",
        },
        "target": {
            "type": "target",
            "object": {"type": "park", "id": _PARK},
            "serial": 1,
            "name": "Operational net zero by 2035",
            "ambition": "operational",
            "baseYear": 2025,
            "milestones": [
                {"year": 2030, "reduction": "50"},
                {"year": 2035, "reduction": "100"},
            ],
            "nearZero": "10",
        },
        "scenario": {
            "type": "scenario",
            "object": {"type": "park", "id": _PARK},
            "serial": 1,
            "name": "Power from the wind farm next door",
            "startYear": 2027,
            "changes": [{"replace": {"product": _BOUGHT, "by": _PRODUCT, "in": {"park": _PARK}}}],
        },
        "indicators": {
            "type": "indicators",
            "name": "eastern-parks",
            "version": "2025",
            "title": "Zero-carbon parks of the eastern province",
            "titleZh": "东部零碳园区评价",
            "publisher": "Institute of the eastern parks",
            "source": "Guideline 2025, table 2, https://institute.example/guideline",
            "passMark": "60",
            "bonusCap": "10",
            "items": [
                {
                    "id": "green-share",
                    "title": "Green electricity",
                    "titleZh": "绿电占比",
                    "class": "principled",
                    "quantity": "electricity-green",
                    "per": "electricity",
                    "operator": "at-least",
                    "threshold": "0.5",
                },
                {
                    "id": "waste",
                    "title": "Industrial waste utilised",
                    "titleZh": "工业固废综合利用率",
                    "class": "non-principled",
                    "quantity": "waste-industrial-utilised",
                    "per": "waste-industrial",
                    "operator": "at-least",
                    "threshold": "0.8",
                    "weight": "60",
                },
            ],
        },
        "factors": {
            "type": "factors",
            "name": "eastern-steel",
            "version": "2025",
            "publisher": "Institute of the eastern parks",
            "source": "Yearbook 2025, table 7, https://institute.example/yearbook",
            "year": 2025,
            "rows": [
                {
                    "kind": "average",
                    "name": "Hot-rolled coil",
                    "of": "urn:cpc:41211",
                    "region": "CN",
                    "unit": "TNE",
                    "emissions": [{"gas": "CO2", "origin": "fossil", "amount": "2150"}],
                    "gsd": "1.2",
                }
            ],
        },
        "disclosure": {
            "type": "disclosure",
            "object": {"type": "footprint", "id": _PRODUCT},
            "level": "named",
            "grantee": _ENTERPRISE,
        },
        "transfer": {
            "type": "transfer",
            "object": {"type": "site", "id": _SITE},
            "to": _ENTERPRISE,
            "from": "2026-01-01",
            "serial": 1,
            "acceptance": "header.payload.signature",
        },
        "attestation": {
            "type": "attestation",
            "digest": "0" * 64,
            "standard": "ISO 14064-3",
            "level": "limited",
            "scope": "Metering, fuel invoices and the choice of factors.",
            "until": "2028-12-31",
        },
        "award": {
            "type": "award",
            "reference": "T-2026-014",
            "serial": 1,
            "unit": "TNE",
            "year": 2025,
            "gwp": "AR6",
            "at": {"size": 347, "root": "0" * 64},
            "engine": "1",
            "order": "price-with-carbon",
            "carbonPrice": {"amount": "600", "currency": "CNY"},
            "rule": {"maxPerUnit": "2000", "minCoverage": "0.8"},
            "offers": [
                {
                    "label": "Coil of the mill next door",
                    "product": _BOUGHT,
                    "amount": "40",
                    "unit": "TNE",
                    "units": "40",
                    "price": {"amount": "152000", "currency": "CNY"},
                    "asOf": 317,
                    "facts": {
                        "atLeast": "1850",
                        "value": "1850",
                        "lower": "1720",
                        "upper": "1990",
                        "coverage": "1",
                        "verifiedShare": "0.6",
                        "ageDays": "183",
                        "estimated": False,
                        "mixedGwp": False,
                    },
                    "verdict": "passed",
                }
            ],
            "chosen": "Coil of the mill next door",
        },
        "figure": {
            "type": "figure",
            "object": {"type": "park", "id": _PARK},
            "year": 2025,
            "gwp": "AR6",
            "at": {"size": 347, "root": "0" * 64},
            "asOf": 317,
            "engine": "1",
            "factorSets": [{"name": "AR6", "digest": "0" * 64}],
            "inputs": {"count": 211, "root": "0" * 64},
            "results": [
                {"name": "scope1", "atLeast": "47773000", "value": "47773000"},
                {"name": "upstream", "atLeast": "297023000"},
            ],
        },
        "erasure": {
            "type": "erasure",
            "digest": "0" * 64,
            "key": f"inventory|{_SITE}|2025-01-01/2026-01-01|1of1",
            "reason": "It held the names of customers.",
        },
        "withdrawal": {
            "type": "withdrawal",
            "prev": "0" * 64,
            "reason": "Stated for the wrong year.",
        },
    }
)
