"""What a meter counted, month by month: every case by hand, with the working beside it."""

from __future__ import annotations

import datetime as dt
import itertools
import zoneinfo
from collections.abc import Iterable
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graph.errors import UnknownMeter
from graph.reading.meters import Metered, latest_year_at, metered, meters_at
from ledger.log import Accepted
from ledger.statements import Meter, Part, Period, Reading, Readings
from tests.factory import Actor, Factory

SHANGHAI = zoneinfo.ZoneInfo("Asia/Shanghai")
BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")

Read = tuple[str, str]
"""A local time such as ``2025-03-01 00:00``, and what was read."""


def meter(acme: Actor, site: str, name: str = "E1", **members: object) -> str:
    """A register of electricity bought, in kWh."""
    plain = {"measures": "electricity", "flow": "bought", "source": "grid", "unit": "KWH"}
    acme.say(Meter(**{"site": site, "meter": name, "reads": "register", **plain, **members}))
    return name


def body(
    site: str,
    read: Iterable[Read],
    period: tuple[str, str] = ("2025-01-01", "2026-01-01"),
    *,
    name: str = "E1",
    zone: zoneinfo.ZoneInfo = SHANGHAI,
    part: tuple[int, int] = (1, 1),
) -> Readings:
    start, end = map(dt.date.fromisoformat, period)
    return Readings(
        site=site,
        meter=name,
        period=Period(start=start, end=end),
        part=Part(k=part[0], n=part[1]),
        readings=tuple(
            Reading(at=dt.datetime.fromisoformat(at).replace(tzinfo=zone), value=Decimal(value))
            for at, value in read
        ),
    )


def amounts(found: Metered) -> list[float | None]:
    return [month.amount for month in found.months]


def flags(found: Metered) -> list[tuple[str, str, str]]:
    return [(f.kind, f"{f.start:%Y-%m-%d %H:%M}", f"{f.end:%Y-%m-%d %H:%M}") for f in found.flags]


def told(factory: Factory, site: str, year: int = 2025, name: str = "E1") -> Metered:
    return metered(factory.standing(), site, name, year)


def test_a_register_is_the_difference_times_the_multiplier(
    factory: Factory, acme: Actor, site: str
) -> None:
    """(1300 - 1000) · 40 = 12 000 kWh in January, (1350 - 1300) · 40 = 2 000 in February."""
    meter(acme, site, multiplier=Decimal(40))
    ends = [
        ("2025-01-01 00:00", "1000"),
        ("2025-02-01 00:00", "1300"),
        ("2025-03-01 00:00", "1350"),
    ]
    acme.say(body(site, ends))
    found = told(factory, site)
    assert amounts(found) == [12_000, 2_000, *[None] * 10]
    assert found.whole.amount == 14_000
    assert [month.share for month in found.months] == [1, 1, *[0] * 10]
    assert found.whole.share == pytest.approx((31 + 28) / 365)
    assert flags(found) == [("gap", "2025-03-01 00:00", "2026-01-01 00:00")]
    assert found.through == dt.datetime(2025, 3, 1, tzinfo=SHANGHAI)


def test_what_straddles_the_end_of_a_month_is_split_by_time(
    factory: Factory, acme: Actor, site: str
) -> None:
    """From 22 January to 11 February are 20 days, 10 of them in January: 500 of 1 000."""
    meter(acme, site)
    acme.say(body(site, [("2025-01-22 00:00", "0"), ("2025-02-11 00:00", "1000")]))
    found = told(factory, site)
    assert amounts(found)[:3] == [500, 500, None]
    assert (found.months[0].known, found.months[0].readings) == (10 * 86_400, 1)


