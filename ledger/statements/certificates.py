"""Certificates that are used up: of green power, of removals elsewhere, of offsets.

Every serial number of a registry counts once in the whole log, whoever uses it and for what.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import marshmallow as ma
from marshmallow import fields, validate

from ledger import units
from ledger.schema import Checked, EntityId, Text, positive, said
from ledger.statements.base import Body
from ledger.statements.parts import FIRST_YEAR, LAST_YEAR

GREEN_POWER: Final = "green-power"
REMOVAL: Final = "removal"
OFFSET: Final = "offset"
CERTIFICATES: Final = (GREEN_POWER, REMOVAL, OFFSET)
MOST_SERIALS_OF_ONE: Final = 1000
"""Serial numbers that one statement can use up: each is claimed for good."""
_TAIL = re.compile(r"\d+\Z", re.ASCII)
_REGISTRY = validate.Regexp(
    r"^(?!www\.)[a-z0-9]([a-z0-9.-]{0,58}[a-z0-9])?\Z",
    error="Up to 60 lower-case letters, digits, full stops and hyphens are expected, without www. "
    "before them and with a letter or digit at the end.",
)
_SERIAL = validate.Regexp(
    r"^[A-Z0-9][A-Z0-9./-]{0,79}\Z",
    error="Up to 80 capital letters, digits, full stops, hyphens and slashes are expected.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate(Body):
    """Certificates of one registry, used up for a year of a site or of a park.

    ``green-power`` covers electricity bought from a grid, market-based. ``removal`` is of a sink
    inside the fence that a registry has verified. ``offset`` is of a reduction or removal
    elsewhere: it is only told beside a park's net figure and lowers no footprint.
    """

    TYPE = "certificate"
    SIGNED_BY = ("supplier", "park")
    kind: str = said(
        fields.String(required=True, validate=validate.OneOf(CERTIFICATES)),
        "green-power, removal or offset.",
    )
    registry: str = said(
        fields.String(required=True, validate=_REGISTRY), "The registry, such as gec.cn."
    )
    serial: str = said(fields.String(required=True, validate=_SERIAL), "The first serial number.")
    count: int = said(
        fields.Integer(
            strict=True, load_default=1, validate=validate.Range(1, MOST_SERIALS_OF_ONE)
        ),
        "How many serial numbers in a row, counted up in the digits at the end of the first.",
    )
    amount: Decimal = said(positive(required=True), "What they are for, together.")
    unit: str = said(
        Checked(units.parse, required=True),
        "Unit code: of energy for green power, of mass (of CO2e) for removals and offsets.",
    )
    year: int = said(
        fields.Integer(required=True, strict=True, validate=validate.Range(FIRST_YEAR, LAST_YEAR)),
        "The calendar year they are used up for.",
    )
    vintage: int | None = said(
        fields.Integer(strict=True, validate=validate.Range(FIRST_YEAR, LAST_YEAR)),
        "The calendar year in which it was generated, removed or reduced.",
    )
    site: str | None = said(EntityId(), "The site they are used for.")
    park: str | None = said(EntityId(), "The park they are used for, all of its sites together.")
    project: str | None = said(Text(), "What they come from, such as a wind farm by name.")

    def __post_init__(self) -> None:
        if (self.site is None) == (self.park is None):
            raise ma.ValidationError("They are used for a site or for a park: name one.", "site")
        if self.kind == OFFSET and self.park is None:
            raise ma.ValidationError("Offsets are a park's: name the park.", "park")
        expected = "energy" if self.kind == GREEN_POWER else "mass"
        if units.parse(self.unit).dimension != expected:
            raise ma.ValidationError(f"A unit of {expected} is expected.", "unit")
        if self.count > 1 and self._width_after(self.count - 1) is None:
            raise ma.ValidationError(
                "Several serial numbers in a row end in digits with room to count up.", "count"
            )

    def key_parts(self, subject: str) -> tuple[str, ...]:
        return (self.registry, self.serial)

    @property
    def used_for(self) -> str:
        """The id of the site or park."""
        return self.site or self.park or ""

    @property
    def last_day(self) -> dt.date:
        """Who owns a site then answers for what is used up for it in the year."""
        return dt.date(self.year, 12, 31)

    @property
    def serials(self) -> Iterator[str]:
        """Every serial number that is used up."""
        tail = _TAIL.search(self.serial)
        if tail is None:
            yield self.serial
            return
        head, first, width = self.serial[: tail.start()], int(tail.group()), len(tail.group())
        for number in range(first, first + self.count):
            yield f"{head}{number:0{width}d}"

    def _width_after(self, further: int) -> int | None:
        """The digits of the last serial number; ``None`` if it has more than the first."""
        tail = _TAIL.search(self.serial)
        if tail is None:
            return None
        width = len(str(int(tail.group()) + further))
        return width if width <= len(tail.group()) else None


def normalised(serial: str) -> str:
    """One spelling of a serial number: without the zeros before the number at its end.

    ``normalised("GEC-0001") == normalised("GEC-1") == "GEC-1"``
    """
    tail = _TAIL.search(serial)
    return serial if tail is None else f"{serial[: tail.start()]}{int(tail.group())}"
