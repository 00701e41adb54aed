"""Shapes of the answers about systems of indicators."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from api.figures.wire import HeadSchema, NamedSchema, Number
from api.web.wire import Wire, described
from graph.books.unsaid import LACKS
from graph.indicators.indicators import Result, Verdict
from graph.indicators.notice910 import OUTSIDE, RULES
from ledger.schema import Quantity
from ledger.statements import QUANTITIES
from ledger.statements.indicators import CLASSES, OPERATORS


def _text(text: str, **more: Any) -> fields.String:
    return fields.String(required=True, metadata=described(text), **more)


def _one_of(values: Any, text: str, **more: Any) -> fields.String:
    return _text(text, validate=validate.OneOf([str(value) for value in values]), **more)


def _number(text: str, **more: Any) -> Number:
    return Number(required=True, metadata=described(text), **more)


def _decimal(text: str, **more: Any) -> Quantity:
    return Quantity(required=True, metadata=described(text), **more)


def _nested(schema: type[Wire], text: str, **more: Any) -> fields.Nested:
    return fields.Nested(schema, required=True, metadata=described(text), **more)


def _list(schema: type[Wire], text: str) -> fields.List[Any]:
    return fields.List(fields.Nested(schema), required=True, metadata=described(text))


class AboutSystemSchema(Wire):
    """A system of indicators."""

    name = _text("Its name, to ask for it by.")
    version = _text("The publisher's version.")
    title = _text("What it is called, in the language of the answer.")
    publisher = _text("Who publishes it.")
    source = _text("Where it can be read.")
    built_in = fields.Boolean(
        required=True, metadata=described("Whether every log has it; others the registrar states.")
    )


class RuleSchema(Wire):
    """One rule: a quantity, or a ratio of two, compared with a threshold."""

    id = _text("Short name within the system.")
    title = _text("What it is called, in the language of the answer.")
    kind = _one_of(
        CLASSES,
        "principled: if it is not met, nothing is; non-principled: counts with its weight; bonus.",
        data_key="class",
    )
    quantity = _one_of(
        QUANTITIES, "What is asked for; null: nothing stated tells it.", allow_none=True
    )
    per = _one_of(QUANTITIES, "What it is divided by, if anything.", allow_none=True)
    unit = _text("Unit of value and threshold; 1: a share.", allow_none=True)
    operator = _one_of(OPERATORS, "How it must lie to the threshold.", allow_none=True)
    threshold = _decimal("The threshold.", allow_none=True)
    weight = _decimal("Points for meeting it; null: it has none.", allow_none=True)
    when = _one_of(QUANTITIES, "The quantity that decides whether it applies.", allow_none=True)
    at_least = _decimal("It applies from this much of `when` on.", allow_none=True)
    below = _decimal("It applies up to less than this much of `when`.", allow_none=True)
    park_type = _text("The type of park it is for; null: all.", allow_none=True)
    source = _text("The clause that says so.", allow_none=True)


class BilingualRuleSchema(RuleSchema):
    """A rule as it is stated."""

    title_zh = _text("What it is called in Chinese.", allow_none=True)


class SystemSchema(AboutSystemSchema):
    """A system with all of its rules."""

    title_zh = _text("What it is called in Chinese.", allow_none=True)
    pass_mark = _decimal("Points that are needed; null: every item is to be met.", allow_none=True)
    bonus_cap = _decimal("The most points that bonus items add; null: no cap.", allow_none=True)
    park_types = fields.List(
        fields.String(), required=True, metadata=described("Types of parks it tells apart.")
    )
    items = _list(BilingualRuleSchema, "The rules.")


class SystemsSchema(Wire):
    """A page of systems."""

    items = _list(SystemSchema, "By name.")


class LackSchema(Wire):
    """Something that is missing."""

    reason = _one_of(sorted(LACKS), "Stable name of the reason.")
    sentence = _text("The same in words, and what to do next.")


class JudgedRuleSchema(RuleSchema):
    """One rule, applied."""

    value = _number("The value; null: something is missing.", allow_none=True)
    known = _number("The value without what is missing; null: not shown.", allow_none=True)
    verdict = _one_of(Verdict, "`no-verdict`: there is nothing to compare it with.")
    points = _decimal("Points it gives.")
    beyond = _number(
        "The quantity less what the threshold allows or asks for; null: no verdict.",
        allow_none=True,
    )
    beyond_unit = _text("Unit of `beyond`.", allow_none=True)
    missing = _list(LackSchema, "Why there is no value, or no verdict.")


class BasisSchema(Wire):
    """The declared basis of standard coal."""

    name = _text("The set of factors.")
    version = _text("Its version.")


class EmittedTermSchema(Wire):
    """One term of the sum of the notice."""

    rule = _one_of(RULES, "The term.")
    title = _text("The same in words.")
    t_co2 = _number("t CO2, as far as it is known.")


class EmittedPartSchema(Wire):
    """One part of a term: amount · factor."""

    rule = _one_of(RULES, "The term it belongs to.")
    site = _nested(NamedSchema, "The site, or whoever holds the certificates.")
    what = _text("URN of the fuel or carrier, or the source of what was stated as emitted.")
    how = _text("Use of the fuel or source of the energy; `certified`: covered by certificates.")
    amount = _number("How much, in `unit`; over the fence bought less sold.")
    unit = _text("Unit code.")
    factor = _number("t CO2 per unit; null: none stands.", allow_none=True)
    by = _text("Set, version and row of the factor, where it is one.", allow_none=True)
    t_co2 = _number("amount · factor, t CO2; null: unknown.", allow_none=True)


class OutsideSchema(Wire):
    """Something that the method leaves out."""

    what = _one_of(OUTSIDE, "What it is.")
    sentence = _text("Why.")
    amount = _number("How much.")
    unit = _text("Unit code.")


class EmittedSchema(Wire):
    """CO2 by the rules of the notice, t."""

    t_co2 = _number("The sum; null: something is missing.", allow_none=True)
    known = _number("What is known of it.")
    terms = _list(EmittedTermSchema, "By rule.")
    parts = _list(EmittedPartSchema, "By rule and site, to be checked on paper.")
    outside = _list(OutsideSchema, "What the method leaves out.")
    missing = _list(LackSchema, "What is missing.")


class EnergyLineSchema(Wire):
    """One line of the energy consumption."""

    site = _nested(NamedSchema, "The site.")
    what = _text("URN of the fuel or carrier.")
    how = _text("Use of the fuel; `net` over the fence, or `generated`.")
    source = _text("What the energy was made from; null: a fuel.", allow_none=True)
    amount = _number("How much, in `unit`.")
    unit = _text("Unit code.")
    kgce = _number("kg of standard coal per unit; null: no coefficient.", allow_none=True)
    by = _text("Set, version and row; null: the site's measured calorific value.", allow_none=True)
    tce = _number("t of standard coal, with its sign; null: unknown.", allow_none=True)
    clean = fields.Boolean(required=True, metadata=described("Whether it counts as clean energy."))


class ConsumptionSchema(Wire):
    """Comprehensive energy consumption by the declared basis, t of standard coal."""

    tce = _number("The sum; null: something is missing.", allow_none=True)
    known = _number("What is known of it.")
    clean = _number("Of that clean energy, with what certificates cover.")
    certified = _number("Of that electricity from grids that certificates cover.")
    certificates_unused = _number("MWh of certificates beyond what came from grids: they count 0.")
    lines = _list(EnergyLineSchema, "Line by line, to be checked on paper.")
    missing = _list(LackSchema, "What is missing.")


class NoticeSchema(Wire):
    """The parts of the national indicator."""

    remark = _text("What this number is, and what it is not.")
    emissions = _nested(EmittedSchema, "The CO2.")
    energy = _nested(
        ConsumptionSchema, "The energy; null: there is no basis to count it by.", allow_none=True
    )


class ParkIndicatorsSchema(HeadSchema):
    """What a system of indicators says of a park in a year."""

    park = _nested(NamedSchema, "The park.")
    system = _nested(AboutSystemSchema, "The system.")
    park_type = _text("The type of park it was asked for.", allow_none=True)
    result = _one_of(Result, "What is said of the whole.")
    points = _decimal("Points of non-principled items that are met.")
    out_of = _decimal("Points that there are; items without a verdict have none.")
    bonus = _decimal("Points on top, up to the cap.")
    bonus_cap = _decimal("The most points that bonus items add; null: no cap.", allow_none=True)
    pass_mark = _decimal("Points that are needed; null: every item is to be met.", allow_none=True)
    basis = _nested(
        BasisSchema,
        "The basis of standard coal; null: nothing asks for one, or it is missing.",
        allow_none=True,
    )
    items = _list(JudgedRuleSchema, "Item by item.")
    notice = _nested(
        NoticeSchema, "The parts of the national indicator; null: another system.", allow_none=True
    )
