"""Systems of indicators applied: every item with its value, its verdict and what is missing.

An item compares one quantity of a boundary (``graph.indicators.quantities``), or the ratio of two,
with a threshold. Of several items with one id, that counts in whose band the boundary lies.

=================  ==============================================================================
principled         one that is not met fails the whole; one that is not known leaves it open
non-principled     points, its weight, where it is met
bonus              points on top, together at most the cap of the system
=================  ==============================================================================

Passed is what meets every principled item and reaches the pass mark; without a pass mark, every
non-principled item. What is missing gives no points and is never taken for failed: where it could
still decide, the result is that it cannot be judged. A value is compared as it is stated, with
``graph.publishing.published.DIGITS`` significant digits.
"""

from __future__ import annotations

import enum
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Final, cast

from graph.books.unsaid import Lack, lack
from graph.errors import IndicatorSystemUnknown, NoParkTypes, ParkTypeUnknown
from graph.indicators.notice910 import NAME, SYSTEM
from graph.publishing.published import stated_number
from ledger.standing import Standing
from ledger.statements import BONUS, NON_PRINCIPLED, PRINCIPLED, Indicator, Indicators

BUILT_IN: Final[Mapping[str, Indicators]] = MappingProxyType({NAME: SYSTEM})
"""Systems that every log has. A stated one of such a name is not asked."""
_COMPARE: Final[Mapping[str, Callable[[Decimal, Decimal], bool]]] = MappingProxyType(
    {
        "at-most": operator.le,
        "below": operator.lt,
        "at-least": operator.ge,
        "above": operator.gt,
    }
)


class Verdict(enum.StrEnum):
    """What is said of one item."""

    MET = "met"
    NOT_MET = "not-met"
    NONE = "no-verdict"
    """There is nothing to compare it with."""
    MISSING = "missing"
    """Something it needs is not known."""


class Result(enum.StrEnum):
    """What is said of the whole."""

    PASSED = "passed"
    NOT_PASSED = "not-passed"
    OPEN = "cannot-be-judged"


@dataclass(frozen=True, slots=True)
class Measured:
    """A quantity: ``value`` is ``None`` while anything is missing, ``known`` is what is known."""

    value: float | None
    known: float
    missing: tuple[Lack, ...] = ()

    @classmethod
    def of(cls, known: float, missing: Sequence[Lack] = ()) -> Measured:
        return cls(None if missing else known, known, tuple(missing))


