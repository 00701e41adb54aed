"""Shapes of what changed, by which entries, and of what one entry moved."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from api.explanations.wire import StepSchema
from api.figures.wire import FIRST_YEAR, LAST_YEAR, NamedSchema, gwp_set
from api.web.wire import PlainDecimal, Query, Wire, described, digest, entity, moment, whole
from api.whatif.wire import KINDS, StandSchema
from ledger.strict_json import MAX_INTEGER

ABOUT = ("product", "site", "park", "enterprise")


class WaveQuery(Query):
    """In which year, and under which potentials, figures are compared."""

    year = fields.Integer(
        validate=validate.Range(FIRST_YEAR, LAST_YEAR),
        metadata=described("Calendar year; by default the latest that anything was stated for."),
    )
    gwp = gwp_set()


class DiffQuery(WaveQuery):
    """Which two prefixes of the log are compared."""

    start = fields.Integer(
        required=True,
        data_key="from",
        validate=validate.Range(1, MAX_INTEGER),
        metadata=described("From the first so many entries of the log."),
    )
    stop = fields.Integer(
        data_key="to",
        validate=validate.Range(1, MAX_INTEGER),
        metadata=described("To the first so many; by default the whole log."),
    )


# --- In common -------------------------------------------------------------------------------


class ShiftedSchema(Wire):
    """One number before and after; null where there is none, or where it is not shown."""

    name = fields.String(required=True, metadata=described("footprint, scope1, t2 …"))
    before = fields.Nested(
        StandSchema, required=True, allow_none=True, metadata=described("As it was.")
    )
    after = fields.Nested(
        StandSchema, required=True, allow_none=True, metadata=described("As it became.")
    )
    delta = PlainDecimal(
        required=True,
        metadata=described(
            "`atLeast` after less `atLeast` before, exactly as they are written here; a number "
            "that is not there counts as nothing. Deltas of all causes add up to that of the ends."
        ),
    )


class AboutSchema(NamedSchema):
    """What an entry is about."""

    kind = fields.String(
        required=True, validate=validate.OneOf(ABOUT), metadata=described("What it is.")
    )


class PassedSchema(StepSchema):
    """A product, or the rest of a site, through which a change came."""

    site = fields.Nested(
        NamedSchema,
        required=True,
        allow_none=True,
        metadata=described("The site, where the rest of it is meant; null: a product is."),
    )


class _SaidSchema(Wire):
    index = whole(
        required=True, allow_none=True, metadata=described("Place in the log; null: not shown.")
    )
    type = fields.String(
        required=True,
        allow_none=True,
        metadata=described("Type of the statement; null: not shown."),
    )
    time = moment(
        required=True, allow_none=True, metadata=described("Ledger time; null: not shown.")
    )
    digest = digest(
        required=True,
        allow_none=True,
        metadata=described("SHA-256 of the signing input, for those who may read the entry."),
    )
    about = fields.Nested(
        AboutSchema,
        required=True,
        allow_none=True,
        metadata=described("What the entry is about; null: nothing with a name, or not shown."),
    )
    by = fields.Nested(
        NamedSchema, required=True, metadata=described("The enterprise it speaks for.")
    )


def _path() -> fields.List[Any]:
    return fields.List(
        fields.Nested(PassedSchema),
        required=True,
        metadata=described(
            "From the figure against the flow to where most of the change arose, as far as the "
            "caller may look."
        ),
    )


# --- Differences -----------------------------------------------------------------------------


class CauseSchema(_SaidSchema):
    """An entry that moved the figure.

    Where the entry may not be read, but the figure of a product on the way may, it is told as
    something behind that product.
    """

    numbers = fields.List(
        fields.Nested(ShiftedSchema), required=True, metadata=described("Those that it moved.")
    )
    path = _path()
    cut = fields.Boolean(
        required=True,
        metadata=described("Whether the path may go on where the caller may not look."),
    )
    sentence = fields.String(required=True, metadata=described("All of it in a sentence."))


class DeltaSchema(Wire):
    """By how much one number moved."""

    name = fields.String(required=True, metadata=described("footprint, scope1, t2 …"))
    delta = PlainDecimal(required=True, metadata=described("kg CO2e."))


class UndisclosedSchema(Wire):
    """All entries together that are not disclosed to the caller."""

    numbers = fields.List(
        fields.Nested(DeltaSchema), required=True, metadata=described("What they come to.")
    )
    sentence = fields.String(required=True, metadata=described("The same in a sentence."))


class _DiffSchema(Wire):
    unit = fields.String(required=True, metadata=described("Unit of all numbers."))
    year = whole(required=True, metadata=described("Calendar year."))
    gwp = fields.String(required=True, metadata=described("Global warming potentials."))
    engine = fields.String(required=True, metadata=described("Version of the engine."))
    start = whole(required=True, data_key="from", metadata=described("Size of the earlier prefix."))
    stop = whole(required=True, data_key="to", metadata=described("Size of the later prefix."))
    numbers = fields.List(
        fields.Nested(ShiftedSchema), required=True, metadata=described("The figure at both ends.")
    )
    causes = fields.List(
        fields.Nested(CauseSchema),
        required=True,
        metadata=described("In the order of the log; before and after are null if `undisclosed`."),
    )
    undisclosed = fields.Nested(
        UndisclosedSchema,
        required=True,
        allow_none=True,
        metadata=described("What no cause in the list says; null: there is no more."),
    )


class ProductDiffSchema(_DiffSchema):
    """What changed in the footprint of a product, and why."""

    product = fields.Nested(NamedSchema, required=True, metadata=described("Which product."))


class ParkDiffSchema(_DiffSchema):
    """What changed in the books of a park, and why."""

    park = fields.Nested(NamedSchema, required=True, metadata=described("Which park."))


class EnterpriseDiffSchema(_DiffSchema):
    """What changed in the books of an enterprise, and why."""

    enterprise = fields.Nested(NamedSchema, required=True, metadata=described("Which enterprise."))


# --- Waves -----------------------------------------------------------------------------------


class ReachedSchema(NamedSchema):
    """A figure that an entry moved, and the way the change came."""

    kind = fields.String(
        required=True, validate=validate.OneOf(KINDS), metadata=described("What it is of.")
    )
    id = entity(required=True, metadata=described("Its id."))
    numbers = fields.List(
        fields.Nested(ShiftedSchema), required=True, metadata=described("Those that moved.")
    )
    path = _path()


class WaveSchema(_SaidSchema):
    """Everything that one entry moved in a year."""

    year = whole(required=True, metadata=described("Calendar year."))
    gwp = fields.String(required=True, metadata=described("Global warming potentials."))
    moved = fields.List(
        fields.Nested(ReachedSchema),
        required=True,
        metadata=described("Parks, enterprises, products; the largest first."),
    )
    left = whole(
        required=True,
        metadata=described("How many parks and enterprises were not looked at: there are many."),
    )