def test_months_follow_the_clock_of_the_site_over_both_changes_of_summer_time(
    factory: Factory, acme: Actor
) -> None:
    """One kWh an hour: March has 743 hours in Berlin, October 745, the year 8 760."""
    site = acme.site("Werk", time_zone="Europe/Berlin")
    meter(acme, site)
    acme.say(
        body(
            site,
            [("2025-01-01 00:00", "0"), ("2025-07-01 00:00", "4343"), ("2025-12-31 00:00", "8736")],
            zone=BERLIN,
        )
    )
    acme.say(body(site, [("2026-01-02 00:00", "8784")], ("2026-01-01", "2026-02-01"), zone=BERLIN))
    found = told(factory, site)
    assert found.months[2].amount == pytest.approx(743)
    assert found.months[9].amount == pytest.approx(745)
    assert found.months[3].amount == pytest.approx(720)
    assert found.whole.amount == pytest.approx(8760)
    assert found.months[2].seconds == 743 * 3600
    assert found.flags == ()


def test_a_register_that_begins_again_at_zero_goes_on_counting(
    factory: Factory, acme: Actor, site: str
) -> None:
    """10 000 - 9 900 + 50 = 150."""
    meter(acme, site, rollover=Decimal(10_000))
    acme.say(body(site, [("2025-01-01 00:00", "9900"), ("2025-02-01 00:00", "50")]))
    found = told(factory, site)
    assert found.months[0].amount == 150
    assert ("rollover", "2025-01-01 00:00", "2025-02-01 00:00") in flags(found)
    assert found.months[0].flags == ("rollover",)


@pytest.mark.parametrize(
    ("rollover", "before", "now"),
    [
        (None, "9900", "50"),  # it does not say where it begins again
        ("10000", "4000", "50"),  # 10 000 - 4 000 + 50 = 6 050 is half of it and more
        ("10000", "12000", "50"),  # it was beyond where it begins again
        ("10000", "5000", "0"),  # just half
    ],
)
def test_what_a_register_counted_while_it_was_reset_is_unknown_and_never_negative(
    factory: Factory, acme: Actor, site: str, rollover: str | None, before: str, now: str
) -> None:
    meter(acme, site, rollover=Decimal(rollover) if rollover else None)
    read = [("2025-01-01 00:00", "0"), ("2025-02-01 00:00", before), ("2025-03-01 00:00", now)]
    acme.say(body(site, [*read, ("2025-04-01 00:00", "5100")]))
    found = told(factory, site)
    assert amounts(found)[:3] == [float(before), None, 5100 - float(now)]
    assert found.months[1].flags == ("reset",)
    assert ("reset", "2025-02-01 00:00", "2025-03-01 00:00") in flags(found)
    assert found.whole.known == (31 + 31) * 86_400


def test_a_gap_of_a_register_is_flagged_and_what_it_counted_is_known(
    factory: Factory, acme: Actor, site: str
) -> None:
    """Read daily, and not from the 2nd to the 5th: 1.5 days would have been late."""
    meter(acme, site, spacing_seconds=86_400)
    read = [("2025-01-01 00:00", "0"), ("2025-01-02 00:00", "10"), ("2025-01-05 00:00", "70")]
    acme.say(body(site, [*read, ("2025-01-06 12:00", "85")]))
    found = told(factory, site)
    assert found.months[0].amount == 85
    assert found.months[0].known == 5.5 * 86_400
    assert flags(found) == [
        ("gap", "2025-01-02 00:00", "2025-01-05 00:00"),
        ("gap", "2025-01-06 12:00", "2026-01-01 00:00"),
    ]


def test_of_the_time_that_an_interval_meter_left_out_nothing_is_known(
    factory: Factory, acme: Actor, site: str
) -> None:
    """Hours ending 1, 2, 5: the third value is for the hour from 4 to 5."""
    meter(acme, site, reads="interval", spacing_seconds=3600)
    read = [("2025-01-01 01:00", "3"), ("2025-01-01 02:00", "4"), ("2025-01-01 05:00", "5")]
    acme.say(body(site, read))
    found = told(factory, site)
    assert (found.months[0].amount, found.months[0].known) == (12, 3 * 3600)
    assert flags(found)[0] == ("gap", "2025-01-01 02:00", "2025-01-01 04:00")


def test_without_a_spacing_the_first_interval_is_for_a_time_that_nobody_states(
    factory: Factory, acme: Actor, site: str
) -> None:
    meter(acme, site, reads="interval")
    acme.say(body(site, [("2025-01-01 01:00", "3"), ("2025-01-01 02:00", "4")]))
    found = told(factory, site)
    assert (found.months[0].amount, found.months[0].known) == (4, 3600)


