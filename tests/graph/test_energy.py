"""The energy of a park, worked on paper: what crosses the fence, and how much coal it all is."""

from __future__ import annotations

import pytest

from graph.books.energy import Basis, Consumption, basis_of
from graph.books.unsaid import Lack
from graph.errors import CoalBasisAmbiguous, CoalBasisMissing, CoalBasisUnknown
from tests.factory import Factory
from tests.graph.parkland import YEAR, Parkland

pytestmark = pytest.mark.only_on("sqlite", "is about what follows, not where it is kept")


@pytest.fixture
def park(factory: Factory) -> Parkland:
    return Parkland(factory)


def consumed(park: Parkland, basis: str | None = None) -> Consumption:
    found = park.ground(basis).consumption
    assert isinstance(found, Consumption)
    return found


def reasons(missing: tuple[Lack, ...]) -> list[str]:
    return [each.reason for each in missing]


def test_trade_between_tenants_cancels_and_what_crosses_the_fence_is_left(park: Parkland) -> None:
    """A takes 100 MWh from the grid and 20 from a field of panels, and passes 30 on to B."""
    bought = [
        ("electricity", "bought", "grid", "100"),
        ("electricity", "bought", "non-fossil", "20"),
        ("electricity", "sold", "grid", "30"),
    ]
    park.says("A", energy=bought)
    taken = [("electricity", "bought", "grid", "30"), ("heat", "bought", "fossil", "90000", "3B")]
    park.says("B", energy=taken)
    balance = park.ground().balance
    assert balance.net(("electricity",)) == pytest.approx(120)
    assert balance.net(("electricity",), ("grid",)) == pytest.approx(100)
    assert balance.net(("heat",)) == pytest.approx(25)  # 90 000 MJ over 3600
    assert (balance.electricity, balance.direct_green) == (pytest.approx(120), pytest.approx(20))
    assert (balance.silent, balance.unlisted) == ((), ())


def test_comprehensive_energy_counts_everything_once(park: Parkland) -> None:
    """In tce, with 0.7 for coal, 0.9 for coke, 0.12 and 0.036 per MWh and 1.3 per 1000 Nm3:

    coal burnt 100 t → 70; coal coked 200 t → 140, coke made 50 t → −45, coke burnt 10 t → 9;
    gas burnt 10 000 Nm3 → 13, as material 5000 Nm3 → apart; power 300 − 50 sold MWh → 30, its own
    power from coal and from waste pressure → nothing more, from the sun 40 MWh → 4.8; heat 100 MWh
    → 3.6.  Sum 70 + 140 − 45 + 9 + 13 + 30 + 4.8 + 3.6 = 225.4; clean 13 + 4.8 = 17.8.
    """
    park.basis(coal="0.7", coke="0.9", natural_gas="1.3", electricity="120", heat="36")
    park.says(
        "A",
        fuels=[
            ("coal", "100000", "power"),
            ("coal", "200000", "processing"),
            ("coke", "50000", "derived"),
        ],
        energy=[
            ("electricity", "bought", "grid", "300"),
            ("electricity", "sold", "fossil", "50"),
            ("electricity", "generated", "fossil", "200"),
            ("electricity", "generated", "recovered", "10"),
            ("electricity", "generated", "non-fossil", "40"),
        ],
    )
    park.says(
        "B",
        fuels=[
            ("coke", "10000"),
            ("natural-gas", "10000", "heat"),
            ("natural-gas", "5000", "feedstock"),
        ],
        energy=[("electricity", "bought", "grid", "0"), ("steam", "bought", "fossil", "100")],
    )
    found = consumed(park)
    assert found.missing == ()
    assert found.known == pytest.approx(225.4)
    assert found.clean == pytest.approx(17.8)
    assert sum(line.tce or 0 for line in found.lines) == pytest.approx(225.4)


def test_measured_calorific_values_come_before_the_basis(park: Parkland) -> None:
    """29 307.6 kg with 14.6538 MJ each, which is half of 29.3076: 14.6538 tce."""
    park.basis(coal="0.7", electricity="120")
    measured = {"net_calorific_value": "14.6538"}
    park.says(
        "A",
        fuels=[("coal", "29307.6", "final", measured)],
        energy=[("electricity", "bought", "grid", "0")],
    )
    park.says("B", energy=[("electricity", "bought", "grid", "0")])
    found = consumed(park)
    assert found.known == pytest.approx(14.6538)
    assert found.lines[0].factor is None


