"""Shapes of the question about a region, and of the answer."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate
from werkzeug.datastructures import MultiDict

from api.figures.wire import AmountSchema, BooksSchema, FigureQuery
from api.web.wire import Wire, described, entity, whole

MOST_MEMBERS = 100
_MEMBERS = ("park", "enterprise", "division")
_DIVISION = validate.Regexp(
    r"^[1-9][0-9](?:[0-9]{2}){0,2}\Z", error="Two, four or six digits are expected (GB/T 2260)."
)


class RegionQuery(FigureQuery):
    """Which boundaries, and what is asked besides."""

    park = fields.List(
        entity(),
        load_default=list,
        validate=validate.Length(max=MOST_MEMBERS),
        metadata=described("A park; give it again for each further one."),
    )
    enterprise = fields.List(
        entity(),
        load_default=list,
        validate=validate.Length(max=MOST_MEMBERS),
        metadata=described("An enterprise; give it again for each further one."),
    )
    division = fields.List(
        fields.String(validate=_DIVISION),
        load_default=list,
        validate=validate.Length(max=MOST_MEMBERS),
        metadata=described(
            "A province, city or county by two, four or six digits of GB/T 2260: all sites that "
            "state a division in it. Give it again for each further one."
        ),
    )

    @ma.pre_load
    def _refuse_twice(self, data: MultiDict[str, str], **_: Any) -> MultiDict[str, str]:
        others = (name for name in data if name not in _MEMBERS)
        super()._refuse_twice(MultiDict({name: data.getlist(name) for name in others}))
        return data

    @ma.validates_schema
    def _has_members(self, data: dict[str, Any], **_: Any) -> None:
        if not any(data.get(name) for name in _MEMBERS):
            raise ma.ValidationError(
                "A region has at least one park, enterprise or division.", "park"
            )


class MemberSchema(Wire):
    """A member of the region."""

    kind = fields.String(
        required=True, validate=validate.OneOf(_MEMBERS), metadata=described("What it is.")
    )
    id = fields.String(required=True, metadata=described("Its id, or the digits of the division."))
    name = fields.String(required=True, metadata=described("Its name."))
    t2 = fields.Nested(AmountSchema, required=True, metadata=described("Its own figure."))


class OverlapSchema(Wire):
    """A site in several members; null where the caller may not know which."""

    id = entity(required=True, allow_none=True, metadata=described("Its id."))
    name = fields.String(required=True, allow_none=True, metadata=described("Its name."))


class RegionSchema(BooksSchema):
    """The books of a region in a year, kg CO2e."""

    members = fields.List(
        fields.Nested(MemberSchema), required=True, metadata=described("What the union is of.")
    )
    sum_of_members = fields.Nested(
        AmountSchema,
        required=True,
        metadata=described("Their figures added up: not the figure of the region."),
    )
    difference = fields.Nested(
        AmountSchema,
        required=True,
        metadata=described("The sum less the region: what counts in several members."),
    )
    overlap = fields.List(
        fields.Nested(OverlapSchema),
        required=True,
        metadata=described("Sites in several members, which the region counts once."),
    )
    undecided = whole(
        required=True,
        metadata=described(
            "Sites outside that may lie in a division asked for: they state none, or only a larger "
            "one."
        ),
    )
    warning = fields.String(required=True, metadata=described("Why the sum is not the figure."))
