"""Shapes of what is asked about offers and awards, and of the answers."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any, Final

import marshmallow as ma
from marshmallow import fields, validate

from api.figures.wire import (
    FIRST_YEAR,
    LAST_YEAR,
    AmountSchema,
    HeadSchema,
    NamedSchema,
    Number,
    gwp_set,
)
from api.web.wire import (
    PageQuery,
    PlainDecimal,
    Query,
    Sent,
    Wire,
    described,
    digest,
    entity,
    whole,
)
from graph.soundness.comparison import FAILURES, NOT_PRICED, REFUSALS
from graph.terms import Feed
from ledger import units
from ledger.identifiers import parse as parse_identifier
from ledger.schema import Checked, Quantity, Text, positive, schema_of
from ledger.statements import OfferRule
from ledger.statements.awards import MOST_OFFERS, ORDERS, VERDICTS
from ledger.statements.members import MOST_SERIALS
from ledger.statements.parts import check_supplier

ONE_OF: Final = "Exactly one of these is expected: %s."
_DAYS: Final = validate.Range(dt.date(FIRST_YEAR, 1, 1), dt.date(LAST_YEAR, 12, 31))
NAMED_BY: Final = ("product", "gtin", "cas", "identifier")


class Stated(PlainDecimal):
    """A decimal as a statement has it."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        number: Decimal | None = value
        return None if number is None else format(number, "f")


def _stated(text: str) -> Stated:
    return Stated(required=True, allow_none=True, metadata=described(text))


def _maybe(text: str) -> Number:
    return Number(required=True, allow_none=True, metadata=described(text))


def _text(text: str, **more: Any) -> fields.String:
    return fields.String(required=True, metadata=described(text), **more)


def _maybe_text(text: str) -> fields.String:
    return _text(text, allow_none=True)


def _nested(schema: type[ma.Schema], text: str, **more: Any) -> fields.Nested:
    return fields.Nested(schema, required=True, metadata=described(text), **more)


def _list(schema: type[ma.Schema], text: str) -> fields.List[Any]:
    return fields.List(fields.Nested(schema), required=True, metadata=described(text))


# --- From an identifier to the figure ----------------------------------------------------------


def _urn(text: str) -> Checked:
    return Checked(parse_identifier, metadata=described(text, example="urn:cas:7439-89-6"))


class LookupQuery(Query):
    """Which product, by exactly one of its names; and of which time."""

    product = entity(metadata=described("Its id."))
    gtin = Text(
        max_length=256,
        metadata=described(
            "GTIN-8, -12, -13 or -14, or a GS1 Digital Link with one; the check digit is verified.",
            example="4006381333931",
        ),
    )
    cas = Text(max_length=20, metadata=described("CAS number.", example="7439-89-6"))
    identifier = _urn("Any URN that the product carries.")
    supplier = Checked(
        check_supplier,
        metadata=described(
            "Whose: enterprise id or URN. Without one an identifier leads to a product only where "
            "the registrar has admitted it for one claimant alone."
        ),
    )
    year = fields.Integer(
        validate=validate.Range(FIRST_YEAR, LAST_YEAR),
        metadata=described("Calendar year; by default the latest that anything was stated for."),
    )
    gwp = gwp_set()
    valid_on = fields.Date(
        format="iso",
        validate=_DAYS,
        metadata=described("Answer as of one day: what is in force on it stands for its year."),
    )
    site = entity(metadata=described("One site; by default the mix of all that make it."))

    @ma.validates_schema
    def _check_one(self, data: dict[str, Any], **_: Any) -> None:
        if sum(name in data for name in NAMED_BY) != 1:
            raise ma.ValidationError(ONE_OF % ", ".join(NAMED_BY), "product")


class IntervalSchema(Wire):
    """What holds 95 % of what a figure may be."""

    lower = _maybe("Lower end, kg CO2e per declared unit; null: not known or not shown.")
    upper = _maybe("Upper end, kg CO2e per declared unit; null: not known or not shown.")
    gsd = _maybe("Geometric standard deviation.")


class FigureLinksSchema(Wire):
    """Where there is more; null: nothing, or nothing for this caller."""

    footprint = _text("The figure with its gases, gaps and findings.")
    quality = _text("How good the data behind it are.")
    contributions = _maybe_text("What it consists of.")
    statement = _maybe_text("The declaration that feeds it.")
    receipt = _maybe_text("The receipt of that declaration, for its owner and auditors.")
    pact = _maybe_text("The footprint as PACT v3 has it.")