def test_readings_of_other_years_close_the_ends(factory: Factory, acme: Actor, site: str) -> None:
    """31 of 62 days before, 31 of 59 after: 100 · 31/62 + 730 + 118 · 31/59 = 842 over the year."""
    meter(acme, site)
    december, february = "2024-12-01 00:00", "2025-02-01 00:00"
    acme.say(body(site, [(december, "0")], ("2024-01-01", "2025-01-01")))
    acme.say(body(site, [(february, "100"), ("2025-12-01 00:00", "830")]))
    acme.say(body(site, [("2026-01-29 00:00", "948")], ("2026-01-01", "2027-01-01")))
    found = told(factory, site)
    assert found.whole.amount == pytest.approx(50 + 730 + 118 * 31 / 59)
    assert found.whole.is_whole
    assert found.flags == ()
    assert found.through == dt.datetime(2026, 1, 1, tzinfo=SHANGHAI)


def test_what_is_not_read_is_unknown_and_not_zero(factory: Factory, acme: Actor, site: str) -> None:
    meter(acme, site)
    found = told(factory, site)
    assert amounts(found) == [None] * 12
    assert (found.whole.amount, found.whole.share, found.through) == (None, 0, None)
    assert flags(found) == [("gap", "2025-01-01 00:00", "2026-01-01 00:00")]


def test_what_stood_still_is_zero(factory: Factory, acme: Actor, site: str) -> None:
    meter(acme, site)
    acme.say(body(site, [("2025-01-01 00:00", "7"), ("2025-02-01 00:00", "7")]))
    assert amounts(told(factory, site))[:2] == [0, None]


def test_of_two_readings_of_one_instant_the_later_statement_counts_and_that_is_told(
    factory: Factory, acme: Actor, site: str
) -> None:
    meter(acme, site)
    january = [("2025-01-01 00:00", "0"), ("2025-02-01 00:00", "100")]
    february = [("2025-02-01 00:00", "90"), ("2025-03-01 00:00", "150")]
    acme.say(body(site, february, ("2025-02-01", "2025-03-01")))
    acme.say(body(site, january, ("2025-01-01", "2025-02-01")))
    found = told(factory, site)
    assert amounts(found)[:2] == [100, 50]
    assert ("disagree", "2025-02-01 00:00", "2025-02-01 00:00") in flags(found)
    assert [month.flags for month in found.months[:2]] == [(), ("disagree",)]


def test_parts_count_when_all_of_them_stand(factory: Factory, acme: Actor, site: str) -> None:
    meter(acme, site)
    first = [("2025-01-01 00:00", "0"), ("2025-02-01 00:00", "10")]
    acme.say(body(site, first, part=(1, 2)))
    assert told(factory, site).whole.amount is None
    acme.say(body(site, [("2025-03-01 00:00", "30")], part=(2, 2)))
    assert amounts(told(factory, site))[:3] == [10, 20, None]


def test_a_correction_counts_and_is_told(factory: Factory, acme: Actor, site: str) -> None:
    meter(acme, site)
    read = [("2025-01-01 00:00", "0"), ("2025-02-01 00:00", "10")]
    said: Accepted = acme.say(body(site, read, ("2025-01-01", "2025-02-01")))
    before = told(factory, site)
    changed = body(site, [read[0], ("2025-02-01 00:00", "12")]).readings
    acme.correct(said, readings=changed)
    found = told(factory, site)
    assert (before.months[0].amount, found.months[0].amount) == (10, 12)
    assert ("superseded", "2025-01-01 00:00", "2025-02-01 00:00") in flags(found)
    assert found.as_of > before.as_of


