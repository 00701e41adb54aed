"""The carbon account of an enterprise or a park: opening, movements by cause, closing.

    T2(Y₀, as published) + restatement + Σ movements = T2(Y₁)

in kg CO2e, exactly but for rounding, and the same for Scope 1, Scope 2 (by location) and upstream
Scope 3 each. The opening is the figure of the earlier year as its owner published it last under the
GWP set asked for; where it published none, it is that of today, and nothing is restated. What later
entries changed in the earlier year is the **restatement**. The other movements are those between
the two years as both are known today (``graph.books.movements``).

Where one of the figures is open, no value is told of what adds up to it: then the movements are
those of what is known, and lower bounds stand at both ends. Offsets and removals never enter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, cast

import numpy as np

from graph.books.account_rows import Split, sides_of
from graph.books.movements import (
    NOTHING_HIDDEN,
    Cause,
    Hides,
    Item,
    in_order,
    movements,
    restatement,
)
from graph.books.unsaid import unsaid
from graph.engine import Books, Engine, Question
from graph.errors import YearsReversed
from graph.figures.boundary import Amount, Fence, Lacking
from graph.reading.flows import inventories_of
from graph.reading.network import FEEDS, output_shares
from graph.reading.year import Year
from graph.terms import Feed
from graph.tracing.explain import Kg
from ledger.standing import Said, Standing
from ledger.statements import Figure, Result

ACCOUNTS: Final = ("t2", "scope1", "scope2Location", "scope3Upstream")
"""The figures that have an account of their own, by the names under which they are published; the
first is the sum of the others."""


@dataclass(frozen=True)
class Movement:
    """What one cause moved, kg CO2e, and everything behind it, the largest first."""

    cause: Cause
    kg: Kg
    items: tuple[Item, ...] = ()


@dataclass(frozen=True)
class Account:
    """One figure from year to year. ``opening`` and ``restated`` (the earlier year as it is known
    today) differ by the restatement; an ``opening`` of ``None`` was not published.

    ``movements`` are all but the restatement, in the order of ``Cause``.
    """

    name: str
    opening: Amount | None
    restated: Amount
    movements: tuple[Movement, ...]
    closing: Amount

    @property
    def restatement(self) -> Kg | None:
        if self.opening is None:
            return None
        known = self.restated.at_least - self.opening.at_least
        return Kg(known, self.restated.filled - self.opening.filled if self.is_valued else 0.0)

    @property
    def is_valued(self) -> bool:
        """Whether values are told, and not only what is known."""
        ends = (self.opening or self.restated, self.restated, self.closing)
        return all(end.value is not None for end in ends)


@dataclass(frozen=True)
class Made:
    """A product made inside in one year.

    ``per_unit`` kg CO2e per declared unit, a lower bound where ``is_open``, ``None`` where it is
    not known in which shares several places make it; ``output`` declared units, ``None`` where
    nobody said; ``share`` is its part of T0, 0 to 1.
    """

    product: str
    name: str
    unit: str
    per_unit: Kg | None
    is_open: bool
    output: float | None
    share: float | None

    @property
    def kg(self) -> Kg | None:
        """``m x``, kg CO2e of the year."""
        if self.output is None or self.per_unit is None:
            return None
        return Kg(self.per_unit.known * self.output, self.per_unit.filled * self.output)


@dataclass(frozen=True, slots=True)
class OutputValue:
    """What was made in a year is worth, in a price unit such as ``CNY:2025:basic``."""

    amount: float
    unit: str


@dataclass(frozen=True)
class YearOf:
    """One of the two years: its books, what was made, and what that was worth (``None``: not all
    places say, or not all in the same unit)."""

    books: Books
    made: tuple[Made, ...]
    output_value: OutputValue | None

    @property
    def per_value(self) -> float | None:
        """T2 in kg CO2e per unit of money; ``None`` where either is not known."""
        t2, worth = self.books.assessment.t2.value, self.output_value
        return t2 / worth.amount if t2 is not None and worth and worth.amount else None


@dataclass(frozen=True)
class CarbonAccount:
    """The accounts of a boundary between two years. ``published`` is the statement that the opening
    is taken from; without one the opening is that of today."""

    accounts: Mapping[str, Account]
    before: YearOf
    after: YearOf
    published: Said | None

    @property
    def t2(self) -> Account:
        return self.accounts[ACCOUNTS[0]]

    @property
    def as_of(self) -> int:
        """The last entry that had a say in it; also one that took a published figure back."""
        books = self.after.books
        published = books.answered.standing.touched.get((Figure.TYPE, books.id), -1)
        return max(self.before.books.as_of, books.as_of, published)


def years_of(engine: Engine, question: Question, since: int | None = None) -> tuple[int, int]:
    """The year of ``question`` (by default the latest), after ``since`` (the one before).

    Raises
    ------
    YearsReversed
        ``since`` does not lie before the year.
    """
    year = engine.answer(question).year
    first = year - 1 if since is None else since
    if first >= year:
        raise YearsReversed(since=first, year=year)
    return first, year


def published_before(standing: Standing, books: Books) -> Said | None:
    """The latest published figure of the boundary for the year and the GWP set of ``books``."""
    wanted = (books.kind, books.id, books.answered.year, books.answered.gwp)
    found = [
        said
        for said in standing.statements(Figure.TYPE)
        if _about(cast(Figure, said.statement.body)) == wanted
    ]
    return max(found, key=lambda said: said.index, default=None)


def _about(figure: Figure) -> tuple[str, str, int, str]:
    return figure.object.type, figure.object.id, figure.year, figure.gwp


def carbon_account(
    before: Books,
    after: Books,
    published: Said | None = None,
    then: Books | None = None,
    hides: Hides = NOTHING_HIDDEN,
) -> CarbonAccount:
    """The account between two years of one boundary, both at the same prefix of the log.

    ``then`` are the books that ``published`` states, where what was restated may be told by item.
    """
    items = movements(*sides_of(before, after), hides)
    restated = restatement(*sides_of(then, before)) if then is not None else ()
    stated = _stated(published)
    accounts = {name: _account(name, before, after, stated, items) for name in ACCOUNTS}
    whole = accounts[ACCOUNTS[0]]
    told = Movement(Cause.RESTATEMENT, whole.restatement or Kg(), in_order(restated))
    accounts[whole.name] = replace(whole, movements=(told, *whole.movements))
    return CarbonAccount(accounts, _year_of(before), _year_of(after), published)


def _account(
    name: str,
    before: Books,
    after: Books,
    stated: Mapping[str, Amount] | None,
    items: Iterable[Item],
) -> Account:
    restated, closing = (_figure(books, name) for books in (before, after))
    opening = restated if stated is None else stated.get(name)
    by_cause: dict[Cause, list[Item]] = defaultdict(list)
    for item in items:
        by_cause[item.cause].append(item)
    moved = tuple(
        Movement(cause, sum((_part(item.kg, name) for item in found), Kg()), in_order(found))
        for cause in Cause
        if (found := by_cause.get(cause))
    )
    return Account(name, opening, restated, moved, closing)


def _figure(books: Books, name: str) -> Amount:
    assessed = books.assessment
    figures = {
        "t2": assessed.t2,
        "scope1": assessed.scope1,
        "scope2Location": assessed.scope2,
        "scope3Upstream": assessed.scope3,
    }
    return figures[name]


def _part(split: Split, name: str) -> Kg:
    parts = {
        "t2": split.t2,
        "scope1": split.scope1,
        "scope2Location": split.scope2,
        "scope3Upstream": split.scope3,
    }
    return parts[name]


def _stated(published: Said | None) -> dict[str, Amount] | None:
    if published is None:
        return None
    figure = cast(Figure, published.statement.body)
    return {result.name: _amount(result) for result in figure.results}


def _amount(result: Result) -> Amount:
    """A published number. What was left out of it may be that it was filled in, or open."""
    known = float(result.at_least)
    if result.value is None:
        return Amount(known, lacking=Lacking.OPEN)
    filled = float(result.value - result.at_least)
    return Amount(known, filled, lacking=Lacking.ESTIMATED if filled else Lacking.NOTHING)


# --- What was made ---------------------------------------------------------------------------


def _year_of(books: Books) -> YearOf:
    return YearOf(books, tuple(_made(books)), _output_value(books))


def _made(books: Books) -> Iterator[Made]:
    """The products made inside, the largest ``m x`` first."""
    answered = books.answered
    fence = Fence(answered.solved, frozenset(books.places), answered.weights)
    network = fence.network
    whole = _total_made(fence)
    by_product: dict[str, list[int]] = defaultdict(list)
    for node in fence.made:
        if network.feeds[node] != FEEDS.index(Feed.NONE):
            by_product[cast(str, network.nodes[node].product)].append(node)
    found = [_product(fence, nodes, whole) for nodes in by_product.values()]
    found.sort(key=lambda made: (-abs(made.kg.total if made.kg else 0.0), made.product))
    yield from found


def _total_made(fence: Fence) -> float | None:
    """T0: ``m x`` over everything inside, what sites have left over included; ``None`` while some
    recipe or output is not known."""
    t0, _ = fence.chain_totals()
    return t0.at_least + t0.filled if t0 is not None else None


def _product(fence: Fence, nodes: list[int], whole: float | None) -> Made:
    network, made = fence.network, fence.network.output[nodes]
    first, output = network.nodes[nodes[0]], None if np.isnan(made).any() else float(made.sum())
    per_unit = _per_unit(fence, nodes)
    share = None
    if per_unit is not None and output is not None and whole:
        share = per_unit.total * output / whole
    return Made(
        product=cast(str, first.product),
        name=first.name,
        unit=first.unit,
        per_unit=per_unit,
        is_open=bool(fence.solved.open_ended[nodes].any()),
        output=output,
        share=share,
    )


def _per_unit(fence: Fence, nodes: list[int]) -> Kg | None:
    network, solved, weights = fence.network, fence.solved, fence.weights
    shares = output_shares([network.nodes[i] for i in nodes], network.output[nodes])
    if shares is None:
        return None
    tables = (solved.footprints[nodes], solved.estimated[nodes])
    return Kg(*(float(shares @ weights.co2e(np.nan_to_num(table))) for table in tables))


def _output_value(books: Books) -> OutputValue | None:
    """The sum over all places, each of which says what it is worth of all its days, in one unit."""
    answered = books.answered
    year = Year(answered.standing, answered.year, answered.valid_on)
    total, in_units = 0.0, set()
    for stated in inventories_of(year, books.places):
        if (worth := stated.body.output_value) is not None:
            total += float(worth.amount) * stated.share
            in_units.add(worth.unit)
    if len(in_units) != 1 or unsaid(year, books.places, "output-value"):
        return None
    return OutputValue(total, in_units.pop())
