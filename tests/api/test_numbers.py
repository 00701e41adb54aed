"""Numbers as strings: what is written is what was computed, to twelve digits."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.figures.numbers import percent, places_for, plain, tonnes
from api.web.wire import PLAIN_DECIMAL

FINITE = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.7125, "3.7125"),
        (0.0, "0"),
        (-0.0, "0"),
        (330.0, "330"),
        (1e20, "100000000000000000000"),
        (1e-7, "0.0000001"),
        (1 / 3, "0.333333333333"),
        (-2 / 3, "-0.666666666667"),
        (123456789012.5, "123456789012"),
        (0.1 + 0.2, "0.3"),
        (1200.0, "1200"),
    ],
)
def test_a_figure_is_written_plainly(value: float, text: str) -> None:
    assert plain(value) == text


def test_unknown_stays_unknown() -> None:
    assert plain(None) is None


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_never_leaves_the_house(value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        plain(value)


@given(FINITE)
def test_every_figure_fits_the_documented_pattern(value: float) -> None:
    assert re.fullmatch(PLAIN_DECIMAL, plain(value))


@given(FINITE)
def test_no_more_than_twelve_digits_count(value: float) -> None:
    assert len(plain(value).replace(".", "").lstrip("-0").rstrip("0")) <= 12


@given(FINITE)
def test_a_figure_reads_back_to_twelve_digits(value: float) -> None:
    text = plain(value)
    assert float(text) == pytest.approx(value, rel=1e-11, abs=5e-324)
    assert "E" not in text.upper()
    assert Decimal(text) == 0 or text.lstrip("-") != "0"


@given(FINITE)
def test_writing_what_was_read_changes_nothing(value: float) -> None:
    assert plain(float(plain(value))) == plain(value)


@pytest.mark.parametrize(
    ("kg", "total", "text"),
    [
        (33_000_000, 33_000_000, "33,000"),
        (501_750, 17_587_000, "502"),
        (-4_290_000, 33_000_000, "-4,290"),
        (24, 330, "0.024"),
        (-0.0001, 330, "0.000"),
        (123_456, 250_000, "123.5"),
        (1_234, 56_000, "1.23"),
    ],
)
def test_tonnes_on_a_page_have_as_many_decimals_as_their_total(
    kg: float, total: float, text: str
) -> None:
    assert tonnes(kg, places_for(total)) == text


def test_a_share_is_shown_in_per_cent() -> None:
    assert percent(0.7576) == "75.8 %"