class FoundFigureSchema(HeadSchema, AmountSchema):
    """A product's figure, found by a name of the product."""

    product = _nested(NamedSchema, "The product.")
    supplier = _nested(NamedSchema, "Whose product it is.")
    identifiers = fields.List(
        fields.String(), required=True, metadata=described("URNs that the product carries.")
    )
    unit = _text("What the figure is per, such as kg CO2e per KGM.")
    feeds = fields.List(
        fields.String(validate=validate.OneOf([str(feed) for feed in Feed])),
        required=True,
        metadata=described("What describes the product."),
    )
    interval = _nested(IntervalSchema, "How far off it may be.", allow_none=True)
    age_days = _maybe("How old the data are at the end of the year, weighed by carbon, days.")
    verified_share = _maybe("Share that verifiers assure, 0 to 1; null: not shown.")
    usability = fields.Integer(
        required=True,
        allow_none=True,
        metadata=described(
            "Usability level of what was declared, 1 to 3; null where the figure is computed."
        ),
    )
    mixed_gwp = fields.Boolean(
        required=True,
        allow_none=True,
        metadata=described("Whether some was stated under another set; null: not shown."),
    )
    pact_id = _maybe_text("Id of the PACT footprint that is handed out for it.")
    links = _nested(FigureLinksSchema, "Where there is more.")


# --- Comparisons -------------------------------------------------------------------------------


class PriceSchema(Sent):
    """An amount of a currency."""

    amount = Quantity(required=True, least=Decimal(0), metadata=described("A plain decimal."))
    currency = fields.String(
        required=True,
        validate=validate.OneOf(sorted(units.CURRENCIES)),
        metadata=described("ISO 4217.", example="CNY"),
    )


_BIDS: Final = (*NAMED_BY, "pact_id", "footprint")


class BidSchema(Sent):
    """An offer: exactly one of product, gtin, cas, identifier, pactId and footprint names it."""

    label = Text(required=True, max_length=120, metadata=described("What you call it."))
    product = entity(metadata=described("A registered product."))
    gtin = Text(max_length=256, metadata=described("A GTIN, or a GS1 Digital Link with one."))
    cas = Text(max_length=20, metadata=described("CAS number."))
    identifier = _urn("Any URN that the product carries.")
    supplier = Checked(check_supplier, metadata=described("Whose: enterprise id or URN."))
    pact_id = entity(metadata=described("A PACT footprint that this server hands out."))
    footprint = fields.Dict(
        keys=fields.String(),
        metadata=described(
            "A PACT v3 footprint that the bidder sent. The log does not hold it: it counts as "
            "unsigned, and as verified by nobody."
        ),
    )
    amount = positive(required=True, metadata=described("How much is offered, a plain decimal."))
    unit = Checked(
        units.parse, required=True, metadata=described("Unit code of that amount.", example="TNE")
    )
    price = fields.Nested(PriceSchema, metadata=described("The price of that amount."))

    @ma.validates_schema
    def _check_one(self, data: dict[str, Any], **_: Any) -> None:
        if sum(name in data for name in _BIDS) != 1:
            named = ", ".join(str(self.fields[name].data_key) for name in _BIDS)
            raise ma.ValidationError(ONE_OF % named, "product")


class LogAwardSchema(Sent):
    """What was decided, to be signed with the key that the operator holds for you."""

    reference = Text(required=True, max_length=120, metadata=described("The tender."))
    chosen = Text(max_length=120, metadata=described("Label of the offer taken; absent: none."))
    serial = fields.Integer(
        strict=True,
        validate=validate.Range(1, MOST_SERIALS),
        metadata=described("By default the next that is free for this tender."),
    )


