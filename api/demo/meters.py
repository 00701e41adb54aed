"""Meters of the demonstration and what they read, month by month. Pure.

The gas meter of the steelworks was replaced in September, so that its register begins anew; nobody
read the meter of the roofs at the beginning of August.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from api.demo.tables import Row, Said, grouped, id_of, number, owner_of, rows
from api.importing.cells import period_of
from ledger import units
from ledger.statements import Meter, Reading, Readings

_SECONDS_OF_A_DAY: Final = 86_400


def meters() -> Iterator[Said]:
    """The meters, then a statement of readings for each of them and each quarter."""
    for row in rows("meters"):
        yield owner_of("sites", row["site"]), _meter(row)
    for read in grouped("readings", "site", "meter", "period"):
        yield owner_of("sites", read[0]["site"]), _readings(read)


def _meter(row: Row) -> Meter:
    return Meter(
        site=id_of(row["site"]),
        meter=row["meter"],
        measures=row["measures"],
        flow=row["flow"],
        source=row["made_from"] or None,
        fuel=row["fuel"] or None,
        unit=units.from_alias(row["unit"]),
        reads="register",
        multiplier=number(row["multiplier"]),
        rollover=number(row["rollover"]),
        spacing_seconds=int(row["spacing_days"]) * _SECONDS_OF_A_DAY,
    )


def _readings(read: list[Row]) -> Readings:
    return Readings(
        site=id_of(read[0]["site"]),
        meter=read[0]["meter"],
        period=period_of(read[0]["period"]),
        readings=tuple(
            Reading(at=dt.datetime.fromisoformat(row["at"]), value=Decimal(row["value"]))
            for row in read
        ),
    )
