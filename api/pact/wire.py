"""What is asked of a PACT host that hands out footprints, and how it answers."""

from __future__ import annotations

import re
from typing import Any, Final

import marshmallow as ma
from marshmallow import fields
from werkzeug.datastructures import MultiDict

from api.pact.criteria import LONGEST_VALUE, MOST_VALUES
from api.web.wire import GIVEN_TWICE, Query, Wire, described
from ledger.pact import ProductFootprint
from ledger.schema import schema_of

MOST_AT_ONCE: Final = 500
"""No page is longer, whatever ``limit`` says."""
USUAL: Final = 100
"""How long a page is where ``limit`` says nothing."""
NO_SUCH_FILTER: Final = (
    "PACT v3 has no such parameter. Footprints are filtered by productId, companyId, geography, "
    "classification, validOn, validAfter, validBefore and status, and listed in pages of limit; "
    "the next page is at the address in the Link header."
)
NO_LIMIT: Final = "A whole number from 0 is expected."

_LOST_PLUS = re.compile(r"^(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d\S*) (\d\d:\d\d)$", re.ASCII)
_ONCE = ("limit", "cursor")


def _values(text: str) -> fields.List[str]:
    """What was given under one name, every time it was; `Criteria.of` reads it."""
    value = fields.String(metadata={"maxLength": LONGEST_VALUE})
    return fields.List(value, metadata=described(text, maxItems=MOST_VALUES))


class _Limit(fields.Integer):
    """As many as can be written: more than a page holds asks for a whole page."""

    def _validated(self, value: Any) -> int:
        if not re.fullmatch(r"\d{1,20}", str(value), re.ASCII):
            raise ma.ValidationError(NO_LIMIT)
        return min(int(value), MOST_AT_ONCE)


class FootprintsQuery(Query):
    """Which footprints: values of one name are alternatives, different names must all hold.

    Case does not matter, and an empty value asks for nothing.
    """

    error_messages = {"unknown": NO_SUCH_FILTER}  # noqa: RUF012  # as its base has it

    product_id = _values("One of its productIds.")
    company_id = _values("One of its companyIds.")
    geography = _values("Its region or subregion, country, or subdivision of a country.")
    classification = _values("One of its productClassifications.")
    valid_on = _values("A moment (RFC 3339) at which it is valid: start ≤ moment ≤ end.")
    valid_after = _values("A moment after which its validity begins: start > moment.")
    valid_before = _values("A moment before which its validity ends: end < moment.")
    status = _values("Active or Deprecated; without it, both are listed.")
    limit = _Limit(
        load_default=USUAL,
        metadata=described(f"How many at most; never more than {MOST_AT_ONCE}.", minimum=0),
    )
    cursor = fields.String(metadata=described("Where the page begins; from the Link header."))

    on_bind_field = Wire.on_bind_field

    @ma.pre_load
    def _refuse_twice(self, data: MultiDict[str, str], **_: Any) -> dict[str, Any]:
        if twice := [name for name in _ONCE if len(data.getlist(name)) > 1]:
            raise ma.ValidationError({name: [GIVEN_TWICE] for name in twice})
        once = {name: data[name] for name in _ONCE if data.get(name)}
        return once | {name: data.getlist(name) for name in data if name not in _ONCE}


class FootprintListSchema(Wire):
    """Footprints that the caller may read."""

    data = fields.List(
        fields.Nested(schema_of(ProductFootprint)),
        required=True,
        metadata=described("In the order in which they came; those that came last are last."),
    )


class FootprintAnswerSchema(Wire):
    """One footprint."""

    data = fields.Nested(
        schema_of(ProductFootprint), required=True, metadata=described("The footprint.")
    )


def filters_of(given: MultiDict[str, str]) -> dict[str, list[str]]:
    """The filters of a query, as `Criteria.of` takes them.

    The ``+`` of an offset that was sent without encoding it arrives as a space, and is put back.
    """
    return {
        name: [_LOST_PLUS.sub(r"\1+\2", each) for each in given.getlist(name)] for name in given
    }
