"""Sets of factors as statements: what a row may say, and who may state a set."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.errors import NotAuthorised, RoleMissing, StatementMalformed
from ledger.schema import dump, load
from ledger.statements import FactorRow, Factors, NaturalKey, Part
from tests.factory import Actor, Factory

CO2 = {"gas": "CO2", "origin": "fossil", "amount": "2.1"}
AVERAGE = {
    "kind": "average",
    "name": "Coil",
    "of": "urn:cpc:41211",
    "unit": "KGM",
    "emissions": [CO2],
}
SPEND = AVERAGE | {"kind": "spend", "unit": "CNY:2023:purchaser"}
RATE = {
    "kind": "exchange-rate",
    "name": "Mean of the year",
    "unit": "CNY:2023:purchaser",
    "to": "USD:2023:purchaser",
    "factor": "0.1412",
}
INDEX = RATE | {"kind": "price-index", "unit": "USD:2023:purchaser", "to": "USD:2022:purchaser"}
FUEL = AVERAGE | {
    "kind": "fuel",
    "of": "urn:catchment:fuel:diesel",
    "unit": "TNE",
    "netCalorificValue": "43330",
    "carbonContent": "0.0202",
    "oxidation": "0.98",
}
SET = {
    "name": "steel",
    "version": "2025",
    "publisher": "Institute",
    "source": "Yearbook, https://institute.example",
    "year": 2025,
}


def factors(*rows: dict[str, Any], **changes: Any) -> Factors:
    return load(Factors, {**SET, "rows": list(rows) or [AVERAGE], **changes})


def without(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


@pytest.mark.parametrize("row", [AVERAGE, SPEND, RATE, INDEX, FUEL])
def test_every_kind_of_row_comes_back_as_it_was_written(row: dict[str, Any]) -> None:
    assert dump(load(FactorRow, row)) == row


@pytest.mark.parametrize(
    ("row", "where"),
    [
        (without(AVERAGE, "emissions"), "/emissions"),
        (AVERAGE | {"emissions": []}, "/emissions"),
        (AVERAGE | {"emissions": [CO2 | {"amount": "-1"}]}, "/emissions/0/amount"),
        (AVERAGE | {"emissions": [CO2, CO2 | {"amount": "1"}]}, "/emissions"),
        (without(AVERAGE, "of"), "/of"),
        (AVERAGE | {"of": "cpc 41211"}, "/of"),
        (AVERAGE | {"unit": "stone"}, "/unit"),
        (AVERAGE | {"unit": "CNY:2023:purchaser"}, "/unit"),
        (AVERAGE | {"region": "Europe"}, "/region"),
        (AVERAGE | {"year": 20225}, "/year"),
        (AVERAGE | {"gsd": "0.9"}, "/gsd"),
        (AVERAGE | {"oxidation": "0.99"}, "/oxidation"),
        (AVERAGE | {"factor": "2"}, "/factor"),
        (FUEL | {"oxidation": "1.01"}, "/oxidation"),
        (SPEND | {"unit": "KGM"}, "/unit"),
        (without(RATE, "factor"), "/factor"),
        (without(RATE, "to"), "/to"),
        (RATE | {"factor": "0"}, "/factor"),
        (RATE | {"to": "USD:2022:purchaser"}, "/to"),
        (RATE | {"to": "USD:2023:basic"}, "/to"),
        (RATE | {"to": "CNY:2022:purchaser"}, "/to"),
        (RATE | {"to": "KGM"}, "/to"),
        (INDEX | {"to": "EUR:2022:purchaser"}, "/to"),
        (INDEX | {"to": "USD:2022:basic"}, "/to"),
        (RATE | {"emissions": [CO2]}, "/emissions"),
    ],
)
def test_a_row_that_cannot_be_meant_is_refused_by_its_member(
    row: dict[str, Any], where: str
) -> None:
    with pytest.raises(StatementMalformed) as refused:
        load(FactorRow, row)
    assert where in {path for path, _ in refused.value.problems}


def test_two_rows_that_answer_one_question_are_refused_at_the_second() -> None:
    """Per kilogram and per tonne is the same question; another year or region is another."""
    factors(AVERAGE, AVERAGE | {"year": 2024}, AVERAGE | {"region": "CN"}, SPEND)
    with pytest.raises(StatementMalformed) as refused:
        factors(AVERAGE, SPEND, AVERAGE | {"unit": "TNE", "name": "Coil, by the tonne"})
    assert [path for path, _ in refused.value.problems] == ["/rows/2"]


@pytest.mark.parametrize("name", ["", "-steel", "of steel", "steel/2025", "s" * 61])
def test_the_name_of_a_set_can_stand_in_an_address(name: str) -> None:
    with pytest.raises(StatementMalformed, match="name"):
        factors(name=name)


@pytest.mark.only_on("sqlite", "the rules ask the database nothing of their own")
def test_only_the_registrar_states_a_set(factory: Factory) -> None:
    acme = factory.enterprise("Acme")
    with pytest.raises(NotAuthorised):
        acme.say(factors())
    with pytest.raises(NotAuthorised):
        factory.operator.say(factors(), subject=acme.id)
    helper = factory.operator.with_key()
    factory.operator.say(factory.key_body(helper, roles=("operator",)), subject=helper.id)
    with pytest.raises(RoleMissing):
        helper.say(factors())
    said = factory.operator.say(factors())
    assert said.statement.body == factors()


@pytest.mark.only_on("sqlite", "the rules ask the database nothing of their own")
def test_each_part_of_a_set_has_a_chain_that_versions_follow(factory: Factory) -> None:
    operator: Actor = factory.operator
    first = operator.say(factors(part={"k": 1, "n": 2}))
    operator.say(factors(SPEND, part={"k": 2, "n": 2}))
    operator.correct(first, version="2026", part=Part(k=1, n=1))
    standing = factory.standing()
    said = standing.find(NaturalKey("factors", ("steel", "1")))
    assert said is not None
    assert said.statement.body == factors(version="2026")
    operator.withdraw(operator.correct(first, prev=said.digest, version="2027"))
    assert standing.find(NaturalKey("factors", ("steel", "2"))) is not None
    assert factory.standing().find(NaturalKey("factors", ("steel", "1"))) is None
