"""What was noticed and kept: conditions that a reader must know but that refuse nothing.

A finding names its rule and its particulars. Its sentence is a template over them, so that it can
be shown in another language where a person reads it. Where a finding lies between two enterprises,
each side has a sentence of its own: one that tells it what to do, and nothing the other keeps to
itself.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType


class Severity(enum.StrEnum):
    """What becomes of the thing a finding is about, worst first."""

    REFUSE = "refuse"
    """It is not computed: the figure is refused, and so is what depends on it."""
    QUARANTINE = "quarantine"
    """It is set aside and counts as a gap until it is corrected."""
    WARNING = "warning"
    """It counts, and may be wrong."""
    NOTICE = "notice"
    """It counts; a reader should know how."""

    @property
    def rank(self) -> int:
        """0 is worst."""
        return list(Severity).index(self)


class Side(enum.StrEnum):
    """The ends of an edge."""

    SUPPLIER = "supplier"
    CONSUMER = "consumer"


class Audience(enum.StrEnum):
    """Who, beside auditors, may be told of a finding."""

    PARTIES = "parties"
    """Both sides, each in its own words."""
    INPUTS = "inputs"
    """Whoever may know what the consumer takes in."""
    FOOTPRINT = "footprint"
    """The owner of the product, and those its footprint is disclosed to."""
    RECIPE = "recipe"
    """The owner of the product, and those its recipe is disclosed to."""
    TOTALS = "totals"
    """It compares a sum over buyers with an output: the sum is for three or more, the output for
    those it is disclosed to."""
    AUDITORS = "auditors"


@dataclass(frozen=True, slots=True)
class Source:
    """Where the log says something: an entry, its statement's digest, a JSON pointer into it."""

    index: int
    digest: str
    where: str = ""


@dataclass(frozen=True, slots=True)
class Party:
    """One side of a finding: an enterprise, what of it is concerned, and what it said."""

    side: Side
    enterprise: str
    product: str | None = None
    site: str | None = None
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing noticed.

    ``rule`` is a stable, public code in kebab-case; ``particulars`` fill the ``%(name)s`` places
    of ``template``; ``where`` is a JSON pointer (RFC 6901) into what was sent, or ``""``.
    ``sides`` are the templates for readers on one side only; ``parties`` say who that is.
    """

    rule: str
    template: str
    particulars: tuple[tuple[str, str], ...]
    where: str = ""
    severity: Severity = Severity.WARNING
    sides: tuple[tuple[Side, str], ...] = ()
    parties: tuple[Party, ...] = ()
    audience: Audience = Audience.PARTIES

    @property
    def params(self) -> dict[str, str]:
        return dict(self.particulars)

    @property
    def sentence(self) -> str:
        return self.template % self.params

    def template_for(self, side: Side | None) -> str:
        """What a reader on one side is told; without a side, whoever may know all of it."""
        return dict(self.sides).get(side, self.template) if side else self.template

    def of(self, side: Side) -> tuple[Party, ...]:
        """The parties on one side."""
        return tuple(party for party in self.parties if party.side is side)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a rule is called when it has found something.

    ``sentence`` is for whoever may know all of it; ``supplier`` and ``consumer`` replace it for a
    reader on that side.
    """

    severity: Severity
    sentence: str
    supplier: str = ""
    consumer: str = ""
    audience: Audience = Audience.PARTIES

    @property
    def sides(self) -> tuple[tuple[Side, str], ...]:
        stated = ((Side.SUPPLIER, self.supplier), (Side.CONSUMER, self.consumer))
        return tuple((side, template) for side, template in stated if template)

    def template_for(self, side: Side) -> str:
        return dict(self.sides).get(side, self.sentence)


class Rulebook:
    """The rules of one subject. Those given as a sentence only are warnings to everyone."""

    def __init__(self, rules: Mapping[str, str | Rule]) -> None:
        self.rules: Mapping[str, Rule] = MappingProxyType(
            {name: _rule(stated) for name, stated in rules.items()}
        )

    @property
    def sentences(self) -> dict[str, str]:
        """Rule -> the template for whoever may know all of it."""
        return {name: rule.sentence for name, rule in self.rules.items()}

    def templates(self) -> Iterable[str]:
        """Every sentence of the book, those of the sides as well."""
        for rule in self.rules.values():
            yield from (rule.sentence, *(template for _, template in rule.sides))

    def finding(
        self, rule: str, where: str = "", *, parties: tuple[Party, ...] = (), **params: object
    ) -> Finding:
        """A finding of a rule in this book."""
        stated = self.rules[rule]
        return Finding(
            rule=rule,
            template=stated.sentence,
            particulars=tuple((name, str(value)) for name, value in params.items()),
            where=where,
            severity=stated.severity,
            sides=stated.sides,
            parties=parties,
            audience=stated.audience,
        )


def _rule(stated: str | Rule) -> Rule:
    if isinstance(stated, Rule):
        return stated
    return Rule(severity=Severity.WARNING, sentence=stated)
