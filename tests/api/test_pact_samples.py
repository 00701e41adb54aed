"""The 90 sample footprints of WBCSD, imported as statements and served: every one, with what is
wrong with it. Counted here from the raw files, apart from our code.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator

from api.access.access import Access
from api.callers import Caller
from api.keys.tokens import Tokens
from api.pact.criteria import Criteria
from api.pact.provenance_schema import SCHEMA
from api.pact.shelf import shelf_of
from api.services import Services
from api.settings import Settings
from graph.engine import Engine
from ledger import pact
from ledger.schema import load
from tests.graph.dirty import Heap, pact_samples, say_pact

pytestmark = pytest.mark.only_on("sqlite", "it is about what is served, wherever it is stored")

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "pact-samples"
PARTS = (
    "fossilGhgEmissions",
    "landUseChangeGhgEmissions",
    "landManagementBiogenicCO2Emissions",
    "landManagementBiogenicCO2Removals",
    "technologicalCO2Removals",
    "ccsTechnologicalCO2Capture",
    "biogenicNonCO2Emissions",
)
"""What pcfExcludingBiogenicUptake is the sum of, by the specification."""


@dataclass
class Served:
    """The samples as they went in, and as an auditor finds them."""

    raw: list[dict[str, Any]]
    found: dict[str, dict[str, Any]]

    @property
    def told(self) -> list[dict[str, Any]]:
        return [each["extensions"][-1]["data"] for each in self.found.values()]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    if not FOLDER.is_dir():
        pytest.skip("PACT sample footprints are absent: expected in ../shared/data/pact-samples")
    folder = tmp_path_factory.mktemp("samples")
    heap = Heap(folder)
    raw = pact_samples(FOLDER)
    say_pact(heap, raw)
    tokens = Tokens(heap.engine, heap.clock)
    own = Settings(data=folder)
    services = Services(heap.log, Engine(heap.log), tokens, own, heap.engine, heap.clock)
    auditor = Access(services.engine.standing(), Caller("auditor"))
    items = shelf_of(services).page(Criteria(), auditor, limit=1000).items
    yield Served(raw, {each.id: orjson.loads(each.json) for each in items})
    heap.close()


def test_all_90_are_served_as_they_went_in(served: Served) -> None:
    assert len(served.raw) == len(served.found) == 90
    for body in served.raw:
        told = dict(served.found[body["id"]])
        told.pop("extensions")
        assert told == body


def test_no_name_of_a_real_company_is_left(served: Served) -> None:
    real = {
        body["companyName"]
        for path in FOLDER.glob("*.json")
        for body in json.loads(path.read_text())
    }
    text = json.dumps(list(served.found.values()))
    assert not [name for name in real if name in text]


def test_every_extension_of_ours_keeps_its_schema(served: Served) -> None:
    schema = Draft202012Validator(SCHEMA)
    for told in served.told:
        schema.validate(told)
        assert told["kind"] == "declared"


def test_the_findings_are_those_that_a_count_of_the_files_gives(served: Served) -> None:
    """90 shares that may be fractions, 90 totals that are not their parts, 19 without sources."""
    found = Counter(code for told in served.told for code in told["findings"])
    carbon = [body["pcf"] for body in served.raw]
    apart = [abs(_sum(pcf) - Decimal(pcf["pcfExcludingBiogenicUptake"])) for pcf in carbon]
    # All have two decimals: what rounding of a total and a part can explain is 0.01.
    tally = {
        "parts-do-not-add-up": sum(each > Decimal("0.01") for each in apart),
        "primary-data-share": sum(0 < Decimal(pcf["primaryDataShare"]) <= 1 for pcf in carbon),
        "secondary-sources-absent": sum(
            not pcf.get("secondaryEmissionFactorSources") for pcf in carbon
        ),
    }
    assert found == tally == {
        "parts-do-not-add-up": 90,
        "primary-data-share": 90,
        "secondary-sources-absent": 19,
    }  # fmt: skip


def _sum(pcf: dict[str, Any]) -> Decimal:
    return sum((Decimal(pcf[part]) for part in PARTS if pcf.get(part)), Decimal(0))


def test_a_share_that_nobody_can_read_leaves_all_of_them_indicative(served: Served) -> None:
    levels = Counter(told["usability"]["level"] for told in served.told)
    assert levels == {1: 90}
    assert all("/pcf/primaryDataShare" in told["usability"]["lacking"] for told in served.told)


def test_their_validity_is_counted_from_their_reference_period(served: Served) -> None:
    ends = {load(pact.ProductFootprint, body).valid_until for body in served.raw}
    assert ends == {dt.datetime(2028, 12, 31, 23, 59, 59, tzinfo=dt.UTC)}
