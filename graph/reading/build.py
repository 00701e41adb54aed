"""The network of a year at one prefix of the log: a pure function of both."""

from __future__ import annotations

import datetime as dt

from graph.reading.current import CurrentYear
from graph.reading.network import Network
from ledger.standing import Standing


def build(standing: Standing, year: int, valid_on: dt.date | None = None) -> Network:
    """The network of ``year`` at the prefix ``standing`` was folded from.

    Statements of other years enter only as stand-ins for products nothing in the year describes.
    As of one day, ``valid_on``, what is in force on that day stands for the whole year.
    """
    return CurrentYear(standing, year, valid_on).network()
