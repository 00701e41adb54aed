"""Which footprints are meant: the filters of PACT v3's list, and the data of a request.

Values of one name are alternatives, different names must all hold, case does not matter, and an
empty value asks for nothing. A footprint's validity is its stated period, else three years from
the end of its reference period (`ledger.pact`):

=============  ===============================
``validOn``    start ≤ x ≤ end
``validAfter``  start > x
``validBefore``  end < x
=============  ===============================
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa

from api import tables
from api.errors import CriterionRefused

TERMS: Final = ("productId", "companyId", "geography", "classification")
"""Filters by words that stand in a footprint."""
MOMENTS: Final = ("validOn", "validAfter", "validBefore")
"""Filters by its validity."""
STATUSES: Final = ("Active", "Deprecated")
MOST_VALUES: Final = 100
"""Of one name."""
LONGEST_VALUE: Final = 2000
_IN_NO_FOOTPRINT = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
"""No footprint has such characters where filters look, and not every database takes them."""

_SHELVED = tables.shelved.c
_TERM = tables.shelved_term.c


@dataclass(frozen=True, slots=True)
class Criteria:
    """What a footprint must be like; nothing given means every one.

    ``terms`` are in lower case, ``moments`` milliseconds since 1970, ``statuses`` in lower case:
    one that is no status matches nothing.
    """

    terms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    moments: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    statuses: tuple[str, ...] = ()

    @classmethod
    def of(cls, given: Mapping[str, Sequence[str]]) -> Criteria:
        """Read what was given under each name; names beyond the eight are passed over.

        Raises CriterionRefused for a moment that is none, and for too much of anything.
        """
        kept = {name: _kept(name, given.get(name, ())) for name in (*TERMS, *MOMENTS, "status")}
        lowered = {name: tuple(value.lower() for value in kept[name]) for name in TERMS}
        moments = {name: tuple(_moment(name, value) for value in kept[name]) for name in MOMENTS}
        return cls(
            terms={name: values for name, values in lowered.items() if values},
            moments={name: values for name, values in moments.items() if values},
            statuses=tuple(value.lower() for value in kept["status"]),
        )

    def conditions(self, now_ms: int) -> Iterator[sa.ColumnElement[bool]]:
        """The same as conditions on `api.tables.shelved`; status is that at ``now_ms``."""
        for name, values in self.terms.items():
            possible = [value for value in values if not _IN_NO_FOOTPRINT.search(value)]
            found = sa.select(_TERM.serial).where(_TERM.name == name, _TERM.value.in_(possible))
            yield _SHELVED.serial.in_(found)
        for name, moments in self.moments.items():
            yield sa.or_(*(_holds(name, moment) for moment in moments))
        if self.statuses:
            yield sa.or_(sa.false(), *_status_is(self.statuses, now_ms))


def terms_of(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """By which words a PACT footprint is found: (name, value in lower case), each once."""
    pcf = document["pcf"]
    places = ("geographyRegionOrSubregion", "geographyCountry", "geographyCountrySubdivision")
    said = {
        "productId": document["productIds"],
        "companyId": document["companyIds"],
        "classification": document.get("productClassifications") or (),
        "geography": [pcf[place] for place in places if pcf.get(place)],
    }
    for name, values in said.items():
        yield from dict.fromkeys((name, value.lower()) for value in values)


def _holds(name: str, moment: int) -> sa.ColumnElement[bool]:
    if name == "validOn":
        return sa.and_(_SHELVED.valid_from <= moment, _SHELVED.valid_until >= moment)
    return _SHELVED.valid_from > moment if name == "validAfter" else _SHELVED.valid_until < moment


def _status_is(statuses: Sequence[str], now_ms: int) -> Iterator[sa.ColumnElement[bool]]:
    over = sa.or_(_SHELVED.deprecated_at.is_not(None), _SHELVED.valid_until <= now_ms)
    conditions = {"active": sa.not_(over), "deprecated": over}
    return (conditions[status] for status in statuses if status in conditions)


def _kept(name: str, values: Sequence[str]) -> tuple[str, ...]:
    kept = tuple(value for value in values if value)
    if len(kept) > MOST_VALUES or any(len(value) > LONGEST_VALUE for value in kept):
        raise CriterionRefused(name=name, reason="it has too many values, or one is too long")
    return kept


def _moment(name: str, value: str) -> int:
    try:
        instant = dt.datetime.fromisoformat(value)
        if instant.tzinfo is None:
            raise ValueError
        return round(instant.timestamp() * 1000)
    except (ValueError, OverflowError):
        raise CriterionRefused(
            name=name,
            reason="a date and time with a zone, such as 2025-01-01T00:00:00Z, is expected",
        ) from None