class ComparisonQuerySchema(Sent):
    """Offers, and how they are to be compared."""

    unit = Checked(
        units.parse, required=True, metadata=described("What all are compared in.", example="TNE")
    )
    year = fields.Integer(
        strict=True,
        validate=validate.Range(FIRST_YEAR, LAST_YEAR),
        metadata=described("Calendar year; by default the latest that anything was stated for."),
    )
    valid_on = fields.Date(
        format="iso", validate=_DAYS, metadata=described("As of one day of the year.")
    )
    gwp = gwp_set()
    order = fields.String(
        load_default=ORDERS[0],
        validate=validate.OneOf(ORDERS),
        metadata=described("By what offers are put in order, per unit, lowest first."),
    )
    offers = fields.List(
        fields.Nested(BidSchema),
        required=True,
        validate=validate.Length(1, MOST_OFFERS),
        metadata=described("At most 100."),
    )
    carbon_price = fields.Nested(
        PriceSchema, metadata=described("Price of one tonne CO2e, to be added to prices.")
    )
    rule = fields.Nested(schema_of(OfferRule), metadata=described("What an offer must meet."))
    log = fields.Nested(
        LogAwardSchema,
        metadata=described("Sign and log the award, with a key that the operator holds for you."),
    )


class ReasonSchema(Wire):
    """A code, and what it means."""

    code = _text("Stable name.", validate=validate.OneOf([*REFUSALS, *FAILURES, *NOT_PRICED]))
    sentence = _text("What it means.")


class KnownOfferSchema(Wire):
    """What is known of an offer's carbon, per unit compared; null: unknown or not shown."""

    at_least = _stated("kg CO2e that are known.")
    value = _stated("kg CO2e; null while anything is missing.")
    lower = _stated("Lower end of the 95 % interval, kg CO2e.")
    upper = _stated("Upper end of the 95 % interval, kg CO2e.")
    coverage = _stated("Share that is known, not estimated.")
    verified_share = _stated("Share that verifiers assure.")
    age_days = _stated("How old the data are at the end of the time compared, days.")
    usability = fields.Integer(
        required=True, allow_none=True, metadata=described("Usability level, 1 to 3.")
    )
    estimated = fields.Boolean(required=True, metadata=described("Whether something is filled in."))
    mixed_gwp = fields.Boolean(
        required=True,
        allow_none=True,
        metadata=described("Whether some was stated under another GWP set."),
    )


class OfferMoneySchema(Wire):
    """What an offer costs, in the currency of its price; null: no price, or another currency."""

    currency = _text("ISO 4217.")
    price = _stated("The price, of the whole amount.")
    per_unit = _stated("The price of one unit compared.")
    carbon = _stated("What its carbon costs.")
    with_carbon = _stated("Price and carbon.")
    with_carbon_per_unit = _stated("Both for one unit compared.")
    not_priced = _nested(ReasonSchema, "Why carbon is not added.", allow_none=True)


class FlawNoticedSchema(Wire):
    """Something that was noticed in what a bidder sent."""

    rule = _text("Stable name.")
    sentence = _text("What was noticed.")


class ComparedOfferSchema(Wire):
    """An offer against the rule and the others."""

    label = _text("What you call it.")
    product = _nested(NamedSchema, "The product it means.", allow_none=True)
    supplier = _nested(NamedSchema, "Whose product that is.", allow_none=True)
    footprint = _maybe_text("Id of the PACT footprint it was named by, or that was sent.")
    unsigned = _maybe_text("SHA-256 of the object that was sent, as canonical JSON; null: none.")
    signed = fields.Boolean(
        required=True, metadata=described("Whether its figure follows from what the log holds.")
    )
    amount = _stated("How much is offered.")
    unit = _text("Unit code of that amount.")
    units = _stated("How many units compared that is; null: it cannot be converted.")
    facts = _nested(KnownOfferSchema, "What is known of it.", allow_none=True)
    total = _stated("kg CO2e of the whole amount.")
    money = _nested(OfferMoneySchema, "What it costs.", allow_none=True)
    verdict = _text("passed, failed, or refused: not compared.", validate=validate.OneOf(VERDICTS))
    reasons = _list(ReasonSchema, "Why it did not pass.")
    rank = fields.Integer(
        required=True, allow_none=True, metadata=described("Place in the order, from 1.")
    )
    ratio_to_best = _stated("Its value over the lowest one compared.")
    not_told_apart = fields.List(
        fields.String(),
        required=True,
        allow_none=True,
        metadata=described(
            "Labels of the offers whose intervals meet its own; null: its interval is not known."
        ),
    )
    as_of = whole(
        required=True, allow_none=True, metadata=described("The last entry that moved its figure.")
    )
    noticed = _list(FlawNoticedSchema, "What was noticed in the object that was sent.")