Quantities = Callable[[str], Measured]
"""A quantity by its name in ``ledger.statements.QUANTITIES``."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One item: its value, and by how much of its quantity it lies beyond its threshold.

    ``known`` is the value without what is missing. ``beyond`` is the quantity less what the
    threshold allows or asks for, ``quantity − threshold · per``, in the unit of the quantity.
    """

    item: Indicator
    value: float | None
    known: float | None
    verdict: Verdict
    beyond: float | None
    missing: tuple[Lack, ...]

    @property
    def points(self) -> Decimal:
        """Its weight where it is met; of principled items, 0."""
        return self.item.weight or Decimal(0) if self.verdict is Verdict.MET else Decimal(0)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A system applied: ``points`` without the bonus, of ``out_of``; ``bonus`` up to its cap."""

    system: Indicators
    items: tuple[Judged, ...]
    result: Result
    points: Decimal
    out_of: Decimal
    bonus: Decimal


def systems(standing: Standing) -> Mapping[str, Indicators]:
    """Every system there is by its name, built in first."""
    stated = (cast(Indicators, s.statement.body) for s in standing.statements(Indicators.TYPE))
    return {**{each.name: each for each in stated if each.name not in BUILT_IN}, **BUILT_IN}


def system_of(standing: Standing, name: str) -> Indicators:
    """Raises ``IndicatorSystemUnknown``."""
    found = systems(standing)
    if name not in found:
        raise IndicatorSystemUnknown(name=name, choices=", ".join(sorted(found)))
    return found[name]


def apply(system: Indicators, quantities: Quantities, park_type: str | None = None) -> Outcome:
    """Every item that is for a park of this type, in the order of the system.

    Raises ``ParkTypeUnknown`` for a system that tells types apart, asked without one of them,
    and ``NoParkTypes`` for one that does not, asked with one.
    """
    if park_type is not None and not system.park_types:
        raise NoParkTypes(name=system.name)
    if system.park_types and park_type not in system.park_types:
        raise ParkTypeUnknown(name=system.name, choices=", ".join(system.park_types))
    judged = tuple(_judged(group, quantities) for group in _groups(system, park_type))
    return _outcome(system, judged)


def _groups(system: Indicators, park_type: str | None) -> list[list[Indicator]]:
    """Items by id: those for the type before those for all."""
    found: dict[str, dict[str | None, list[Indicator]]] = {}
    for item in system.items:
        if item.park_type in (None, park_type):
            found.setdefault(item.id, {}).setdefault(item.park_type, []).append(item)
    return [by_type.get(park_type) or by_type[None] for by_type in found.values()]


def _judged(group: Sequence[Indicator], quantities: Quantities) -> Judged:
    decides = {item.when: quantities(item.when) for item in group if item.when is not None}
    if lacking := [each for measured in decides.values() for each in measured.missing]:
        value = _value(group[0], quantities)
        missing = tuple(dict.fromkeys((*lacking, *value.missing)))
        return Judged(group[0], None, value.known, Verdict.MISSING, None, missing)
    for item in group:
        if item.when is None or _within(item, decides[item.when].known):
            return _compared(item, quantities)
    value = _value(group[0], quantities)
    missing = value.missing or (lack("no-threshold"),)
    return Judged(group[0], value.value, value.known, Verdict.NONE, None, missing)


def _within(item: Indicator, amount: float) -> bool:
    stated = stated_number(amount)
    above = item.at_least is None or stated >= item.at_least
    return above and (item.below is None or stated < item.below)


def _compared(item: Indicator, quantities: Quantities) -> Judged:
    measured = _value(item, quantities)
    if measured.value is None:
        verdict = Verdict.NONE if measured.missing == _NO_RATIO else Verdict.MISSING
        return Judged(item, None, measured.known, verdict, None, measured.missing)
    met = _COMPARE[item.operator](stated_number(measured.value), item.threshold)
    of = quantities(item.quantity).known
    per = quantities(item.per).known if item.per else 1.0
    return Judged(
        item=item,
        value=measured.value,
        known=measured.value,
        verdict=Verdict.MET if met else Verdict.NOT_MET,
        beyond=of - float(item.threshold) * per,
        missing=(),
    )


_NO_RATIO: Final = (lack("nothing-to-divide-by"),)


def _value(item: Indicator, quantities: Quantities) -> Measured:
    """The quantity of an item, or the ratio of two."""
    of = quantities(item.quantity)
    if item.per is None:
        return of
    per = quantities(item.per)
    missing = tuple(dict.fromkeys((*of.missing, *per.missing)))
    if per.known == 0:
        return Measured.of(0.0, missing or _NO_RATIO)
    return Measured.of(of.known / per.known, missing)


# -- the whole ---------------------------------------------------------------------------------


def _outcome(system: Indicators, items: tuple[Judged, ...]) -> Outcome:
    counted = [each for each in _of(items, NON_PRINCIPLED) if each.verdict is not Verdict.NONE]
    extra = list(_of(items, BONUS))
    out_of = _sum(counted)
    mark = out_of if system.pass_mark is None else system.pass_mark

    def reaches(*verdicts: Verdict) -> bool:
        # Without a mark every item is to be met, and a bonus makes up for none.
        added = _capped(system, _sum(extra, *verdicts)) if system.pass_mark is not None else 0
        return _sum(counted, *verdicts) + added >= mark

    return Outcome(
        system=system,
        items=items,
        result=_result(items, reaches(Verdict.MET), reaches(Verdict.MET, Verdict.MISSING)),
        points=_sum(counted, Verdict.MET),
        out_of=out_of,
        bonus=_capped(system, _sum(extra, Verdict.MET)),
    )


def _result(items: Sequence[Judged], is_reached: bool, is_attainable: bool) -> Result:
    principled = {each.verdict for each in _of(items, PRINCIPLED)}
    if Verdict.NOT_MET in principled or not is_attainable:
        return Result.NOT_PASSED
    if principled <= {Verdict.MET} and is_reached:
        return Result.PASSED
    return Result.OPEN


def _of(items: Sequence[Judged], kind: str) -> Iterator[Judged]:
    return (each for each in items if each.item.kind == kind)


def _sum(items: Sequence[Judged], *verdicts: Verdict) -> Decimal:
    """Weights of the items with one of the verdicts; without any named, of all."""
    chosen = (each for each in items if not verdicts or each.verdict in verdicts)
    return sum((each.item.weight or Decimal(0) for each in chosen), Decimal(0))


def _capped(system: Indicators, points: Decimal) -> Decimal:
    return points if system.bonus_cap is None else min(points, system.bonus_cap)