def test_only_the_days_that_are_asked_about_count(factory: Factory, acme: Actor, site: str) -> None:
    """Ten a day all year; from 16 June to the end of July 15 and 31 days."""
    meter(acme, site)
    acme.say(body(site, [("2025-01-01 00:00", "0"), ("2026-01-01 00:00", "3650")]))
    days = Period(start=dt.date(2025, 6, 16), end=dt.date(2025, 8, 1))
    found = metered(factory.standing(), site, "E1", 2025, [days])
    assert amounts(found)[4:8] == [None, pytest.approx(150), pytest.approx(310), None]
    assert [month.share for month in found.months[4:8]] == [None, 1, 1, None]
    assert found.flags == ()


def test_a_meter_that_nobody_states_is_unknown(factory: Factory, acme: Actor, site: str) -> None:
    with pytest.raises(UnknownMeter):
        told(factory, site)


def test_meters_are_listed_by_name_and_the_latest_year_at_is_known(
    factory: Factory, acme: Actor, site: str
) -> None:
    for name in ("W2", "E1"):
        meter(acme, site, name)
    assert latest_year_at(factory.standing(), [site]) == 1970
    acme.inventory(site, year=2024)
    assert latest_year_at(factory.standing(), [site]) == 2024
    acme.say(body(site, [("2023-01-01 00:00", "0")], ("2023-01-01", "2024-01-01")))
    standing = factory.standing()
    assert [said.key.parts[1] for said in meters_at(standing, site)] == ["E1", "W2"]
    assert latest_year_at(standing, [site]) == 2023


HOURS = st.lists(st.integers(1, 24 * 40), min_size=1, max_size=12)
STEPS = st.lists(st.decimals(0, 10_000, places=3), min_size=12, max_size=12)
ONE_LOG = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def _instants(hours: list[int]) -> list[dt.datetime]:
    start = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
    after = [start + dt.timedelta(hours=each) for each in itertools.accumulate(hours)]
    return [start, *(each for each in after if each.year == 2025)]


@ONE_LOG
@given(hours=HOURS, steps=STEPS)
def test_months_add_up_to_what_was_counted_and_intervals_say_the_same_as_a_register(
    factory: Factory, hours: list[int], steps: list[Decimal]
) -> None:
    acme = factory.enterprise("Acme")
    site = acme.site("Works", time_zone="UTC")
    at = _instants(hours)
    counted = [Decimal(0), *itertools.accumulate(steps[: len(at) - 1])]
    between = [Decimal(0), *steps[: len(at) - 1]]
    for name, reads, values in (("R", "register", counted), ("I", "interval", between)):
        meter(acme, site, name, reads=reads)
        readings = tuple(Reading(at=a, value=v) for a, v in zip(at, values, strict=True))
        period = Period(start=dt.date(2025, 1, 1), end=dt.date(2026, 1, 1))
        acme.say(Readings(site=site, meter=name, period=period, readings=readings))
    register, interval = (told(factory, site, name=name) for name in "RI")
    assert register.months == interval.months
    known = [amount for amount in amounts(register) if amount is not None]
    assert sum(known) == pytest.approx(float(counted[-1]), abs=1e-6)
    assert all(amount >= 0 for amount in known)


def test_a_year_of_quarter_hours_is_added_up_by_month(
    factory: Factory, acme: Actor, site: str
) -> None:
    meter(acme, site, spacing_seconds=900)
    at = dt.datetime(2025, 1, 1, tzinfo=SHANGHAI)
    for month in range(1, 13):
        end = dt.datetime(2025 + month // 12, month % 12 + 1, 1, tzinfo=SHANGHAI)
        count = (end - at) // dt.timedelta(minutes=15)
        first = (at - dt.datetime(2025, 1, 1, tzinfo=SHANGHAI)) // dt.timedelta(minutes=15)
        readings = tuple(
            Reading(at=at + k * dt.timedelta(minutes=15), value=Decimal(first + k) / 8)
            for k in range(count)
        )
        period = Period(start=at.date(), end=end.date())
        acme.say(Readings(site=site, meter="E1", period=period, readings=readings))
        at = end
    found = metered(factory.standing(), site, "E1", 2025)
    assert found.whole.readings == 35_040
    assert found.months[0].amount == 31 * 96 / 8
    assert found.whole.share == pytest.approx(1 - 1 / 35_040)
