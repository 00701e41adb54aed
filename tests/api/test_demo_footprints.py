"""What a PACT client finds in the demonstration: declared and computed footprints side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator

from api.access.access import Access
from api.callers import Caller
from api.demo import load
from api.demo.tables import id_of, rows
from api.keys.tokens import Tokens
from api.pact import computed
from api.pact.criteria import Criteria
from api.pact.provenance_schema import SCHEMA
from api.pact.shelf import shelf_of
from api.services import Services
from api.settings import Settings
from graph.engine import Engine, Question
from ledger import pact
from ledger.schema import load as read
from tests.databases import Databases
from tests.factory import Factory

BUYER = "plum-packs"
"""Makes battery packs of cells and trays that their makers disclose to it."""


@pytest.fixture(scope="module")
def services(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    folder: Path = tmp_path_factory.mktemp("demo")
    factory = Factory(databases.new(folder, "demo"))
    load(factory.log, factory.operator.key, factory.clock.now_ms // 1000)
    log, engine, clock = factory.log, factory.engine, factory.clock
    made = Services(log, Engine(log), Tokens(engine, clock), Settings(data=folder), engine, clock)
    computed.follow(made)
    yield made
    factory.close()


def listed(services: Services, reader: str | None) -> list[dict[str, Any]]:
    caller = Caller("procurement", id_of(reader) if reader else None)
    access = Access(services.engine.standing(), caller)
    return [orjson.loads(e.json) for e in shelf_of(services).page(Criteria(), access).items]


def kind(footprint: dict[str, Any]) -> str:
    return str(footprint["extensions"][-1]["data"]["kind"])


def test_a_buyer_sees_more_than_ten_declared_and_several_computed(services: Services) -> None:
    found = listed(services, BUYER)
    kinds = Counter(map(kind, found))
    assert kinds["declared"] > 10
    assert kinds["computed"] >= 3
    named = {each["id"] for each in found} - {each["id"] for each in listed(services, None)}
    assert len(named) >= 3


def test_each_keeps_the_rules_of_pact_and_our_schema(services: Services) -> None:
    valid = Draft202012Validator(SCHEMA)
    for each in listed(services, BUYER):
        valid.validate(each["extensions"][-1]["data"])
        carbon = read(pact.ProductFootprint, each).pcf
        parts = sum(v for name, v in carbon.components.items() if name != pact.UPTAKE)
        if kind(each) == "computed" and carbon.fossil_ghg_emissions:
            assert parts == carbon.pcf_excluding_biogenic_uptake


def test_what_is_computed_is_the_figure_that_the_owner_reads(services: Services) -> None:
    for each in listed(services, BUYER):
        if kind(each) != "computed":
            continue
        asked = each["extensions"][-1]["data"]["question"]
        _, figure = services.engine.footprint(asked["product"], Question(asked["year"]))
        assert figure.amount.value is not None
        total = Decimal(each["pcf"]["pcfExcludingBiogenicUptake"])
        assert float(total) == pytest.approx(figure.amount.value, rel=1e-8)


def test_nothing_is_handed_out_that_is_not_disclosed(services: Services) -> None:
    opened = {row["object"] for row in rows("disclosures") if row["kind"] == "footprint"}
    products = {row["product"]: row["name"] for row in rows("products")}
    own = {row["product"] for row in rows("products") if row["enterprise"] == BUYER}
    names = {products[product] for product in opened | own}
    assert {each["productNameCompany"] for each in listed(services, BUYER)} <= names
