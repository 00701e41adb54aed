"""Shapes of the answers about meters."""

from __future__ import annotations

from marshmallow import fields, validate

from api.figures.wire import FindingSchema, NamedSchema, Number
from api.web.wire import Wire, described, entity, moment, whole
from graph.reading.meters import FLAGS
from ledger.statements.flows import ENERGY_SOURCES
from ledger.statements.meters import METER_FLOWS, METERED


def _text(text: str, *words: str) -> fields.String:
    """A text, one of ``words`` where there are any."""
    check = validate.OneOf(words) if words else None
    return fields.String(required=True, validate=check, metadata=described(text))


def _unknown(text: str) -> Number:
    return Number(required=True, allow_none=True, metadata=described(text))


class MeteredAmountSchema(Wire):
    """What was counted in a stretch of time, as far as it was read."""

    amount = _unknown("In the unit beside it; null: nothing was read, which is not zero.")
    share = _unknown(
        "Share of the time that readings cover, 0 to 1: the amount is that of this part. Null: "
        "none of the time is asked about."
    )


class MeteredMonthSchema(MeteredAmountSchema):
    """What was counted in a month."""

    month = _text("The month, such as 2025-03, as the site's own clock has it.")


class MeteredKindSchema(Wire):
    """What is measured."""

    measures = _text("What it measures.", *METERED)
    flow = _text("bought, sold, generated, or used.", *METER_FLOWS)
    source = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf(ENERGY_SOURCES),
        metadata=described("What energy was made from; null: not said, or no energy."),
    )
    fuel = fields.String(
        required=True, allow_none=True, metadata=described("URN of the fuel; null: it is none.")
    )
    unit = _text("Unit code of the amounts.")


class MeteredRowSchema(MeteredKindSchema):
    """What all meters of one kind counted together."""

    meters = whole(required=True, metadata=described("How many meters are added up."))
    months = fields.List(
        fields.Nested(MeteredMonthSchema), required=True, metadata=described("January to December.")
    )
    total = fields.Nested(
        MeteredAmountSchema, required=True, metadata=described("All months together.")
    )


class MeteredEmissionsSchema(Wire):
    """Emissions by month, kg CO2e."""

    months = fields.List(
        fields.Nested(MeteredMonthSchema), required=True, metadata=described("January to December.")
    )
    total = fields.Nested(
        MeteredAmountSchema, required=True, metadata=described("All months together.")
    )


def _estimated(text: str) -> fields.Nested:
    return fields.Nested(
        MeteredEmissionsSchema,
        required=True,
        allow_none=True,
        metadata=described(f"{text}; null: no meter tells of it."),
    )


class MeteredEstimateSchema(Wire):
    """A running estimate of operational emissions from meters; it is never the inventory."""

    label = _text("What it is, in words.")
    unit = _text("Unit of all amounts.")
    scope1 = _estimated("Fuels bought, as if all of them were burnt, less what is sold on")
    scope2 = _estimated("Energy from public grids by their factors, less what is sold on")
    together = _estimated("Both together")
    factors = fields.List(
        fields.String(), required=True, metadata=described("The factors used: set, version, row.")
    )
    lacks = fields.List(
        fields.Nested(FindingSchema),
        required=True,
        metadata=described("What meters count and the estimate does not contain, and why."),
    )


class MeterFlagSchema(Wire):
    """Something that a reader must know of a series."""

    kind = _text("What it is.", *FLAGS)
    start = moment(required=True, metadata=described("Since when, on the site's clock."))
    end = moment(required=True, metadata=described("Until when; the same for a single instant."))
    sentence = _text("The same in words.")


_KINDS = fields.String(validate=validate.OneOf(list(FLAGS)))


def _flags(text: str) -> fields.List[str]:
    return fields.List(_KINDS, required=True, metadata=described(text))


def _through(text: str) -> fields.String:
    return moment(required=True, allow_none=True, metadata=described(text))