class LoggedAwardSchema(Wire):
    """An award in the log."""

    index = whole(required=True, metadata=described("Place in the log, from 0."))
    digest = digest(required=True, metadata=described("SHA-256 of the signing input."))
    serial = whole(required=True, metadata=described("Its serial number for the tender."))
    receipt = _text("C2SP tlog-proof, to be verified offline.")


class ComparisonSchema(HeadSchema):
    """Offers compared, in the order they came."""

    on_behalf = fields.Boolean(
        required=True,
        metadata=described("Whether something was said on behalf of one of the products."),
    )
    unit = _text("Unit code that all are compared in.")
    order = _text("By what they are ordered.")
    first = _maybe_text("Label of the first in order that passes; null: none does.")
    offers = _list(ComparedOfferSchema, "In the order they came.")
    award = fields.Dict(
        keys=fields.String(),
        required=True,
        metadata=described(
            "The award to be signed: add `reference`, `serial` and the label `chosen`."
        ),
    )
    logged = _nested(
        LoggedAwardSchema, "The award in the log, where it was to be signed.", allow_none=True
    )


# --- Awards ------------------------------------------------------------------------------------


class AwardsQuery(PageQuery):
    """Which awards."""

    reference = Text(max_length=120, metadata=described("Of one tender."))


class AwardInForceSchema(Wire):
    """An award in force, in a list."""

    index = whole(required=True, metadata=described("Place in the log, from 0."))
    digest = digest(required=True, metadata=described("SHA-256 of the signing input."))
    subject = entity(required=True, metadata=described("Who decided."))
    reference = _text("The tender.")
    serial = whole(required=True, metadata=described("Tells apart decisions on one tender."))
    time = _text("When the log took it.")
    unit = _text("What was compared in.")
    year = whole(required=True, metadata=described("Calendar year."))
    chosen = _maybe_text("Label of the offer taken.")
    offers = whole(required=True, metadata=described("How many offers there were."))


class AwardsPageSchema(Wire):
    """A page of awards."""

    items = _list(AwardInForceSchema, "In the log's order.")


class StandingOfferSchema(Wire):
    """How an offer stood, or stands."""

    value = _stated("kg CO2e per unit; null: not known, or not shown.")
    at_least = _stated("kg CO2e per unit that are known; null: not shown.")
    lower = _stated("Lower end of the 95 % interval, kg CO2e.")
    upper = _stated("Upper end of the 95 % interval, kg CO2e.")
    verdict = _text("passed, failed or refused.", validate=validate.OneOf(VERDICTS))
    reasons = _list(ReasonSchema, "Why it did not pass.")
    rank = fields.Integer(
        required=True, allow_none=True, metadata=described("Place in the order, from 1.")
    )
    as_of = whole(
        required=True, allow_none=True, metadata=described("The last entry that moved its figure.")
    )


class DriftedOfferSchema(Wire):
    """An offer then and now."""

    label = _text("What the buyer calls it.")
    product = _nested(NamedSchema, "The product.", allow_none=True)
    signed = fields.Boolean(
        required=True, metadata=described("False: nothing in the log can move it.")
    )
    then = _nested(StandingOfferSchema, "As it was pinned.")
    now = _nested(StandingOfferSchema, "As it stands.")
    change = _stated("Now less then, kg CO2e per unit; null where either is not known.")
    ratio = _stated("Now over then.")
    diff = _maybe_text("Where the entries that moved it are told, one by one.")


class DriftSchema(Wire):
    """An award, and what has become of what it rests on."""

    award = fields.Dict(
        keys=fields.String(),
        required=True,
        metadata=described("What was decided: the members of an `award` statement."),
    )
    index = whole(required=True, metadata=described("Place in the log, from 0."))
    digest = digest(required=True, metadata=described("SHA-256 of the signing input."))
    subject = entity(required=True, metadata=described("Who decided."))
    time = _text("When the log took it.")
    at = whole(required=True, metadata=described("Size of the log it is compared with now."))
    engine = _text("Version of the engine now.")
    offers = _list(DriftedOfferSchema, "In the order of the award.")
    first_then = _maybe_text("Label of the first in order that passed.")
    first_now = _maybe_text("Label of the first in order that passes now.")
    rule_holds = fields.Boolean(
        required=True,
        allow_none=True,
        metadata=described("Whether the offer taken passes the rule now; null: none was taken."),
    )
    still_first = fields.Boolean(
        required=True,
        allow_none=True,
        metadata=described("Whether the offer taken is the first that passes now; null: none was."),
    )
