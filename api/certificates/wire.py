"""Shapes of the answers about certificates that are used up."""

from __future__ import annotations

from marshmallow import fields, validate

from api.figures.wire import HeadSchema, NamedSchema, Number
from api.web.wire import Wire, described, whole
from ledger.statements import CERTIFICATES


class HolderSchema(NamedSchema):
    """What certificates are used for."""

    type = fields.String(
        required=True,
        validate=validate.OneOf(("site", "park")),
        metadata=described("site or park."),
    )


class CertificateRowSchema(Wire):
    """Certificates that one statement uses up."""

    kind = fields.String(
        required=True,
        validate=validate.OneOf(CERTIFICATES),
        metadata=described("green-power, removal or offset."),
    )
    registry = fields.String(required=True, metadata=described("The registry."))
    serial = fields.String(required=True, metadata=described("The first serial number."))
    count = whole(required=True, metadata=described("How many serial numbers in a row."))
    amount = Number(required=True, metadata=described("What they are for, together."))
    unit = fields.String(required=True, metadata=described("Unit code of the amount."))
    vintage = whole(
        required=True,
        allow_none=True,
        metadata=described("The year it was generated, removed or reduced in; null: not stated."),
    )
    project = fields.String(
        required=True, allow_none=True, metadata=described("What they come from.")
    )
    holder = fields.Nested(
        HolderSchema, required=True, metadata=described("What they are used for.")
    )
    share = Number(
        required=True,
        metadata=described("The part that is the boundary's, by days of the site, 0 to 1."),
    )
    counted = fields.Boolean(
        required=True, metadata=described("False: made in too distant a year to count.")
    )
    index = whole(required=True, metadata=described("The entry that states them."))


class CoveredSchema(Wire):
    """What certificates of green power cover, by what they are used for, in kWh."""

    holder = fields.Nested(HolderSchema, required=True, metadata=described("The site or the park."))
    kwh = Number(required=True, metadata=described("Certificates that count, kWh."))
    covered_kwh = Number(
        required=True,
        allow_none=True,
        metadata=described("Power they cover, kWh; null: not shown."),
    )
    excess_kwh = Number(
        required=True,
        allow_none=True,
        metadata=described("What exceeds that: it counts for nothing; null: not shown."),
    )


class CertificatesSchema(HeadSchema):
    """Certificates used up for a boundary in a year, and the power they cover, in kWh."""

    grid_kwh = Number(
        required=True,
        allow_none=True,
        metadata=described("Power from public grids over the fence, kWh; null: not shown."),
    )
    direct_kwh = Number(
        required=True,
        allow_none=True,
        metadata=described("Power from elsewhere, by line or contract, kWh; null: not shown."),
    )
    covered_kwh = Number(
        required=True,
        allow_none=True,
        metadata=described("Of that from grids, covered by certificates, kWh; null: not shown."),
    )
    excess_kwh = Number(
        required=True,
        allow_none=True,
        metadata=described("Certificates beyond that: they count for nothing; null: not shown."),
    )
    uses = fields.List(
        fields.Nested(CoveredSchema),
        required=True,
        metadata=described("Green power by site and park, as far as the caller may know it."),
    )
    certificates = fields.List(
        fields.Nested(CertificateRowSchema),
        required=True,
        metadata=described("What is used up, as far as the caller may read the statements."),
    )
    not_shown = fields.Boolean(
        required=True, metadata=described("Whether there are others that are not listed.")
    )
    findings = fields.List(
        fields.String(),
        required=True,
        metadata=described("What was noticed about them, as far as it may be told."),
    )


class ParkCertificatesSchema(CertificatesSchema):
    """Certificates used up for a park and its sites in a year."""

    park = fields.Nested(NamedSchema, required=True, metadata=described("The park."))


class EnterpriseCertificatesSchema(CertificatesSchema):
    """Certificates used up for the sites of an enterprise in a year."""

    enterprise = fields.Nested(NamedSchema, required=True, metadata=described("The enterprise."))
