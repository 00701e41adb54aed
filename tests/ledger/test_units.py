"""Units: published conversion factors, PACT's ten words, and words people really write."""

from contextlib import suppress
from decimal import Decimal

import pytest
from babel.core import get_global
from hypothesis import given
from hypothesis import strategies as st

from ledger import units
from ledger.errors import UnitAmbiguous, UnitMismatch, UnitNotInPact, UnitUnknown

AMOUNTS = st.decimals(
    min_value="-1e12", max_value="1e12", places=6, allow_nan=False, allow_infinity=False
)
CODES = st.sampled_from(sorted(units.UNITS))
PACT_WORDS = (
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


# UN/CEFACT Recommendation 20 revision 17, annexes II and III, column "conversion factor":
# the factor to the SI unit, here as (code, factor, code of the SI unit).
@pytest.mark.parametrize(
    ("code", "factor", "si"),
    [
        ("MGM", "1E-6", "KGM"),
        ("GRM", "1E-3", "KGM"),
        ("TNE", "1E3", "KGM"),
        ("KTN", "1E6", "KGM"),
        ("KJO", "1E3", "JOU"),
        ("3B", "1E6", "JOU"),
        ("GV", "1E9", "JOU"),
        ("D30", "1E12", "JOU"),
        ("C68", "1E15", "JOU"),
        ("WHR", "3.6E3", "JOU"),
        ("KWH", "3.6E6", "JOU"),
        ("MWH", "3.6E9", "JOU"),
        ("GWH", "3.6E12", "JOU"),
        ("D32", "3.6E15", "JOU"),
        ("MLT", "1E-6", "MTQ"),
        ("LTR", "1E-3", "MTQ"),
        ("CMQ", "1E-6", "MTQ"),
        ("DMQ", "1E-3", "MTQ"),
        ("HLT", "1E-1", "MTQ"),
        ("R9", "1E3", "MTQ"),
        ("HMQ", "1E6", "MTQ"),
        ("CMK", "1E-4", "MTK"),
        ("KMK", "1E6", "MTK"),
        ("HAR", "1E4", "MTK"),
        ("H18", "1E4", "MTK"),
        ("MMT", "1E-3", "MTR"),
        ("CMT", "1E-2", "MTR"),
        ("KMT", "1E3", "MTR"),
        ("MIN", "60", "SEC"),
        ("HUR", "3600", "SEC"),
        ("DAY", "86400", "SEC"),
        ("T3", "1000", "H87"),
        ("C62", "1", "H87"),
    ],
)
def test_a_code_has_the_factor_of_recommendation_20(code: str, factor: str, si: str):
    source, target = units.parse(code), units.parse(si)
    assert units.convert(Decimal(1), source, target) == Decimal(factor)


def test_a_gigajoule_is_277_point_7_kilowatt_hours():
    kwh = units.convert(Decimal("3.6"), units.parse("GV"), units.parse("KWH"))
    assert kwh == 1000


@given(AMOUNTS, CODES, CODES)
def test_converting_there_and_back_changes_nothing(amount: Decimal, one: str, other: str):
    source, target = units.parse(one), units.parse(other)
    if source.dimension != target.dimension:
        with pytest.raises(UnitMismatch):
            units.convert(amount, source, target)
        return
    back = units.convert(units.convert(amount, source, target), target, source)
    assert abs(back - amount) <= abs(amount) * Decimal("1E-45")


def test_units_of_different_kinds_are_not_converted_and_both_are_named():
    with pytest.raises(UnitMismatch) as refusal:
        units.convert(Decimal(1), units.parse("KWH"), units.parse("MTQ"))
    assert "KWH (energy)" in str(refusal.value)
    assert "MTQ (volume)" in str(refusal.value)


def test_a_tonne_of_2500_gram_pieces_is_400_pieces():
    tonne, piece, kilogram = map(units.parse, ("TNE", "H87", "KGM"))
    assert units.ratio(tonne, piece, Decimal("2.5")) == 400
    # By hand: a fuel of 0.8 kg per litre; a tonne is 1000 / 0.8 = 1250 litres.
    assert units.ratio(tonne, units.parse("LTR"), Decimal("0.8")) == 1250
    assert 1 / units.ratio(kilogram, piece, Decimal("2.5")) == Decimal("2.5")


def test_within_one_dimension_the_mass_per_unit_is_not_asked():
    assert units.ratio(units.parse("TNE"), units.parse("KGM"), Decimal(7)) == 1000
    assert units.ratio(units.parse("T3"), units.parse("H87"), Decimal(7)) == 1000


@pytest.mark.parametrize(
    ("source", "target", "mass"),
    [
        ("TNE", "H87", None),
        ("KGM", "KWH", "0"),
        ("KGM", "KWH", "-1"),
        ("H87", "KGM", "2.5"),
        ("LTR", "H87", "2.5"),
        ("NM3", "MTQ", None),
        ("SM3", "NM3", None),
        ("CNY:2023:purchaser", "CNY:2022:purchaser", None),
        ("CNY:2023:purchaser", "CNY:2023:basic", None),
        ("USD:2022:purchaser", "EUR:2022:purchaser", None),
    ],
)
def test_without_a_bridge_there_is_no_ratio(source: str, target: str, mass: str | None):
    with pytest.raises(UnitMismatch):
        units.ratio(units.parse(source), units.parse(target), mass and Decimal(mass))


def test_every_pact_word_has_one_code_and_back():
    codes = [units.from_pact(word) for word in PACT_WORDS]
    assert [units.to_pact(code) for code in codes] == list(PACT_WORDS)
    assert {units.parse(code).code for code in codes} == set(codes)
    with pytest.raises(UnitUnknown):
        units.from_pact("kilowatt-hour")


def test_a_tonne_has_no_pact_word_until_it_is_converted():
    with pytest.raises(UnitNotInPact, match="KGM"):
        units.to_pact("TNE")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("kg", "KGM"),
        ("KG", "KGM"),
        ("㎏", "KGM"),
        ("千克", "KGM"),
        ("t", "TNE"),
        ("吨", "TNE"),
        ("metric ton", "TNE"),
        ("mg", "MGM"),
        ("kWh", "KWH"),
        ("KWH", "KWH"),
        (" kw·h ", "KWH"),
        ("千瓦时", "KWH"),
        ("度", "KWH"),
        ("MWh", "MWH"),
        ("mwh", "MWH"),
        ("GJ", "GV"),
        ("吉焦", "GV"),
        ("m³", "MTQ"),
        ("M3", "MTQ"),
        ("㎥", "MTQ"),
        ("立方米", "MTQ"),
        ("Nm³", "NM3"),
        ("NM3", "NM3"),
        ("m²", "MTK"),
        ("ｋｇ", "KGM"),
        ("t·km", "TKM"),
        ("t km", "TKM"),
        ("ton kilometer", "TKM"),
        ("吨公里", "TKM"),
        ("pcs", "H87"),
        ("件", "H87"),
        ("KGM", "KGM"),
        ("3B", "3B"),
        ("min", "MIN"),
        ("megabit second", "catchment:megabit-second"),
        ("CNY:2023:purchaser", "CNY:2023:purchaser"),
    ],
)
def test_a_word_from_a_spreadsheet_means_what_its_writer_meant(text: str, code: str):
    assert units.from_alias(text) == code


