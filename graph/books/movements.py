"""Why a figure moved from one year to the next: an exact split of the difference by cause.

The rows of both years (``graph.books.account_rows``) are set side by side. What a site is inside
for more days of one year than of the other, or only in one, is **structure**: rows are compared as
for the mean of both shares, and the difference to what they are is put there,

    structure = Σ (k₁ − k₀) · (E₁/k₁ + E₀/k₀) / 2 ,   all of E where the other year has none,

and so is what changes in ``m*`` because something is inside in one year and outside in the other.

Within a material, with the total amount ``Q``, the share ``s_i`` of each supplier's product, and
``m_i`` kg CO2e per unit counted outside only,

    E = Q · Σ_i s_i m_i

is split between its three factors by the Shapley value (Sun 1998, Energy Economics 20:85; Ang 2004,
Energy Policy 32:1131, perfect in decomposition): each factor gets the mean of its effect over all
orders in which the three may change, which for three factors is

    ΔQ · [(s₀m₀ + s₁m₁)/3 + (s₀m₁ + s₁m₀)/6] ,  and the same for Δs and Δm.

The parts sum to ``E₁ − E₀`` exactly. Of what only one year has, no change of ``m`` is known: the
other year's counts. Of a material that only one year has, all is activity.

===============  ===============================================================================
activity         ``Q``: more or less of a material or fuel; direct emissions that no fuel explains
supplier         ``s``: another product of the same material, or of another supplier
factor           ``m``: the same product came with another footprint, the fuel with another factor
method           ``m`` where the way it is known changed: the product stands on another rung of the
                 factor ladder or another set of factors, or was stated under another GWP set; of
                 what lies further up, the part that stands on a rung which only one year has; a
                 fuel whose values were measured and are not, or the reverse. ``s`` between what
                 nobody in particular supplied and named suppliers. A site whose recipes stand in
                 for its books in one year only
unknown          what one year leaves open: a site's missing books, an input that nothing estimates
===============  ===============================================================================
"""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import numpy as np

from graph.books.account_rows import COLUMNS, Material, Row, Side, Split, Way
from graph.reading.network import Floats


class Cause(enum.StrEnum):
    """Why a figure moved, in the order in which it is told."""

    RESTATEMENT = "restatement"
    STRUCTURE = "structure"
    ACTIVITY = "activity"
    SUPPLIER = "supplier"
    FACTOR = "factor"
    METHOD = "method"
    UNKNOWN = "unknown"
    UNDISCLOSED = "undisclosed"
    """What those who ask may not tell apart."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What moved: a site, a material, or a product of a material (a fuel at its site)."""

    material: Material | None = None
    product: str | None = None
    site: str | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """What one cause moved at one subject, kg CO2e."""

    cause: Cause
    of: Subject
    kg: Split


Hides: TypeAlias = tuple[Callable[[Row], bool], Callable[[Row], bool]]
"""Of the earlier and of the later year: which rows those who ask may not tell apart."""
Moved: TypeAlias = tuple[Cause, Subject, int, Floats]
"""What is taken off (0) or added (1)."""
Key: TypeAlias = tuple[str, Material, str | None]

_WHOLE: Final = Subject()


def _nothing(_: Row) -> bool:
    return False


NOTHING_HIDDEN: Final[Hides] = (_nothing, _nothing)
"""For whoever may know everything."""


@dataclass(frozen=True, slots=True)
class _Taken:
    """What was taken in of one product of a material in a year."""

    amount: float
    kg: Floats
    ways: frozenset[Way]
    is_open: bool

    def __add__(self, other: _Taken) -> _Taken:
        return _Taken(
            self.amount + other.amount,
            self.kg + other.kg,
            self.ways | other.ways,
            self.is_open or other.is_open,
        )


_Pair: TypeAlias = tuple[_Taken | None, _Taken | None]


def movements(before: Side, after: Side, hides: Hides = NOTHING_HIDDEN) -> tuple[Item, ...]:
    """Everything that moved, by cause and subject, each once; together the whole difference.

    Rows that are hidden in either year are one item, *undisclosed*, and enter nothing else.
    """
    return _summed(_moved(before, after, hides))


def restatement(then: Side, now: Side) -> tuple[Item, ...]:
    """What later entries changed in the figure of one year, by subject."""
    return _summed(
        (Cause.RESTATEMENT, _subject(row), end, row.kg)
        for end, side in enumerate((then, now))
        for row in side.rows
    )


