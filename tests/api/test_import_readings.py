"""A table of readings: what it asks for, and every row that does not fit, with what to do."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.errors import ReadingsRefused, TableRefused, TimeRefused, TimeSkipped, TimeTwice
from api.importing.planning import plan
from api.importing.readings import Of, readings_in, time_at
from api.importing.sheets import read_csv
from api.importing.wanted import Books, Reading, Stands
from ledger import jws
from ledger.statements import Readings
from ledger.statements.meters import MOST_READINGS

pytestmark = pytest.mark.only_on("sqlite", "what a table holds is not about databases")

SHANGHAI, BERLIN = zoneinfo.ZoneInfo("Asia/Shanghai"), zoneinfo.ZoneInfo("Europe/Berlin")
SUBJECT, SITE = "6b1f0a52-6c1e-4c57-9d0b-0d8f4f0f3a00", "6b1f0a52-6c1e-4c57-9d0b-0d8f4f0f3a01"
ABOUT = Of(SUBJECT, SITE, "E1", SHANGHAI)


def read(text: str | bytes, about: Of = ABOUT, books: Books | None = None) -> Reading:
    data = text.encode() if isinstance(text, str) else text
    return readings_in(read_csv(data, "may"), about, books or {})


def bodies(found: Reading) -> list[Readings]:
    assert found.problems == []
    return [cast(Readings, each.body) for each in found.wanted]


def rows(body: Readings) -> list[tuple[str, str]]:
    return [(each.at.isoformat(), str(each.value)) for each in body.readings]


def standing(found: Reading) -> Books:
    """What stands once all of it was said."""
    return {
        each.body.natural_key(SUBJECT).text: Stands(f"{k:064}", each.body)
        for k, each in enumerate(found.wanted)
    }


def problems(found: Reading) -> list[tuple[str, str]]:
    return [(each.where, str(each)) for each in found.problems]


def test_local_times_are_those_of_the_site_and_each_month_is_a_statement() -> None:
    found = read("time,value\n2025-05-31 23:00,10\n2025-06-01 01:00,12.50\n2025-05-31 22:00,9\n")
    may, june = bodies(found)
    assert (may.period.text, june.period.text) == ("2025-05-01/2025-06-01", "2025-06-01/2025-07-01")
    assert rows(may) == [("2025-05-31T22:00:00+08:00", "9"), ("2025-05-31T23:00:00+08:00", "10")]
    assert rows(june) == [("2025-06-01T01:00:00+08:00", "12.50")]
    assert [each.label for each in found.wanted] == ["E1 2025-05", "E1 2025-06"]
    assert found.wanted[0].rows == ("may!2", "may!4")


@pytest.mark.parametrize(
    "written",
    [
        "2025-05-01T08:15:00+08:00",
        "2025-05-01T00:15:00Z",
        "2025-05-01 02:15+02:00",
        "2025-05-01 08:15",
        "2025/5/1 8:15:00",
        "2025.05.01 08:15:00.000",
        "2025年5月1日 8:15",
    ],
)
def test_a_moment_is_written_in_many_ways(written: str) -> None:
    assert time_at(written, SHANGHAI).isoformat() == "2025-05-01T08:15:00+08:00"


def test_24_hours_and_a_day_alone_are_midnight() -> None:
    assert time_at("2025-05-31 24:00", SHANGHAI) == time_at("2025-06-01", SHANGHAI)


@pytest.mark.parametrize(
    "written",
    ["", "noon", "2025-13-01 00:00", "2025-02-29", "2025-05-01 25:00", "2025-05-01 24:01",
     "2025-05-01 08:60", "05/01/2025 08:15", "2025-05-01 08:15:00.5", "45778.34", "1850-01-01",
     "9999-12-31 24:00", "2025-05-01 08:15+99:00", "２０２５-05-01"],
)  # fmt: skip
def test_what_is_no_moment_is_refused(written: str) -> None:
    with pytest.raises(TimeRefused):
        time_at(written, SHANGHAI)


def test_a_local_time_that_never_was_or_was_twice_is_refused() -> None:
    """In Berlin 2025-03-30 02:30 was skipped, and 2025-10-26 02:30 came twice."""
    with pytest.raises(TimeSkipped):
        time_at("2025-03-30 02:30", BERLIN)
    with pytest.raises(TimeTwice) as twice:
        time_at("2025-10-26 02:30", BERLIN)
    assert "2025-10-26T02:30:00+02:00 or 2025-10-26T02:30:00+01:00" in twice.value.advice % (
        twice.value.params
    )
    assert time_at("2025-10-26T02:30:00+01:00", BERLIN).timestamp() == 1761442200
    both = read(
        "time,value\n2025-10-26T02:30+02:00,1\n2025-10-26T02:30+01:00,2\n",
        replace(ABOUT, zone=BERLIN),
    )
    assert rows(bodies(both)[0]) == [
        ("2025-10-26T02:30:00+02:00", "1"), ("2025-10-26T02:30:00+01:00", "2"),
    ]  # fmt: skip
    assert time_at("2025-03-30 03:00", BERLIN).isoformat() == "2025-03-30T03:00:00+02:00"


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffTime,Value\n2025-05-01 08:15,7\n".encode(),
        "时间;读数\n2025-05-01 08:15;7\n".encode(),
        "时间\t读数\n2025年5月1日 08:15\t7\n".encode("gb18030"),
        "表号,采集时间,示数,备注\nE1,2025-05-01 08:15,7,正常\n".encode("gb18030"),
    ],
)
def test_heads_are_english_or_chinese_in_either_encoding(text: bytes) -> None:
    (body,) = bodies(read(text))
    assert rows(body) == [("2025-05-01T08:15:00+08:00", "7")]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("time,number\n2025-05-01,7\n", "no column called value"),
        ("value\n7\n", "no column called time"),
        ("time,value,reading\n2025-05-01,7,8\n", "only one can be meant"),
        ("time,value\n", "no rows"),
        ("", "no column called time"),
    ],
)
def test_a_table_without_its_columns_or_rows_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ReadingsRefused, match=reason):
        read(text)


def test_every_row_that_does_not_fit_is_told_with_what_to_do_and_nothing_is_wanted() -> None:
    found = read(
        "time,value\n"
        "2025-05-01 08:00,7\n"
        "yesterday,8\n"
        "2025-05-01 09:00,\n"
        "2025-05-01 10:00,-3\n"
        '2025-05-01 11:00,"1,234.5"\n'
        "2025-05-01 08:00,7\n"
        "2025-05-01 08:00,9\n"
        "2025-05-01 12:00,=A1\n"
        f"2025-05-01 13:00,{'9' * 300}\n"
    )
    assert found.wanted == []
    told = problems(found)
    assert [where for where, _ in told] == [
        "may!3 time", "may!4 value", "may!5 value", "may!6 value", "may!8", "may!9 value",
        "may!10 value",
    ]  # fmt: skip
    sentences = dict(told)
    assert "is not a time. Write 2025-01-31 08:15" in sentences["may!3 time"]
    assert "no meter reads less than 0" in sentences["may!5 value"]
    assert "without separators" in sentences["may!6 value"]
    assert "Row 2 has 7 for the same moment, and this one 9." in sentences["may!8"]


def test_what_closes_a_month_stays_in_it_unless_more_of_the_next_month_follows() -> None:
    closing = "time,value\n2025-12-31 12:00,1\n2026-01-01 00:00,2\n"
    (december,) = bodies(read(closing))
    assert december.period.text == "2025-12-01/2026-01-01"
    assert len(december.readings) == 2
    both = bodies(read(f"{closing}2026-01-01 12:00,3\n"))
    assert [len(each.readings) for each in both] == [1, 2]


def test_a_month_that_is_stated_keeps_what_the_file_does_not_have() -> None:
    first = read("time,value\n2025-05-01 00:00,1\n2025-05-02 00:00,2\n")
    later = "time,value\n2025-05-02 00:00,2.5\n2025-05-03 00:00,3\n"
    (kept,) = bodies(read(later, books=standing(first)))
    assert [str(each.value) for each in kept.readings] == ["1", "2.5", "3"]
    (replaced,) = bodies(read(later, replace(ABOUT, replace=True), standing(first)))
    assert [str(each.value) for each in replaced.readings] == ["2.5", "3"]


def test_a_corrected_reading_is_corrected_in_both_months_that_have_it() -> None:
    first = read("time,value\n2025-05-31 00:00,1\n2025-06-01 00:00,2\n")
    later = "time,value\n2025-05-31 00:00,1\n2025-06-01 00:00,3\n2025-06-02 00:00,4\n"
    may, june = bodies(read(later, books=standing(first)))
    assert [str(each.value) for each in may.readings] == ["1", "3"]
    assert [str(each.value) for each in june.readings] == ["3", "4"]


def test_the_same_again_changes_nothing_and_a_correction_follows_what_stands() -> None:
    text = "time,value\n2025-05-01 00:00,1\n2025-06-01 12:00,2\n"
    books = standing(read(text))
    again = plan(read(text.replace("1\n", "1.0\n"), books=books), lambda _: books)
    assert [each.action for each in again] == ["unchanged", "unchanged"]
    changed = plan(read(text.replace(",2\n", ",3\n"), books=books), lambda _: books)
    assert [(each.action, each.prev) for each in changed] == [
        ("unchanged", f"{0:064}"), ("change", f"{1:064}"),
    ]  # fmt: skip
    assert changed[1].changed == ("readings",)


def _minutes(count: int) -> Iterator[str]:
    start = dt.datetime(2025, 5, 1)
    yield "time,value"
    for k in range(count):
        yield f"{start + dt.timedelta(minutes=5 * k):%Y-%m-%d %H:%M},{k}.123"


def test_a_long_month_is_cut_into_parts_that_each_fit() -> None:
    """8 928 readings, one in five minutes: 3 of 2 976."""
    found = read("\n".join(_minutes(8928)))
    parts = bodies(found)
    assert [(each.part.text, len(each.readings)) for each in parts] == [
        ("1of3", 2976), ("2of3", 2976), ("3of3", 2976),
    ]  # fmt: skip
    assert sum(len(each.readings) for each in parts) == 8928


def test_readings_with_many_digits_are_cut_by_their_size() -> None:
    digits = "1" * 38
    lines = [line.replace(".123", f".{digits}") for line in _minutes(MOST_READINGS)]
    lines[0] = "time,value"
    parts = bodies(read("\n".join(lines)))
    assert len(parts) == 2
    size = max(len(str(rows(each))) for each in parts)
    assert size < jws.MAX_COMPACT_BYTES * 3 / 4


def test_parts_that_no_longer_fit_end_before_the_new_ones_begin() -> None:
    books = standing(read("time,value\n2025-05-31 23:59,99999\n"))
    steps = plan(read("\n".join(_minutes(4000)), books=books), lambda _: books)
    assert [each.action for each in steps] == ["end", "new", "new"]
    last = cast(Readings, steps[2].wanted.body).readings[-1]
    assert last.value == Decimal(99999)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_bytes_are_read_as_something_else_than_readings_or_a_refusal(data: bytes) -> None:
    """Whatever it is, it is readings, or a condition with words."""
    for text in (data, b"time,value\n" + data, b"time,value\n2025-01-01 00:00,1\n" + data):
        try:
            found = read(text)
        except TableRefused:
            continue
        assert found.problems or found.wanted
        assert not (found.problems and found.wanted)