@pytest.mark.parametrize("word", PACT_WORDS)
def test_pact_words_are_also_read_from_spreadsheets(word: str):
    assert units.from_alias(word) == units.from_pact(word)


@pytest.mark.parametrize("text", ["ton", "Tons", "TON", "MT", "Mt"])
def test_a_ton_is_never_guessed_and_the_advice_names_the_tonne(text: str):
    with pytest.raises(UnitAmbiguous, match="tonne"):
        units.from_alias(text)


@pytest.mark.parametrize("text", ["Mg", "MG", "mWh", "mJ", "ML", "M", "MM"])
def test_case_that_decides_the_size_is_not_ignored(text: str):
    with pytest.raises(UnitAmbiguous):
        units.from_alias(text)


@pytest.mark.parametrize("text", ["GJ", "KTM", "kgm", "kg", " KGM", "", "KGM\n", "吨", "tce"])
def test_a_code_is_taken_exactly_as_written(text: str):
    with pytest.raises(UnitUnknown):
        units.parse(text)


@pytest.mark.parametrize(
    ("text", "count", "code"),
    [
        ("万Nm3", 10_000, "NM3"),
        ("10⁴ Nm³", 10_000, "NM3"),
        ("10^4Nm3", 10_000, "NM3"),
        ("×10⁴ Nm3", 10_000, "NM3"),
        ("万千瓦时", 10_000, "KWH"),
        ("亿立方米", 100_000_000, "MTQ"),
        ("万CNY:2025:basic", 10_000, "CNY:2025:basic"),
        ("千瓦时", 1, "KWH"),
        ("t", 1, "TNE"),
    ],
)
def test_statistics_count_in_powers_of_ten(text: str, count: int, code: str):
    assert units.multiple(text) == units.Multiple(Decimal(count), code)


@pytest.mark.parametrize("text", ["104Nm3", "10⁴", "万", "10^44 t", "10¹t", "1万t", "1e4 Nm3"])
def test_other_multiples_are_unknown(text: str):
    with pytest.raises(UnitUnknown):
        units.multiple(text)


@pytest.mark.parametrize(
    ("text", "advised"), [("万标立方米", "Nm3"), ("万元", "CNY:2025:basic"), ("万ton", "tonne")]
)
def test_a_multiple_of_a_word_with_several_meanings_is_not_guessed(text: str, advised: str):
    with pytest.raises(UnitAmbiguous, match=advised):
        units.multiple(text)


@given(st.text(max_size=20))
def test_any_text_is_a_unit_or_unknown(text: str):
    for read in (units.parse, units.from_alias, units.from_pact, units.multiple):
        with suppress(UnitUnknown):
            read(text)


@pytest.mark.parametrize(
    "text",
    [
        "USD:2020",
        "USD:2020:retail",
        "XXX:2020:basic",
        "XAU:2020:basic",
        "RMB:2020:basic",
        "usd:2020:basic",
        "USD:20:basic",
        "USD:2020:basic ",
        "USD:２０２０:basic",
    ],
)
def test_a_price_names_a_currency_a_year_and_a_basis(text: str):
    with pytest.raises(UnitUnknown):
        units.parse(text)


def test_a_currency_of_the_past_still_says_old_prices():
    assert units.parse("HRK:2021:purchaser").dimension == "price HRK:2021:purchaser"


def test_every_currency_in_use_somewhere_is_known():
    # Unicode CLDR (through Babel): legal tender without an end date. CNH is not an ISO 4217 code.
    in_use = {
        code
        for uses in get_global("territory_currencies").values()
        for code, _, end, tender in uses
        if tender and end is None
    } - {"CNH"}
    assert in_use <= units.CURRENCIES | units.WITHDRAWN_CURRENCIES
    assert not units.CURRENCIES & units.WITHDRAWN_CURRENCIES