def _summed(moved: Iterable[Moved]) -> tuple[Item, ...]:
    """Both ends are summed apart, so that nothing is left of what did not move."""
    ends: dict[tuple[Cause, Subject], Floats] = defaultdict(lambda: np.zeros((2, COLUMNS)))
    for cause, subject, end, kg in moved:
        ends[cause, subject][end] += kg
    return tuple(
        Item(cause, subject, Split(now - was))
        for (cause, subject), (was, now) in ends.items()
        if (now != was).any()
    )


def hidden_keys(before: Side, after: Side, hides: Hides) -> frozenset[Key]:
    """What is hidden in one of the years is so in both: else the other would tell it."""
    pairs = zip((before, after), hides, strict=True)
    return frozenset(key_of(row) for side, hidden in pairs for row in side.rows if hidden(row))


def key_of(row: Row) -> Key:
    """What makes rows of two years the same."""
    return row.site, row.material, row.product


def _subject(row: Row) -> Subject:
    return Subject(row.material, row.product, row.site if row.is_direct else None)


def _moved(before: Side, after: Side, hides: Hides) -> Iterator[Moved]:
    hidden, both = hidden_keys(before, after, hides), _Both(before, after)
    pool: dict[Material, dict[str | None, list[_Taken | None]]] = defaultdict(
        lambda: defaultdict(lambda: [None, None])
    )
    for end, side in enumerate((before, after)):
        for row in side.rows:
            if key_of(row) in hidden:
                yield Cause.UNDISCLOSED, _WHOLE, end, row.kg
                continue
            kept = both.kept(side, row)
            yield Cause.STRUCTURE, Subject(site=row.site), end, row.kg - kept.kg
            cause = both.cause_of_all(row)
            if cause is not None:
                yield cause, replace(_subject(row), site=row.site), end, kept.kg
            elif both.compares(row):
                earlier = pool[row.material][row.product][end]
                pool[row.material][row.product][end] = earlier + kept if earlier else kept
    for material, products in pool.items():
        pairs: dict[str | None, _Pair] = {of: (was, now) for of, (was, now) in products.items()}
        yield from _of_material(material, pairs)


class _Both:
    """What two years have in common."""

    def __init__(self, before: Side, after: Side) -> None:
        self._days = {site: self._mean(before, after, site) for site in {*before.days, *after.days}}
        self._untold = before.untold | after.untold
        self._by_recipes = before.by_recipes ^ after.by_recipes

    @staticmethod
    def _mean(before: Side, after: Side, site: str) -> float:
        shares = before.days.get(site, 0.0), after.days.get(site, 0.0)
        return sum(shares) / 2 if all(shares) else 0.0

    def kept(self, side: Side, row: Row) -> _Taken:
        """The row as it is compared with the other year: for as many days, in the same fence."""
        share = self._days[row.site] / side.days[row.site]
        kg = np.zeros(COLUMNS) if row.shared is None else row.shared
        if share != 1.0:
            kg = kg * share
        return _Taken(row.amount * share, kg, row.ways, row.is_open)

    def compares(self, row: Row) -> bool:
        return self._days[row.site] > 0 and row.shared is not None

    def cause_of_all(self, row: Row) -> Cause | None:
        """Why all of a row moved, where its site's books of the two years cannot be compared."""
        about = row.site, "inventory" if row.is_direct else "purchases"
        if not self.compares(row):
            return None
        if about in self._untold:
            return Cause.UNKNOWN
        return Cause.METHOD if about in self._by_recipes else None


# --- Materials -------------------------------------------------------------------------------


def _of_material(material: Material, pairs: Mapping[str | None, _Pair]) -> Iterator[Moved]:
    """The difference of one material between the years, by cause and product."""
    opened = {product for product, pair in pairs.items() if _opens(pair)}
    alone = any(None in pairs[product] for product in opened)
    for product in pairs if alone else opened:
        # Whose place an input takes that nothing estimates, nobody can tell.
        for end, taken in enumerate(pairs[product]):
            yield Cause.UNKNOWN, _of(material, product), end, _kg(taken)
    left = {} if alone else {of: pair for of, pair in pairs.items() if of not in opened}
    if any(each.amount <= 0 for pair in left.values() for each in pair if each):
        # Shares of a total mean something only where nothing is taken off it.
        for product, pair in left.items():
            yield from _shapley(material, {product: pair})
    elif left:
        yield from _shapley(material, left)


