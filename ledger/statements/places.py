"""Where things are made: sites, parks, and which site belongs to which park."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

import marshmallow as ma
from marshmallow import fields, validate

from ledger.schema import Day, EntityId, Many, Quantity, Text, said
from ledger.statements.base import Body, Entity
from ledger.statements.members import compact_field, coordinate_range, serial_field

_DIVISION = validate.Regexp(
    r"^[1-9][0-9]{5}\Z", error="Six digits such as 320500 are expected (GB/T 2260)."
)


@cache
def _zones() -> frozenset[str]:
    # Asking walks a directory tree: 20 ms, which every site statement would pay. What is left out
    # are files beside the zones: one says how this computer is set, the other that nobody set it.
    return frozenset(zoneinfo.available_timezones() - {"localtime", "Factory"})


def _zone(name: str) -> None:
    if name not in _zones():
        raise ma.ValidationError("A time zone such as Asia/Shanghai is expected.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Site(Entity):
    """A place where an enterprise makes things."""

    TYPE = "site"
    id: str = said(EntityId(required=True), "The site's id.")
    name: str = said(Text(required=True), "Name of the place.")
    latitude: Decimal = said(
        Quantity(required=True, validate=coordinate_range(90)), "Degrees north, WGS 84."
    )
    longitude: Decimal = said(
        Quantity(required=True, validate=coordinate_range(180)), "Degrees east, WGS 84."
    )
    time_zone: str = said(
        fields.String(required=True, validate=_zone), "IANA zone that decides its calendar year."
    )
    grid_region: str | None = said(Text(max_length=60), "Power grid region, such as CN-JS.")
    division: str | None = said(
        fields.String(validate=_DIVISION),
        "Six digits of the administrative division (GB/T 2260): two of the province, two of the "
        "city, two of the county.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Park(Entity):
    """A fenced group of sites. The polygon decides what is inside."""

    TYPE = "park"
    SIGNED_BY = ("park",)
    id: str = said(EntityId(required=True), "The park's id.")
    name: str = said(Text(required=True), "Name of the park.")
    fence: tuple[tuple[Decimal, Decimal], ...] = said(
        Many(
            fields.Tuple(
                (
                    Quantity(validate=coordinate_range(180)),
                    Quantity(validate=coordinate_range(90)),
                )
            ),
            required=True,
            least=3,
            most=2000,
        ),
        "Corners [longitude, latitude] in order; the last joins the first.",
    )

    def __post_init__(self) -> None:
        if len(set(self.fence)) < 3:
            raise ma.ValidationError("A fence has at least three different corners.", "fence")


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership(Body):
    """A site belongs to a park from one day to another."""

    TYPE = "membership"
    SIGNED_BY = ("park",)
    park: str = said(EntityId(required=True), "The park.")
    site: str = said(EntityId(required=True), "The member site.")
    serial: int = said(
        serial_field(),
        "Tells apart several memberships of one site.",
    )
    start: dt.date = said(Day(required=True, data_key="from"), "First day as a member.")
    end: dt.date | None = said(Day(data_key="to"), "First day no longer a member, if it ends.")
    consent: str | None = said(
        compact_field(),
        "Compact JWS by the site owner's key; without it the park may not read the site's books.",
    )

    def __post_init__(self) -> None:
        if self.end is not None and self.end <= self.start:
            raise ma.ValidationError("The membership ends before it starts.", "to")

    def key_parts(self, subject: str) -> tuple[str, ...]:
        return (self.park, self.site, str(self.serial))


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What a site's owner signs for the park: the payload inside ``Membership.consent``."""

    log: Mapping[str, str] = said(
        fields.Dict(keys=fields.String(), values=fields.String(), required=True), "The log meant."
    )
    park: str = said(EntityId(required=True), "The park that may read.")
    site: str = said(EntityId(required=True), "The site that may be read.")
    start: dt.date = said(Day(required=True, data_key="from"), "First day of the consent.")
    end: dt.date | None = said(Day(data_key="to"), "First day without it, if it ends.")
    small_aggregates: bool = said(
        fields.Boolean(required=True, truthy={True}, falsy={False}),
        "Whether the park may see aggregates of fewer than three tenants.",
    )