class ListedMeterSchema(MeteredKindSchema):
    """A meter of a boundary, on the days that its site belongs to it."""

    site = fields.Nested(NamedSchema, required=True, metadata=described("Its site."))
    meter = _text("Its name at the site.")
    total = fields.Nested(
        MeteredAmountSchema, required=True, metadata=described("All of its days.")
    )
    through = _through("Through which instant it was read; null: not at all.")
    flags = _flags("What a reader must know of its series.")
    noticed = fields.List(
        fields.Nested(MeterFlagSchema),
        required=True,
        metadata=described("The first of these with their instants, gaps last."),
    )
    noticed_not_shown = whole(required=True, metadata=described("How many more."))


class MeteredYearSchema(Wire):
    """Which year was asked about, and of which prefix of the log."""

    year = whole(required=True, metadata=described("Calendar year."))
    at = whole(required=True, metadata=described("Size of the log it was answered from."))
    as_of = whole(required=True, metadata=described("The last entry that can have moved it."))
    engine = _text("Version of the engine.")


class BoundaryMetersSchema(MeteredYearSchema):
    """The year of a boundary as its meters tell it."""

    gwp = _text("Global warming potentials of the estimate.")
    through = _through("The instant that all meters with any reading reach; null: there is none.")
    latest = _through("The last instant that any of them reaches.")
    rows = fields.List(
        fields.Nested(MeteredRowSchema), required=True, metadata=described("By what is measured.")
    )
    estimate = fields.Nested(
        MeteredEstimateSchema,
        required=True,
        metadata=described("What that emits, as far as known."),
    )
    meters = fields.List(
        fields.Nested(ListedMeterSchema), required=True, metadata=described("Every meter shown.")
    )
    sites = whole(required=True, metadata=described("How many sites are shown."))
    without_meters = fields.List(
        fields.Nested(NamedSchema),
        required=True,
        metadata=described("Sites that have no meter: of them nothing is in here."),
    )
    sites_not_shown = whole(
        required=True,
        metadata=described("Sites whose inventory the caller may not read for all of their days."),
    )
    findings = fields.List(
        fields.Nested(FindingSchema),
        required=True,
        metadata=described("Where meters and inventories differ."),
    )


class ParkMetersSchema(BoundaryMetersSchema):
    """The year of a park as its meters tell it."""

    park = fields.Nested(NamedSchema, required=True, metadata=described("The park."))


class EnterpriseMetersSchema(BoundaryMetersSchema):
    """The year of an enterprise as its meters tell it."""

    enterprise = fields.Nested(NamedSchema, required=True, metadata=described("The enterprise."))


class MeterStretchSchema(MeteredAmountSchema):
    """A stretch of time of one meter."""

    days = _unknown("Days that readings cover; null: none of the time is asked about.")
    readings = whole(
        required=True,
        metadata=described("Taken in that time; without any, its amount is split by time."),
    )
    flags = _flags("What a reader must know of it.")


class MeterMonthSchema(MeterStretchSchema):
    """A month of one meter."""

    month = _text("The month, such as 2025-03, as the site's own clock has it.")


class MeterSchema(MeteredYearSchema, MeteredKindSchema):
    """What one meter counted in a year, month by month."""

    site = fields.Nested(NamedSchema, required=True, metadata=described("Its site."))
    meter = _text("Its name at the site.")
    reads = _text("register: a count that grows; interval: the amount since the reading before.")
    time_zone = _text("IANA zone of the site's calendar.")
    owner = entity(
        required=True, allow_none=True, metadata=described("Whose the site is on its last day.")
    )
    months = fields.List(
        fields.Nested(MeterMonthSchema), required=True, metadata=described("January to December.")
    )
    total = fields.Nested(
        MeterStretchSchema, required=True, metadata=described("All months together.")
    )
    through = _through("Through which instant it was read; null: not at all.")
    flags = fields.List(
        fields.Nested(MeterFlagSchema), required=True, metadata=described("In order of time.")
    )
    flags_not_shown = whole(required=True, metadata=described("How many more."))
