"""What an owner says of its data is optional, bounded, and never read in two ways."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from ledger.errors import StatementMalformed
from ledger.schema import dump, load
from ledger.statements import DataQuality, InputLine

LINE = {
    "ref": {"classification": "urn:cpc:4121", "region": "CN"},
    "amount": "1",
    "unit": "KGM",
    "category": 1,
}


def test_what_is_said_of_the_data_is_written_as_it_was_read() -> None:
    said = {"primaryShare": "80", "technology": "1", "geography": "2.5", "time": "5", "gsd": "1.1"}
    assert dump(load(DataQuality, said)) == said


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"technology": "0.9"},
        {"technology": "5.1"},
        {"gsd": "0.99"},
        {"gsd": "101"},
        {"primaryShare": "-1"},
        {"primaryShare": "100.1"},
    ],
)
def test_a_rating_off_its_scale_is_refused(said: dict[str, Any]) -> None:
    with pytest.raises(StatementMalformed):
        load(DataQuality, said)


@pytest.mark.parametrize(
    ("stated", "known"), [("0", 0), ("0.6", None), ("1", None), ("1.01", "1.01"), ("100", 100)]
)
def test_a_share_that_may_be_a_fraction_counts_as_unknown(stated: str, known: Any) -> None:
    quality = DataQuality(primary_share=Decimal(stated))
    assert quality.known_primary_share == (None if known is None else Decimal(known))


def test_a_line_that_says_nothing_of_its_amount_is_written_as_before() -> None:
    assert dump(load(InputLine, LINE)) == LINE
    told = {**LINE, "primary": False, "gsd": "1.2"}
    assert dump(load(InputLine, told)) == told
