"""The factor ladder: which factor estimates a gap, and by how much. Numbers are worked here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.reading.factors import DEFAULT_GSD, Factor, Ladder, factor_sets
from graph.reading.network import Column, Estimate
from graph.terms import Rung
from ledger.schema import load
from ledger.statements import ELECTRICITY, FactorRow, Factors, Product
from tests.factory import Actor, Factory

COIL, STEEL, METALS = "urn:cpc:41211", "urn:cpc:412", "urn:cpc:41"
CO2 = Column("CO2", "fossil")
YUAN, DOLLAR = "CNY:2023:purchaser", "USD:2022:purchaser"


def row(amount: str = "2", *, of: str = COIL, unit: str = "KGM", **members: Any) -> dict[str, Any]:
    kind = "spend" if ":" in unit else "average"
    emissions = [{"gas": "CO2", "origin": "fossil", "amount": amount}]
    return {"kind": kind, "name": "A", "of": of, "unit": unit, "emissions": emissions, **members}


def conversion(source: str, target: str, factor: str) -> dict[str, Any]:
    kind = "price-index" if source[:3] == target[:3] else "exchange-rate"
    return {"kind": kind, "name": "C", "unit": source, "to": target, "factor": factor}


def listed(
    rows: Sequence[dict[str, Any]], *, name: str = "s", index: int = 7, year: int = 2024
) -> list[Factor]:
    made = [load(FactorRow, each) for each in rows]
    return [
        Factor(name, "1", each, each.year or year, index, (1, i)) for i, each in enumerate(made)
    ]


def ladder(*rows: dict[str, Any], year: int = 2025) -> Ladder:
    return Ladder(listed(rows), year)


def ask(
    where: Ladder,
    amount: float = 1.0,
    unit: str = "KGM",
    classes: Sequence[str] = (COIL,),
    region: str | None = "CN-JS",
    product: Product | None = None,
) -> Estimate | None:
    return where.estimate(amount, unit, classes, region, product)


def kg(found: Estimate | None) -> float | None:
    return None if found is None else found.emissions[CO2]


def goods(unit: str, mass: str | None) -> Product:
    of_mass = None if mass is None else Decimal(mass)
    return Product(id="", name="", unit=unit, mass_per_unit=of_mass)


def test_a_product_average_comes_before_spend_and_nothing_comes_after() -> None:
    both = ladder(row(), row("0.3", unit=YUAN))
    average, spend = ask(both, 3.0), ask(both, 3.0, YUAN)
    assert average is not None
    assert spend is not None
    assert (average.rung, kg(average), average.gsd) == (Rung.AVERAGE, 6.0, DEFAULT_GSD["average"])
    assert (spend.rung, spend.gsd) == (Rung.SPEND, DEFAULT_GSD["spend"])
    assert kg(spend) == pytest.approx(0.9)
    assert ask(both, classes=["urn:cpc:35"]) is None
    assert ask(ladder()) is None


def test_an_estimate_names_set_version_row_and_entry() -> None:
    found = ask(ladder(row(region="CN", gsd="1.3")))
    assert found is not None
    assert found.factor == f"s 1: A ({COIL}, CN, 2024)"
    assert (found.index, found.gsd) == (7, 1.3)


def test_the_very_class_comes_before_the_classes_that_contain_it() -> None:
    all_three = [row("1", of=METALS), row("2", of=STEEL), row("3")]
    assert kg(ask(ladder(*all_three))) == 3
    assert kg(ask(ladder(*all_three[:2]))) == 2
    assert kg(ask(ladder(*all_three[:1]))) == 1
    assert kg(ask(ladder(*all_three), classes=[STEEL])) == 2
    assert ask(ladder(*all_three), classes=["urn:cpc:4"]) is None


def test_of_several_classes_the_more_specific_counts_whatever_their_order() -> None:
    found = ladder(row("1", of="urn:naics:331"), row("2", of="urn:unspsc:30103623"))
    classes = ["urn:naics:331", "urn:unspsc:30103623"]
    assert kg(ask(found, classes=classes)) == kg(ask(found, classes=classes[::-1])) == 2


def test_codes_that_are_not_nested_by_digits_stand_for_themselves_alone() -> None:
    assert ask(ladder(row(of="urn:unspsc:3010")), classes=["urn:unspsc:30103623"]) is None


def test_the_very_region_comes_before_its_country_and_that_before_anywhere() -> None:
    rows = [row("1"), row("2", region="CN"), row("3", region="CN-JS"), row("4", region="US")]
    assert kg(ask(ladder(*rows))) == 3
    assert kg(ask(ladder(*rows), region="CN-ZJ")) == 2
    assert kg(ask(ladder(*rows), region="CN")) == 2
    assert kg(ask(ladder(*rows), region="DE")) == kg(ask(ladder(*rows), region=None)) == 1
    assert ask(ladder(*rows[1:]), region="DE") is None


def test_class_counts_for_more_than_region_and_region_for_more_than_year() -> None:
    rows = [row("1", of=STEEL, region="CN-JS", year=2025), row("2", region="CN", year=2025)]
    assert kg(ask(ladder(*rows))) == 2
    assert kg(ask(ladder(*rows, row("3", region="CN-JS", year=2019)))) == 3


@pytest.mark.parametrize(("year", "expected"), [(2025, 2), (2023, 2), (2022, 1), (2019, 1)])
def test_the_latest_year_that_has_come_counts_else_the_earliest_to_come(
    year: int, expected: float
) -> None:
    rows = [row("1", year=2021), row("2", year=2023), row("3", year=2030)]
    assert kg(ask(ladder(*rows, year=year))) == expected


def test_between_equals_the_name_of_the_set_decides() -> None:
    two = [*listed([row("2")], name="b", index=3), *listed([row("1")], name="a", index=9)]
    found = [Ladder(factors, 2025) for factors in (two, two[::-1])]
    assert [kg(ask(each)) for each in found] == [1, 1]


def test_what_burning_a_fuel_emits_never_stands_for_what_making_it_emitted() -> None:
    assert ask(ladder(row() | {"kind": "fuel"})) is None


def test_electricity_of_a_region_comes_from_its_grid() -> None:
    grid = ladder(row("0.5827", of=ELECTRICITY, unit="KWH", region="CN-JS") | {"kind": "grid"})
    found = ask(grid, 2.0, "MWH", [ELECTRICITY])
    assert found is not None
    assert kg(found) == pytest.approx(2000 * 0.5827)
    assert (found.rung, found.gsd) == (Rung.AVERAGE, DEFAULT_GSD["grid"])


@pytest.mark.parametrize(
    ("unit", "factor_unit", "product", "expected"),
    [
        ("TNE", "KGM", None, 1000),
        ("H87", "KGM", None, None),
        ("H87", "KGM", goods("H87", "2.5"), 2.5),
        ("T3", "KGM", goods("H87", "2.5"), 2500),
        ("KGM", "H87", goods("H87", "2.5"), 0.4),
        ("TNE", "H87", goods("H87", "2.5"), 400),
        ("H87", "KGM", goods("H87", None), None),
        ("H87", "KGM", goods("H87", "0"), None),
        ("MTR", "KGM", goods("H87", "2.5"), None),
        ("H87", "LTR", goods("H87", "2.5"), None),
        ("H87", "KGM", goods("KGM", "1"), None),
    ],
)
def test_mass_bridges_to_the_declared_unit_and_nothing_else_does(
    unit: str, factor_unit: str, product: Product | None, expected: float | None
) -> None:
    found = ask(ladder(row("1", unit=factor_unit)), unit=unit, product=product)
    assert kg(found) == (None if expected is None else pytest.approx(expected))


def test_a_factor_whose_unit_does_not_fit_leaves_the_place_to_the_next() -> None:
    assert kg(ask(ladder(row("9", unit="LTR"), row("2", of=STEEL)))) == 2


def test_spend_is_exchanged_in_its_own_year_and_then_brought_to_the_factors() -> None:
    """1000 yuan of 2023 × 0.1412 $/yuan = 141.2 $ of 2023; × 0.96 = 135.552 $ of 2022; × 0.5 kg."""
    rate = conversion(YUAN, "USD:2023:purchaser", "0.1412")
    index = conversion("USD:2023:purchaser", DOLLAR, "0.96")
    factor = row("0.5", unit=DOLLAR)
    assert kg(ask(ladder(factor, rate, index), 1000.0, YUAN)) == pytest.approx(67.776)
    other_way = conversion("USD:2023:purchaser", YUAN, "7.082")
    assert kg(ask(ladder(factor, other_way, index), 1000.0, YUAN)) == pytest.approx(
        1000 / 7.082 * 0.96 * 0.5
    )


@pytest.mark.parametrize(
    "conversions",
    [
        [],
        [conversion(YUAN, "USD:2023:purchaser", "0.14")],
        [conversion("USD:2023:purchaser", DOLLAR, "0.96")],
        [
            # First the index, then the rate of the factor's year: not a way that is taken.
            conversion(YUAN, "CNY:2022:purchaser", "1.01"),
            conversion("CNY:2022:purchaser", DOLLAR, "0.148"),
        ],
        [
            conversion("CNY:2023:basic", "USD:2023:basic", "0.14"),
            conversion("USD:2023:basic", "USD:2022:basic", "0.96"),
        ],
    ],
)
def test_spend_that_cannot_be_brought_to_the_factors_money_stays_unknown(
    conversions: list[dict[str, Any]],
) -> None:
    assert ask(ladder(row("0.5", unit=DOLLAR), *conversions), 1000.0, YUAN) is None


def test_a_price_basis_never_becomes_another() -> None:
    factor = row("0.5", unit="CNY:2023:basic")
    assert ask(ladder(factor), 1.0, YUAN) is None
    assert ask(ladder(factor), 1.0, "CNY:2023:purchaser-with-tax") is None
    assert kg(ask(ladder(factor), 1.0, "CNY:2023:basic")) == 0.5


def test_an_estimate_is_as_of_the_last_entry_it_rests_on() -> None:
    factor = listed([row("0.5", unit="USD:2023:purchaser")], index=7)
    rate = listed([conversion(YUAN, "USD:2023:purchaser", "0.14")], name="rates", index=12)
    found = ask(Ladder([*factor, *rate], 2025), 1.0, YUAN)
    assert found is not None
    assert found.index == 12


def test_default_deviations_are_those_of_the_pedigree_matrix() -> None:
    """exp(√Σσ²): basic, reliability, completeness, time, place, technology (decision 16)."""
    scores = {
        "grid": (0.0006, 0.0006, 0, 0.0002, 0.000025, 0),
        "average": (0.0006, 0.002, 0.0006, 0.002, 0.0001, 0.04),
        "spend": (0.0006, 0.008, 0.0001, 0.002, 0.0006, 0.12),
    }
    for kind, variances in scores.items():
        assert DEFAULT_GSD[kind] == round(math.exp(math.sqrt(sum(variances))), 2)


ROWS = [
    row("1", of=METALS),
    row("2", of=STEEL, region="CN"),
    row("3", region="CN", year=2023),
    row("4", region="CN", year=2024),
    row("5", unit="LTR"),
    row("6", unit=DOLLAR),
    row("7", of=STEEL, unit="USD:2023:purchaser"),
    conversion(YUAN, "USD:2023:purchaser", "0.14"),
    conversion("USD:2023:purchaser", DOLLAR, "0.96"),
]
QUESTIONS: tuple[tuple[str, str | None], ...] = (
    ("KGM", "CN-JS"),
    ("KGM", None),
    ("LTR", "US"),
    (YUAN, "CN"),
    ("USD:2023:purchaser", "DE"),
    ("EUR:2023:basic", "DE"),
)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.permutations(ROWS),
    cut=st.integers(1, len(ROWS) - 1),
    year=st.sampled_from([2022, 2023, 2025]),
)
def test_the_order_of_rows_and_parts_does_not_matter(
    rows: list[dict[str, Any]], cut: int, year: int
) -> None:
    plain = Ladder(listed(ROWS), year)
    pieces = [*listed(rows[cut:]), *listed(rows[:cut])]
    shuffled = Ladder(pieces, year)
    for unit, region in QUESTIONS:
        for classes in ([COIL], [STEEL], [COIL, METALS]):
            asked = {"unit": unit, "classes": classes, "region": region}
            assert ask(shuffled, **asked) == ask(plain, **asked)


@settings(max_examples=60, deadline=None)
@given(amount=st.floats(-1e9, 1e9), unit=st.sampled_from(["KGM", YUAN]))
def test_an_estimate_is_proportional_to_the_amount(amount: float, unit: str) -> None:
    one, many = ask(ladder(*ROWS), 1.0, unit), ask(ladder(*ROWS), amount, unit)
    assert one is not None
    assert many is not None
    assert kg(many) == pytest.approx(amount * one.emissions[CO2])


# --- What stands ---------------------------------------------------------------------------


def part(k: int, n: int, *rows: dict[str, Any], version: str = "1") -> Factors:
    said = {"name": "steel", "version": version, "publisher": "I", "source": "S", "year": 2024}
    return load(Factors, {**said, "part": {"k": k, "n": n}, "rows": list(rows)})


@pytest.mark.only_on("sqlite", "it is about what stands, wherever that is stored")
def test_a_set_stands_when_all_parts_of_one_version_do(factory: Factory) -> None:
    says: Actor = factory.operator
    first = says.say(part(1, 2, row("2")))
    assert factor_sets(factory.standing()) == ()
    assert ask(Ladder.of(factory.standing(), 2025)) is None
    says.say(part(2, 2, row("3", of=STEEL)))
    (found,) = factor_sets(factory.standing())
    assert (found.head.version, found.index, len(list(found.factors))) == (
        "1",
        factory.log.size() - 1,
        2,
    )
    assert kg(ask(Ladder.of(factory.standing(), 2025))) == 2
    second = says.say(part(1, 2, row("5"), version="2"), prev=first.digest)
    assert factor_sets(factory.standing()) == ()
    # The new version has one part: what is left over of the old one is in nobody's way.
    says.say(part(1, 1, row("5"), version="2"), prev=second.digest)
    assert kg(ask(Ladder.of(factory.standing(), 2025))) == 5
    assert [each.row.of for each in Ladder.of(factory.standing(), 2025).rows()] == [COIL]
