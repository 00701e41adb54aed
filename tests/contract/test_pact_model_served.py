"""The PACT v3 data model over HTTP: what a supplier may submit, and what its buyers are then given.

Rules R1 to R15 are those that the specification's text and property descriptions add to its schema.
What is submitted is signed by hand, byte for byte as another program would write it; what is served
is held against a schema of our own making (`pact_schema`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from ledger import jws
from ledger.pact import ProductFootprint
from ledger.schema import dump, load
from ledger.statements import Footprint
from tests.contract.pact_schema import TABLE, schema
from tests.factory import Actor, Factory
from tests.pact_served import PactClient, PactHost

pytestmark = pytest.mark.only_on("sqlite", "about documents, not about the database")

SERVED = Draft202012Validator(schema())
Changes = dict[str, Any]


@dataclass
class Exchange:
    """A supplier that signs whatever it is told to, and its own reading client."""

    host: PactHost
    maker: Actor
    reader: PactClient
    products: list[str] = field(default_factory=list)

    def submit(self, changes: Changes, *, prev: str | None = None) -> Any:
        """The answer to a footprint with these members changed; paths as ``pcf/dqi``.

        ``None`` stands for JSON's null; what is `ABSENT` is taken away.
        """
        if prev is None:
            self.products.append(self.maker.product("Product"))
        product, body = self.products[-1], self.maker.pact_body("1.5")
        extra = {"prev": prev} if prev else {}
        payload = self.maker.payload(Footprint(product=product, pact=body), **extra)
        for path, value in changes.items():
            put(payload["pact"], path.split("/"), value)
        envelope = jws.sign(payload, self.maker.key)
        return self.host.http().post("/v1/statements", data=envelope, content_type="text/plain")

    def served(self, changes: Changes) -> dict[str, Any]:
        """What is handed out of a footprint with these changes."""
        answer = self.submit(changes)
        assert answer.status_code == 201, answer.text
        document: dict[str, Any] = self.reader.list(limit=500)[-1]
        SERVED.validate(document)
        return document

    def findings(self) -> set[str]:
        """The rules of what is noticed about the last product."""
        supplier = self.host.client_with("supplier", self.maker)
        answer = supplier.get(f"/v1/products/{self.products[-1]}/findings", {"year": 2025})
        assert answer.status_code == 200, answer.text
        return {found["rule"] for found in answer.get_json()["findings"]}


ABSENT = object()


def put(document: dict[str, Any], path: list[str], value: Any) -> None:
    *parents, name = path
    for parent in parents:
        document = document.setdefault(parent, {})
    if value is ABSENT:
        del document[name]
    else:
        document[name] = value


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    folder = tmp_path_factory.mktemp("model")
    factory = Factory(folder)
    maker = factory.enterprise("Maker")
    limits = dict.fromkeys(("submit_limit", "batch_limit"), "1000000 per minute")
    host = PactHost(factory, folder, **limits)
    yield Exchange(host, maker, host.client_of(maker))
    factory.close()


# --- The schema itself --------------------------------------------------------------------------


def test_the_table_has_every_property_of_the_specification() -> None:
    """16 with 10 mandatory, 45 with 12, and so on: the counts of the published file."""
    rows = {name: [row.split()[1] for row in TABLE[name].strip().splitlines()] for name in TABLE}
    counts = {name: (len(kinds), kinds.count("M")) for name, kinds in rows.items()}
    assert counts == {
        "ProductFootprint": (16, 10),
        "CarbonFootprint": (45, 12),
        "ProductOrSectorSpecificRule": (3, 2),
        "EmissionFactorSource": (2, 2),
        "DataQualityIndicators": (3, 3),
        "Verification": (5, 0),
        "DataModelExtension": (4, 3),
    }


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        ("status", "Obsolete"),
        ("created", "2026-01-10T00:00:00+00:00"),
        ("comment", None),
        ("precedingPfIds", []),
        ("pcf/declaredUnitAmount", "0"),
        ("pcf/declaredUnitAmount", "5abc"),
        ("pcf/fossilGhgEmissions", "1.5e0"),
        ("pcf/biogenicCO2Uptake", "5.0"),
        ("pcf/geographyRegionOrSubregion", "Asia"),
    ],
)
def test_the_schema_sees_what_it_is_for(exchange: Exchange, path: str, wrong: Any) -> None:
    document = exchange.served({})
    put(document, path.split("/"), wrong)
    with pytest.raises(ValidationError):
        SERVED.validate(document)


# --- Every property --------------------------------------------------------------------------


EVERYTHING: Changes = {
    "precedingPfIds": ["0a4d3c2b-1111-4222-8333-944455566677"],
    "validityPeriodStart": "2026-01-01T00:00:00Z",
    "validityPeriodEnd": "2028-06-30T00:00:00Z",
    "productDescription": "第一行\nsecond line",
    "productClassifications": ["urn:cpc:34710", "urn:eclass:28070000"],
    "comment": "",
    "pcf/boundaryProcessesDescription": "From cradle to gate.",
    "pcf/pcfExcludingBiogenicUptake": "1.73",
    "pcf/pcfIncludingBiogenicUptake": "1.33",
    "pcf/fossilCarbonContent": "0.10",
    "pcf/biogenicCarbonContent": "0.2",
    "pcf/recycledCarbonContent": "0.05",
    "pcf/fossilGhgEmissions": "1.50",
    "pcf/landUseChangeGhgEmissions": "0.10",
    "pcf/landCarbonLeakage": "0.01",
    "pcf/landManagementFossilGhgEmissions": "0.02",
    "pcf/landManagementBiogenicCO2Emissions": "0.08",
    "pcf/landManagementBiogenicCO2Removals": "-0.02",
    "pcf/biogenicCO2Uptake": "-0.40",
    "pcf/biogenicNonCO2Emissions": "0.15",
    "pcf/landAreaOccupation": "3",
    "pcf/aircraftGhgEmissions": "0.001",
    "pcf/packagingEmissionsIncluded": True,
    "pcf/packagingGhgEmissions": "0.03",
    "pcf/packagingBiogenicCarbonContent": "0",
    "pcf/outboundLogisticsGhgEmissions": "0.07",
    "pcf/ccsTechnologicalCO2CaptureIncluded": True,
    "pcf/ccsTechnologicalCO2Capture": "-0.05",
    "pcf/technologicalCO2CaptureOrigin": "Kiln 2",
    "pcf/technologicalCO2Removals": "-0.03",
    "pcf/ccuCarbonContent": "0.01",
    "pcf/ccuCalculationApproach": "Credit",
    "pcf/ccuCreditCertification": "https://ccu.example/certificate/7",
    "pcf/ipccCharacterizationFactors": ["AR5", "AR6"],
    "pcf/crossSectoralStandards": ["ISO14067", "PACT-3.0"],
    "pcf/productOrSectorSpecificRules": [
        {"operator": "PEF", "ruleNames": ["Rule 1"]},
        {"operator": "Other", "ruleNames": ["A", "B"], "otherOperatorName": "Guild"},
    ],
    "pcf/exemptedEmissionsPercent": "1.5",
    "pcf/exemptedEmissionsDescription": "",
    "pcf/allocationRulesDescription": "By mass.",
    "pcf/secondaryEmissionFactorSources": [{"name": "ecoinvent", "version": "3.11"}],
    "pcf/primaryDataShare": "56.12",
    "pcf/dqi": {"technologicalDQR": "1.5", "geographicalDQR": "2", "temporalDQR": "5"},
    "pcf/verification": {
        "coverage": "product level",
        "providerName": "Verifier",
        "completedAt": "2026-01-09T08:00:00Z",
        "standardName": "ISO 14067",
        "comments": "Limited.",
    },
}
"""1.50 + 0.10 + 0.08 - 0.02 + 0.15 - 0.03 - 0.05 = 1.73, and 1.73 - 0.40 = 1.33."""


def test_every_property_comes_out_as_it_went_in(exchange: Exchange) -> None:
    served = exchange.served(EVERYTHING)
    for path, value in EVERYTHING.items():
        assert read_at(served, path) == value, path
    told = exchange.findings()
    assert not {rule for rule in told if "add-up" in rule or "secondary" in rule}, told


def read_at(document: Any, path: str) -> Any:
    for name in path.split("/"):
        document = document[name]
    return document


def test_the_owners_extensions_come_out_beside_ours(exchange: Exchange) -> None:
    theirs = {
        "specVersion": "2.0.0",
        "dataSchema": "https://owner.example/schema.json",
        "documentation": "https://owner.example/docs",
        "data": {"shipments": [{"kg": "1.50", "count": 12, "none": None}]},
    }
    extensions = exchange.served({"extensions": [theirs]})["extensions"]
    assert extensions[0] == theirs
    assert len(extensions) == 2
    assert extensions[1]["dataSchema"].endswith("/v1/schemas/provenance-1.json")


# --- Rules that refuse --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "changes", "where"),
    [
        ("R1", {"pcf/geographyRegionOrSubregion": "Asia"}, "/pact/pcf/geographyCountry"),
        ("R1", {"pcf/geographyCountrySubdivision": "CN-JS"}, "/pact/pcf/geographyCountrySub"),
        ("R2", {"validityPeriodStart": "2025-12-31T23:59:59Z"}, "/pact/validityPeriodStart"),
        ("R3", {"validityPeriodEnd": "2029-01-01T00:00:01Z"}, "/pact/validityPeriodEnd"),
        ("R5", {"pcf/referencePeriodStart": "2026-01-01T00:00:00Z"}, "/pact/pcf/referencePeriod"),
        (
            "R6",
            {"pcf/packagingEmissionsIncluded": False, "pcf/packagingGhgEmissions": "0"},
            "/pact/pcf/packagingGhgEmissions",
        ),
        *(
            (
                "R7",
                {"pcf/ccsTechnologicalCO2CaptureIncluded": False, f"pcf/{member}": value},
                f"/pact/pcf/{member}",
            )
            for member, value in (
                ("ccsTechnologicalCO2Capture", "-1"),
                ("technologicalCO2Removals", "-1"),
                ("technologicalCO2CaptureOrigin", "Kiln 2"),
            )
        ),
        (
            "R8",
            {"pcf/productOrSectorSpecificRules": [{"operator": "Other", "ruleNames": ["A"]}]},
            "/pact/pcf/productOrSectorSpecificRules",
        ),
        *(
            (
                "R9",
                {"pcf/dqi": dict.fromkeys(("technologicalDQR", "geographicalDQR"), "1") | worst},
                "/pact/pcf/dqi/temporalDQR",
            )
            for worst in ({"temporalDQR": "0.9"}, {"temporalDQR": "5.1"})
        ),
        (
            "R12",
            {"pcf/ccuCreditCertification": "https://ccu.example/7"},
            "/pact/pcf/ccuCreditCertification",
        ),
        (
            "R12",
            {
                "pcf/ccuCreditCertification": "https://ccu.example/7",
                "pcf/ccuCalculationApproach": "Cut-off",
            },
            "/pact/pcf/ccuCreditCertification",
        ),
        ("R14", {"pcf/fossilGhgEmissions": None}, "/pact/pcf/fossilGhgEmissions"),
    ],
)
def test_a_statement_that_breaks_a_rule_is_refused_at_its_member(
    exchange: Exchange, rule: str, changes: Changes, where: str
) -> None:
    before = exchange.reader.ids(limit=500)
    refused = exchange.submit(changes)
    assert refused.status_code == 422, (rule, refused.text)
    told = [flaw["where"] for flaw in refused.get_json(force=True)["problems"]]
    assert any(each.startswith(where) for each in told), (rule, told)
    assert exchange.reader.ids(limit=500) == before


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("R1", {"pcf/geographyCountry": ABSENT}),
        ("R2", {"validityPeriodStart": "2026-01-01T00:00:00Z"}),
        ("R3", {"validityPeriodEnd": "2029-01-01T00:00:00Z"}),
        ("R5", {"pcf/referencePeriodStart": "2025-12-31T23:59:59Z"}),
        ("R6", {"pcf/packagingEmissionsIncluded": False}),
        ("R6", {"pcf/packagingEmissionsIncluded": True}),
        ("R7", {"pcf/ccsTechnologicalCO2CaptureIncluded": False}),
        (
            "R9",
            {"pcf/dqi": dict.fromkeys(("technologicalDQR", "geographicalDQR", "temporalDQR"), "5")},
        ),
        (
            "R12",
            {
                "pcf/ccuCreditCertification": "https://ccu.example/7",
                "pcf/ccuCalculationApproach": "Credit",
            },
        ),
    ],
)
def test_the_nearest_that_keeps_the_rule_is_served_as_it_was_stated(
    exchange: Exchange, rule: str, changes: Changes
) -> None:
    served = exchange.served(changes)
    for path, value in changes.items():
        if value is ABSENT:
            assert path.split("/")[-1] not in served["pcf"]
        else:
            assert read_at(served, path) == value, rule


def test_r4_without_a_period_a_footprint_is_valid_for_three_years_and_says_no_period(
    exchange: Exchange,
) -> None:
    served = exchange.served({})
    assert not {"validityPeriodStart", "validityPeriodEnd"} & served.keys()
    reader = exchange.reader
    assert served["id"] in reader.ids(limit=500, validOn="2026-01-01T00:00:00Z")
    assert served["id"] in reader.ids(limit=500, validOn="2029-01-01T00:00:00Z")
    assert served["id"] not in reader.ids(limit=500, validOn="2029-01-01T00:00:01Z")
    assert served["id"] not in reader.ids(limit=500, validOn="2025-12-31T23:59:59Z")


# --- Rules that are told and not enforced -----------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "changes", "finding"),
    [
        ("R10", {"pcf/pcfExcludingBiogenicUptake": "2.0"}, "parts-do-not-add-up"),
        ("R10", {"pcf/pcfIncludingBiogenicUptake": "2.0"}, "uptake-does-not-add-up"),
        ("R11", {"pcf/primaryDataShare": "50"}, "secondary-sources-absent"),
        (
            "R11",
            {
                "pcf/primaryDataShare": "100",
                "pcf/secondaryEmissionFactorSources": [{"name": "ecoinvent", "version": "3.11"}],
            },
            "secondary-sources-needless",
        ),
    ],
)
def test_what_the_text_asks_for_is_told_and_the_footprint_served_as_stated(
    exchange: Exchange, rule: str, changes: Changes, finding: str
) -> None:
    served = exchange.served(changes)
    for path, value in changes.items():
        assert read_at(served, path) == value, rule
    assert finding in exchange.findings(), rule


# --- R13: nothing but the status changes --------------------------------------------------------


def test_r13_another_content_under_the_same_id_is_refused(exchange: Exchange) -> None:
    first = exchange.submit({}).get_json()
    served = exchange.reader.list(limit=500)[-1]
    again = exchange.submit({"id": served["id"], "comment": "Changed."}, prev=first["digest"])
    assert again.status_code == 409, again.text
    assert again.get_json(force=True)["code"] == "id-taken"
    assert exchange.reader.read(served["id"]).get_json()["data"] == served


def test_r13_a_change_has_a_new_id_and_the_old_one_is_deprecated_for_good(
    exchange: Exchange,
) -> None:
    first = exchange.submit({}).get_json()
    old = exchange.reader.list(limit=500)[-1]
    changes = {"precedingPfIds": [old["id"]], "comment": "Changed."}
    second = exchange.submit(changes, prev=first["digest"])
    assert second.status_code == 201, second.text
    new = exchange.reader.list(limit=500)[-1]
    assert new["precedingPfIds"] == [old["id"]]
    assert (new["status"], new["comment"]) == ("Active", "Changed.")
    read = exchange.reader.read(old["id"]).get_json()["data"]
    assert read == old | {"status": "Deprecated"}
    third = exchange.submit({"precedingPfIds": [new["id"]]}, prev=second.get_json()["digest"])
    assert third.status_code == 201, third.text
    assert exchange.reader.read(old["id"]).get_json()["data"] == read


def test_r13_what_is_declared_deprecated_is_never_active(exchange: Exchange) -> None:
    assert exchange.served({"status": "Deprecated"})["status"] == "Deprecated"


# --- R14: null is absent, and is never written --------------------------------------------------


OPTIONAL = [
    f"pcf/{row.split()[0]}" if name == "CarbonFootprint" else row.split()[0]
    for name in ("ProductFootprint", "CarbonFootprint")
    for row in TABLE[name].strip().splitlines()
    if row.split()[1] == "O"
]


def test_r14_null_is_read_as_absent_and_never_written(exchange: Exchange) -> None:
    changes = dict.fromkeys(OPTIONAL)
    served = exchange.served(changes)
    assert served.keys() == exchange.served({}).keys()
    assert b"null" not in orjson.dumps(served | {"extensions": []})


def test_r14_null_in_a_member_that_nobody_here_knows_is_left_out(exchange: Exchange) -> None:
    served = exchange.served({"unknown": None, "pcf/unknown": None})
    assert "unknown" not in served
    assert "unknown" not in served["pcf"]


# --- R15: what is not known is accepted ---------------------------------------------------------


def test_r15_unknown_standards_properties_and_extensions_come_out_as_they_came(
    exchange: Exchange,
) -> None:
    unknown: Changes = {
        "pcf/crossSectoralStandards": ["ISO14067", "GB/T 24067-2024"],
        "newInVersion4": {"a": [1, "二"]},
        "pcf/alsoNew": "7",
    }
    served = exchange.served(unknown)
    for path, value in unknown.items():
        assert read_at(served, path) == value


# --- How it is written --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "written"),
    [
        ("+1.5", "1.5"),
        ("15e-1", "1.5"),
        ("1.5E+0", "1.5"),
        ("1.50", "1.50"),
        ("1E-30", "0." + "0" * 29 + "1"),
        ("12E20", "12" + "0" * 20),
    ],
)
def test_decimals_are_written_plainly(exchange: Exchange, sent: str, written: str) -> None:
    served = exchange.served({"pcf/recycledCarbonContent": sent})
    assert served["pcf"]["recycledCarbonContent"] == written


@pytest.mark.parametrize(
    ("sent", "written"),
    [
        ("2026-01-10T08:00:00+08:00", "2026-01-10T00:00:00Z"),
        ("2026-01-10T00:00:00.500Z", "2026-01-10T00:00:00.500000Z"),
        ("2026-01-09t19:00:00-05:00", "2026-01-10T00:00:00Z"),
    ],
)
def test_times_are_written_in_utc_with_a_z(exchange: Exchange, sent: str, written: str) -> None:
    assert exchange.served({"created": sent})["created"] == written


def test_an_empty_array_is_never_written(exchange: Exchange) -> None:
    served = exchange.served({"extensions": [], "unknownToo": []})
    assert "unknownToo" not in served
    assert all(value != [] for value in served.values())


# --- Round trip ---------------------------------------------------------------------------------


def test_what_is_served_can_be_read_again_as_it_is(exchange: Exchange) -> None:
    """A buyer's Catchment reads what ours writes, and would write the same."""
    served = exchange.served(EVERYTHING)
    extensions = served.pop("extensions")
    again = dump(load(ProductFootprint, served | {"extensions": extensions}))
    assert {name: again[name] for name in served} == served
    assert json.loads(json.dumps(again["extensions"])) == extensions