def _opens(pair: _Pair) -> bool:
    was, now = (each is not None and each.is_open for each in pair)
    return was is not now


def _kg(taken: _Taken | None) -> Floats:
    return np.zeros(COLUMNS) if taken is None else taken.kg


def _of(material: Material, product: str | None) -> Subject:
    return Subject(material, product, material.site or None)


def _shapley(material: Material, pairs: Mapping[str | None, _Pair]) -> Iterator[Moved]:
    products = list(pairs)
    amounts = np.array([[each.amount if each else 0.0 for each in pairs[p]] for p in products])
    total, kg = amounts.sum(axis=0), [[_kg(each) for each in pairs[p]] for p in products]
    whole = _of(material, products[0] if len(products) == 1 else None)
    if not all(total):
        for each in kg:
            yield Cause.ACTIVITY, whole, 0, each[0]
            yield Cause.ACTIVITY, whole, 1, each[1]
        return
    share = amounts / total
    per_unit = np.array([_per_unit(*pairs[p]) for p in products])
    (s0, s1), (m0, m1) = share.T[:, :, None], np.moveaxis(per_unit, 1, 0)
    q0, q1 = map(float, total)
    activity = (q1 - q0) * _mean(s0, s1, m0, m1)
    yield Cause.ACTIVITY, whole, 1, activity.sum(axis=0)
    price = q0 * (m0 / 3 + m1 / 6) + q1 * (m1 / 3 + m0 / 6)
    named = np.array([product is not None for product in products])
    for cause, shift in _shifts(share, named):
        for product, kg_of in zip(products, shift[:, None] * price, strict=True):
            yield cause, _of(material, product), 1, kg_of
    changed = (m1 - m0) * (q0 * (s0 / 3 + s1 / 6) + q1 * (s1 / 3 + s0 / 6))
    for product, kg_of, rates in zip(products, changed, per_unit, strict=True):
        method = _is_method(pairs[product], rates)
        yield Cause.METHOD, _of(material, product), 1, np.where(method, kg_of, 0.0)
        yield Cause.FACTOR, _of(material, product), 1, np.where(method, 0.0, kg_of)


def _mean(s0: Floats, s1: Floats, m0: Floats, m1: Floats) -> Floats:
    return np.asarray((s0 * m0 + s1 * m1) / 3 + (s0 * m1 + s1 * m0) / 6)


def _per_unit(was: _Taken | None, now: _Taken | None) -> tuple[Floats, Floats]:
    """kg CO2e per unit in both years; of what one does not have, that of the other."""
    rates = [each.kg / each.amount if each else None for each in (was, now)]
    known = next(rate for rate in rates if rate is not None)
    first, second = (known if rate is None else rate for rate in rates)
    return first, second


def _shifts(share: Floats, named: np.ndarray) -> Iterator[tuple[Cause, Floats]]:
    """``Δs`` in two parts: between nobody in particular and named suppliers, and among these.

    ``Δ(S t) = t̄ ΔS + S̄ Δt`` with ``S`` the share of the kind and ``t`` that within it.
    """
    kind = np.where(named[:, None], share[named].sum(axis=0), share[~named].sum(axis=0))
    within = np.divide(share, kind, out=np.zeros_like(share), where=kind > 0)
    within = np.where(kind > 0, within, within[:, ::-1])
    yield Cause.METHOD, within.mean(axis=1) * (kind[:, 1] - kind[:, 0])
    yield Cause.SUPPLIER, kind.mean(axis=1) * (within[:, 1] - within[:, 0])


def _is_method(pair: _Pair, rates: Floats) -> Floats:
    """(COLUMNS,) whether a change of each column is one of the way it is known."""
    was, now = pair
    if was is not None and now is not None and was.ways != now.ways:
        return np.ones(COLUMNS, dtype=bool)
    return np.asarray((rates[0] != 0) != (rates[1] != 0))


def in_order(items: Iterable[Item]) -> tuple[Item, ...]:
    """The largest first; of equals in a fixed order."""
    return tuple(sorted(items, key=lambda item: (-abs(item.kg.t2.total), str(item.of))))
