"""Offers compared by hand: units, prices with carbon, the rule, the order, who is told apart.

A  2 000 kg CO2e per t (1 800 to 2 200), 40 t for 152 000 CNY: 80 000 kg, at 600 CNY per t of carbon
   48 000 CNY more, 200 000 CNY in all and 5 000 CNY per t.
B  1 500 kg CO2e per t (1 450 to 1 550), 40 t for 168 000 CNY: 60 000 kg, 36 000 CNY more, 204 000
   CNY in all and 5 100 CNY per t. Dearer than A with its carbon, by 100 CNY per t.
C  1 560 kg CO2e per t (1 500 to 1 620), 20 t for 82 000 CNY: 31 200 kg, 18 720 CNY more, 100 720
   CNY in all and 5 036 CNY per t. Its interval meets B's.

At 1 000 CNY per t of carbon: A 232 000/40 = 5 800, B 228 000/40 = 5 700, C 113 200/20 = 5 660.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.soundness.comparison import (
    CARBON,
    FAILURES,
    PRICE,
    PRICE_WITH_CARBON,
    REFUSALS,
    Judged,
    Offer,
    first_of,
    in_unit,
    judge,
    stated,
)
from ledger.errors import UnitMismatch
from ledger.statements import Money, OfferFacts, OfferRule

D = Decimal


def yuan(amount: str) -> Money:
    return Money(amount=D(amount), currency="CNY")


def facts(
    value: str | None, lower: str | None = None, upper: str | None = None, **told: Any
) -> Any:
    plain: dict[str, Any] = {
        "at_least": D(value or "1"),
        "value": value and D(value),
        "lower": lower and D(lower),
        "upper": upper and D(upper),
        "coverage": D(1),
        "verified_share": D("0.5"),
        "age_days": D(183),
        "usability": 2,
        "mixed_gwp": False,
    }
    return OfferFacts(**{**plain, **told})


A = Offer("A", D(40), facts("2000", "1800", "2200"), yuan("152000"))
B = Offer("B", D(40), facts("1500", "1450", "1550"), yuan("168000"))
C = Offer("C", D(20), facts("1560", "1500", "1620"), yuan("82000"))
ANYTHING = OfferRule()


def compared(*offers: Offer, rule: OfferRule = ANYTHING, order: str = CARBON, **more: Any) -> Any:
    return judge(offers, rule, order, **more)


def reasons(offer: Offer, **rule: Any) -> tuple[str, ...]:
    (judged,) = compared(offer, rule=OfferRule(**rule))
    return tuple(judged.reasons)


# --- Units -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offered", "declared", "mass", "unit", "expected"),
    [
        # 40 t of what is declared per kg, per tonne: 40 units, 1 000 declared ones in each.
        (("40", "TNE"), "KGM", None, "TNE", ("40", "1000")),
        (("40000", "KGM"), "TNE", None, "KGM", ("40000", "0.001")),
        # 100 pieces of 2.5 kg, per tonne: 0.25 t, and 400 pieces in each tonne.
        (("100", "H87"), "H87", "2.5", "TNE", ("0.25", "400")),
        # 250 kg of the same, per piece: 100 pieces, one declared unit in each.
        (("250", "KGM"), "H87", "2.5", "H87", ("100", "1")),
        (("3.6", "GV"), "KWH", None, "MWH", ("1", "1000")),
    ],
)
def test_an_amount_is_said_in_the_unit_that_is_compared(
    offered: tuple[str, str],
    declared: str,
    mass: str | None,
    unit: str,
    expected: tuple[str, str],
) -> None:
    found = in_unit(D(offered[0]), offered[1], declared, mass and D(mass), unit)  # type: ignore[arg-type]  # text or None
    assert found == tuple(map(D, expected))


@pytest.mark.parametrize(
    ("offered", "declared", "mass", "unit"),
    [
        ("H87", "KGM", "1", "TNE"),  # what is declared by mass has no pieces
        ("TNE", "KGM", "1", "H87"),
        ("TNE", "H87", None, "TNE"),  # nobody said what a piece weighs
        ("H87", "H87", "0", "TNE"),  # PACT's mass of what has none
        ("NM3", "MTQ", None, "MTQ"),
        ("KWH", "KGM", "1", "KGM"),
    ],
)
def test_between_mass_and_pieces_there_is_no_bridge_but_the_products_own(
    offered: str, declared: str, mass: str | None, unit: str
) -> None:
    with pytest.raises(UnitMismatch):
        in_unit(D(1), offered, declared, mass and D(mass), unit)  # type: ignore[arg-type]  # text or None


# --- By hand -----------------------------------------------------------------------------------


def test_carbon_of_an_amount_and_its_place_among_the_others() -> None:
    a, b, c = compared(A, B, C)
    assert (a.total, b.total, c.total) == (D(80000), D(60000), D(31200))
    assert (a.rank, b.rank, c.rank) == (3, 1, 2)
    assert (b.ratio_to_best, c.ratio_to_best) == (1, D("1.04"))
    assert a.ratio_to_best == D("1.33333333333")


def test_carbon_is_folded_into_the_price() -> None:
    a, b, c = compared(A, B, C, order=PRICE_WITH_CARBON, carbon_price=yuan("600"))
    assert (a.carbon_cost, a.priced, a.priced_per_unit) == (D(48000), D(200000), D(5000))
    assert (b.priced, b.priced_per_unit, c.priced_per_unit) == (D(204000), D(5100), D(5036))
    assert (a.rank, c.rank, b.rank) == (1, 2, 3)
    a, b, c = compared(A, B, C, order=PRICE_WITH_CARBON, carbon_price=yuan("1000"))
    assert (a.priced_per_unit, b.priced_per_unit, c.priced_per_unit) == (5800, 5700, 5660)
    assert (c.rank, b.rank, a.rank) == (1, 2, 3)


def test_prices_alone_put_them_in_another_order() -> None:
    a, b, c = compared(A, B, C, order=PRICE)
    assert (a.price_per_unit, c.price_per_unit, b.price_per_unit) == (3800, 4100, 4200)
    assert (a.rank, c.rank, b.rank) == (1, 2, 3)


def test_intervals_that_meet_cannot_be_told_apart() -> None:
    a, b, c = compared(A, B, C)
    assert (a.tied, b.tied, c.tied) == ((), (2,), (1,))
    unknown = Offer("D", D(1), facts("1500"))
    *_, c, d = compared(A, B, C, unknown)
    assert (c.tied, d.tied) == ((1,), None)


def test_no_exchange_rate_is_made_up() -> None:
    dollars = Offer("D", D(40), A.facts, Money(amount=D(21000), currency="USD"))
    free = Offer("E", D(40), A.facts)
    a, d, e = compared(A, dollars, free, order=PRICE_WITH_CARBON, carbon_price=yuan("600"))
    assert (d.not_priced, d.priced, d.rank) == ("other-currency", None, None)
    assert (e.not_priced, e.priced, e.rank) == ("no-price", None, None)
    assert a.rank == 1
    a, d, e = compared(A, dollars, free, order=PRICE)
    assert (a.rank, d.rank, e.rank) == (1, None, None)


# --- The rule ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "told", "reason"),
    [
        ({"max_per_unit": D(1999)}, {}, "above-limit"),
        ({"min_coverage": D("0.9")}, {"coverage": D("0.8")}, "coverage-low"),
        ({"min_coverage": D(0)}, {"coverage": None}, "coverage-not-told"),
        ({"min_verified_share": D("0.6")}, {}, "verified-low"),
        ({"min_verified_share": D(0)}, {"verified_share": None}, "verified-not-told"),
        ({"max_age_days": D(182)}, {}, "too-old"),
        ({"max_age_days": D(999)}, {"age_days": None}, "age-not-told"),
        ({"min_usability": 3}, {}, "usability-low"),
        ({"min_usability": 1}, {"usability": None}, "usability-not-told"),
        ({"no_estimates": True}, {"estimated": True}, "estimated"),
        ({"one_gwp": True}, {"mixed_gwp": True}, "mixed-gwp"),
        ({"one_gwp": True}, {"mixed_gwp": None}, "gwp-not-told"),
    ],
)
def test_each_demand_is_failed_by_name(
    rule: dict[str, Any], told: dict[str, Any], reason: str
) -> None:
    assert reasons(Offer("A", D(40), facts("2000", **told)), **rule) == (reason,)
    assert reason in FAILURES


def test_what_is_met_exactly_passes() -> None:
    met = {
        "max_per_unit": D(2000),
        "max_ratio_to_best": D(1),
        "min_coverage": D(1),
        "min_verified_share": D("0.5"),
        "max_age_days": D(183),
        "min_usability": 2,
        "signed_only": True,
        "no_estimates": True,
        "one_gwp": True,
    }
    assert reasons(A, **met) == ()


def test_an_object_that_nobody_signed_fails_where_signatures_are_asked_for() -> None:
    sent = Offer("A", D(40), A.facts, signed=False)
    assert reasons(sent, signed_only=True) == ("unsigned",)
    assert reasons(sent) == ()


def test_too_far_above_the_best_is_measured_against_all_that_are_compared() -> None:
    rule = OfferRule(max_ratio_to_best=D("1.3"))
    assert [each.reasons for each in compared(A, B, C, rule=rule)] == [("above-best",), (), ()]


def test_nothing_is_a_multiple_of_a_best_that_is_zero_or_less() -> None:
    credit = Offer("D", D(1), facts("-3"))
    rule = OfferRule(max_ratio_to_best=D(5))
    credited, b = compared(credit, B, rule=rule)
    assert (credited.verdict, b.reasons, b.ratio_to_best) == ("passed", ("above-best",), None)


# --- What is not compared ----------------------------------------------------------------------


def test_a_lower_bound_is_no_value() -> None:
    gap = Offer("D", D(40), facts(None, at_least=D(10)))
    d, b = compared(gap, B, rule=OfferRule(max_ratio_to_best=D(1)))
    assert (d.verdict, d.reasons, d.rank, d.total) == ("refused", ("at-least",), None, None)
    assert (b.verdict, b.rank) == ("passed", 1)


@pytest.mark.parametrize("code", sorted(REFUSALS))
@pytest.mark.parametrize("order", [CARBON, PRICE, PRICE_WITH_CARBON])
def test_what_is_refused_has_no_part_in_what_is_said_of_the_others(code: str, order: str) -> None:
    """Whatever is known of it: nothing may be read off the order, the best or who passes."""
    rule = OfferRule(max_ratio_to_best=D("1.02"))
    alone = compared(B, C, rule=rule, order=order, carbon_price=yuan("600"))
    for value in ("1", "1500", "99999"):
        closed = Offer("X", D(40), facts(value, value, value), yuan("1"), refused=code)
        x, *others = compared(closed, B, C, rule=rule, order=order, carbon_price=yuan("600"))
        assert (x.verdict, x.reasons, x.rank, x.total, x.tied) == (
            "refused",
            (code,),
            None,
            None,
            None,
        )
        assert [_said(each) for each in others] == [_said(each) for each in alone]


def _said(judged: Judged) -> tuple[Any, ...]:
    ties = judged.tied and len(judged.tied)
    return judged.verdict, judged.reasons, judged.rank, judged.ratio_to_best, judged.priced, ties


def test_the_first_is_the_first_that_passes() -> None:
    judged = compared(A, B, C, rule=OfferRule(min_usability=2))
    assert first_of(judged).offer.label == "B"  # type: ignore[union-attr]  # there is one
    assert first_of(compared(A, rule=OfferRule(max_per_unit=D(1)))) is None


# --- Numbers -----------------------------------------------------------------------------------


def test_numbers_are_stated_plainly() -> None:
    told = (stated(each) for each in (2.0, 1e-9, 123456789012345.0, 0.1 + 0.2, D("1E+3")))
    plain = [format(each or 0, "f") for each in told]
    assert plain == ["2", "0.000000001", "123456789012000", "0.3", "1000"]
    assert stated(None) is None


_OFFERS = st.lists(
    st.tuples(st.integers(1, 10**6), st.integers(1, 500), st.integers(0, 10**6)),
    min_size=1,
    max_size=12,
)


@given(_OFFERS, st.randoms())
def test_the_order_in_which_offers_come_decides_nothing(
    told: list[tuple[int, int, int]], random: Any
) -> None:
    offers = [
        Offer(str(k), D(amount), facts(str(value), str(value), str(value)), yuan(str(price)))
        for k, (value, amount, price) in enumerate(told)
    ]
    shuffled = random.sample(offers, len(offers))

    def ranks(these: list[Offer]) -> dict[str, tuple[Any, ...]]:
        judged = compared(*these, order=PRICE_WITH_CARBON, carbon_price=yuan("80"))
        return {j.offer.label: (j.rank, j.verdict, j.priced, len(j.tied or ())) for j in judged}

    assert ranks(offers) == ranks(shuffled)