def test_a_fuel_without_a_coefficient_leaves_the_sum_unknown_and_is_named(park: Parkland) -> None:
    park.basis(coal="0.7", electricity="120")
    park.says(
        "A",
        fuels=[("coal", "1000"), ("peat", "1000")],
        energy=[("electricity", "bought", "grid", "0"), ("cooling", "bought", "fossil", "1")],
    )
    park.says("B", energy=[("electricity", "bought", "grid", "0")])
    found = consumed(park)
    assert reasons(found.missing) == ["coal-equivalent"] * 2
    assert "urn:catchment:fuel:peat in KGM, which Site A states" in found.missing[0].sentence
    assert "urn:catchment:energy:cooling" in found.missing[1].sentence
    assert (found.known, park.ground()("energy").value) == (pytest.approx(0.7), None)


def test_straw_that_is_burnt_for_power_counts_as_the_power_it_gives(park: Parkland) -> None:
    """1000 kg of straw in a power station that gives 1 MWh → 0.12 tce; for heat → 0.5 tce."""
    park.factors(straw=("1.4", "biogenic"))
    park.basis(straw="0.5", electricity="120")
    solar = ("electricity", "generated", "non-fossil", "1")
    park.says("A", fuels=[("straw", "1000", "power")], energy=[solar])
    park.says(
        "B", fuels=[("straw", "1000", "heat")], energy=[("electricity", "bought", "grid", "0")]
    )
    found = consumed(park)
    assert [line.how for line in found.lines if line.what.endswith("straw")] == ["heat"]
    assert (found.known, found.clean) == (pytest.approx(0.62), pytest.approx(0.62))


def test_certificates_make_clean_what_came_from_grids_and_no_more(park: Parkland) -> None:
    """A takes 100 MWh and holds 130, the park holds 60 and B takes 80: 100 + 60 count."""
    park.basis(electricity="120")
    park.says("A", energy=[("electricity", "bought", "grid", "100")])
    park.says("B", energy=[("electricity", "bought", "grid", "80")])
    park.certified("130", of="A")
    park.certified("60")
    park.certified("500", vintage=YEAR - 2)
    balance, found = park.ground().balance, consumed(park)
    assert balance.covered == pytest.approx(160)
    assert balance.certificates_unused == pytest.approx(30)
    assert found.known == pytest.approx(180 * 0.12)
    assert found.clean == pytest.approx(160 * 0.12)


def test_silence_is_named_and_never_zero(park: Parkland) -> None:
    park.basis(electricity="120")
    park.says("A", emissions=[("CO2", "fossil", "5", "combustion")])
    found = consumed(park)
    assert set(reasons(found.missing)) == {"electricity", "inventory", "fuels-unlisted"}
    assert any("Site B has no inventory for 365 of 365 days" in m.sentence for m in found.missing)
    assert park.ground()("electricity").value is None


def test_the_basis_is_declared_or_the_only_one(park: Parkland) -> None:
    def chosen(name: str | None = None) -> Basis:
        return basis_of(park.f.standing(), YEAR, name)

    with pytest.raises(CoalBasisMissing):
        chosen()
    park.basis("one", electricity="120")
    assert chosen().name == "one"
    park.factors(coal="2")  # a set without coefficients is no basis
    assert chosen().name == "one"
    with pytest.raises(CoalBasisUnknown, match="one"):
        chosen("fuels")
    park.basis("two", electricity="300")
    with pytest.raises(CoalBasisAmbiguous, match="one, two"):
        chosen()
    assert chosen("two").kgce("urn:cpc:17100", "KWH", "CN") == (
        pytest.approx(0.3),
        f"two 1: electricity (urn:cpc:17100, {YEAR})",
    )


def test_without_a_basis_energy_is_missing_by_name_and_all_else_is_told(park: Parkland) -> None:
    for name in "AB":
        park.says(name, energy=[("electricity", "bought", "grid", "1")])
    ground = park.ground()
    assert reasons(ground("energy").missing) == ["coal-basis-missing"]
    assert ground("electricity").value == pytest.approx(2)
    park.basis("one", electricity="120")
    park.basis("two", electricity="300")
    assert reasons(park.ground()("energy").missing) == ["coal-basis-ambiguous"]
    assert park.ground("two")("energy").value == pytest.approx(0.6)
    with pytest.raises(CoalBasisUnknown):
        park.ground("three")("energy")
