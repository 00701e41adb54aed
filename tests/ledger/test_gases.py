"""Gases: CAS check digits, exact ids, and hints for what people type instead."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import casrn

from ledger import gases
from ledger.errors import GasUnknown, GwpSetRefused


@pytest.mark.parametrize("gas", gases.GASES.values(), ids=lambda gas: gas.id)
def test_every_gas_has_a_cas_number_with_a_right_check_digit(gas: gases.Gas):
    assert gas.cas is not None
    assert casrn.validate(gas.cas) == gas.cas
    assert gases.parse(gas.id) is gas


def test_no_two_gases_share_a_cas_number():
    assert len({gas.cas for gas in gases.GASES.values()}) == len(gases.GASES)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("methane", "CH4"),
        ("co2", "CO2"),
        ("CO2eq", "CO2e"),
        ("HFC134a", "HFC-134a"),
        ("R-134a", "HFC-134a"),
        ("SF-6", "SF6"),
        ("c-C4F8", "cC4F8"),
        ("HFC-4310mee", "HFC-43-10mee"),
        ("sulphur hexafluoride", "SF6"),
    ],
)
def test_a_misspelt_gas_is_refused_and_its_likely_name_comes_first(text: str, meant: str):
    with pytest.raises(GasUnknown, match=rf"Did you mean {meant}\b"):
        gases.parse(text)


def test_a_gas_like_nothing_known_is_answered_with_the_list():
    with pytest.raises(GasUnknown, match=r"Known are: CO2, CH4, .*, CO2e\."):
        gases.parse("steam")


def test_co2e_is_read_only_with_the_set_it_was_computed_under():
    assert gases.parse("CO2e", "AR5").gwp_set == "AR5"
    for gwp_set in (None, "", "AR3", "ar5"):
        with pytest.raises(GwpSetRefused):
            gases.parse("CO2e", gwp_set)


def test_a_single_gas_names_no_gwp_set():
    with pytest.raises(GwpSetRefused):
        gases.parse("CH4", "AR5")


def test_there_are_three_origins():
    assert gases.ORIGINS == ("fossil", "biogenic", "land-use")


@given(st.text(max_size=200).filter(lambda text: text not in {*gases.GASES, gases.CO2E}))
def test_any_other_text_is_no_gas(text: str):
    with pytest.raises(GasUnknown) as refusal:
        gases.parse(text)
    assert str(refusal.value).isprintable()
