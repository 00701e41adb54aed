"""The answers about the quality of a figure, as far as the caller may read it.

A share splits a figure in two: what is primary and what is not, what is rated and what is not. So
it is shown only where the undisclosed parts of *each* side are nobody's, or those of three or more
(``api.access.rule_of_three``): otherwise it would tell whose data are which. The age of the oldest
datum is one enterprise's, and how much rests on defaults tells who states a spread: both are shown
only where nothing is undisclosed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

import numpy as np

from api.access.access import Access, Sight
from api.access.rule_of_three import allows
from api.figures.boundaries import BOUNDARY, Guarded, on_behalf
from api.figures.parts import Answer, Hidden, amount, columns_of, head, rungs, told
from api.figures.products import about
from graph.engine import Answered
from graph.figures.footprint import ProductFootprint
from graph.reading.assurance import Assurance
from graph.reading.network import Floats
from graph.terms import Rung
from graph.tracing.draws import Draw
from graph.tracing.facts import DIMENSIONS
from graph.tracing.quality import (
    Average,
    Origins,
    Part,
    Quality,
    doubts,
    own_parts,
    quality_table,
    rung_column,
)
from graph.tracing.uncertainty import Spread, Uncertainty

_SIDES: Final[Mapping[str, tuple[int, ...]]] = {
    "primary": (Part.PRIMARY, Part.UNTOLD),
    **{name: (Part.RATED_TECHNOLOGY + k,) for k, name in enumerate(DIMENSIONS)},
    "verified": (Part.LIMITED, Part.REASONABLE),
    "age": (Part.DATED,),
}
"""What is shown -> the parts that it tells apart from the rest, and from one another."""
_RUNG_COLUMNS: Final = [rung_column(rung) for rung in Rung]
_ROUNDING: Final = 1e-9


@dataclass(frozen=True)
class Shown:
    """What a caller may read of a figure's quality.

    ``shares`` are keys of ``_SIDES``; ``rungs`` maps positions of rungs to those behind them;
    ``filled`` tells whether estimates may be told apart, ``all`` whether nothing is undisclosed.
    """

    shares: AbstractSet[str]
    rungs: Hidden
    filled: bool
    all: bool


_EVERYTHING: Final = Shown(shares=_SIDES.keys(), rungs={}, filled=True, all=True)


def product_quality_answer(
    answered: Answered, figure: ProductFootprint, draw: Draw, sight: Sight, access: Access
) -> Answer:
    """How good the data behind a product's footprint are, kg CO2e per declared unit."""
    origins, network = Origins.of(draw), answered.solved.network
    shown = shown_of_product(answered, draw, sight)
    open_nodes = (i for i in sight.open_nodes if access.may_know_inputs_of(network.nodes[i]))
    return {
        **about(answered, figure.product, max(figure.as_of, origins.as_of)),
        "unit": f"kg CO2e per {figure.unit}",
        "amount": amount(figure.amount, tells_filled=shown.filled),
        **_quality(origins.quality, Spread.of(draw).whole, shown),
        "findings": _findings(draw, open_nodes),
    }


def boundary_quality_answer(guarded: Guarded, draw: Draw) -> Answer:
    """How good the data behind the books of a park or an enterprise are, kg CO2e."""
    books, access = guarded.books, guarded.access
    answered, assessed = books.answered, books.assessment
    origins, spread, shown = Origins.of(draw), Spread.of(draw), _of_boundary(guarded, draw)
    nodes = answered.solved.network.nodes
    inside = (i for i in guarded.inside if access.may_know_inputs_of(nodes[i]))
    parts = {
        "t2": (assessed.t2, origins.quality, spread.whole),
        "scope1": (assessed.scope1, origins.of_scope1, spread.scope1),
        "upstream": (assessed.upstream, origins.of_upstream, spread.upstream),
    }
    return {
        books.kind: {"id": books.id, "name": books.name},
        **head(answered, max(books.as_of, origins.as_of), BOUNDARY),
        "on_behalf": on_behalf(guarded),
        "unit": "kg CO2e",
        **{
            name: {"amount": guarded.amount(figure), **_quality(quality, uncertainty, shown)}
            for name, (figure, quality, uncertainty) in parts.items()
        },
        "findings": _findings(draw, inside),
    }


def _findings(draw: Draw, nodes: Iterable[int]) -> list[Answer]:
    return [told(each) for each in doubts(draw.facts, nodes)]


# -- what a figure's quality says ------------------------------------------------------------


def _quality(quality: Quality, uncertainty: Uncertainty | None, shown: Shown) -> Answer:
    return {
        "primary_data_share": _average("primary", quality.primary, shown),
        "ratings": {name: _average(name, quality.ratings[name], shown) for name in DIMENSIONS},
        "verified": _verified(quality.verified) if "verified" in shown.shares else None,
        "age": _average("age", quality.age, shown),
        "oldest": quality.oldest if shown.all else None,
        "rungs": _rungs(quality, shown),
        "uncertainty": uncertainty and _uncertainty(uncertainty, shown),
    }


def _average(name: str, average: Average, shown: Shown) -> Answer | None:
    if name not in shown.shares:
        return None
    return {"value": average.value, "of_told": average.of_told, "told": average.told}


def _verified(shares: Mapping[Assurance, float]) -> Answer:
    return {str(level): share for level, share in shares.items()}


def _rungs(quality: Quality, shown: Shown) -> list[Answer] | None:
    if not shown.filled:
        return None
    return rungs({rung: share for rung, share in quality.rungs.items() if share}, shown.rungs)


def _uncertainty(found: Uncertainty, shown: Shown) -> Answer:
    return {
        "gsd": found.gsd,
        "lower": found.lower if shown.filled else None,
        "upper": found.upper if shown.filled else None,
        "by_default": found.by_default if shown.all else None,
    }


# -- what of it a caller may read ------------------------------------------------------------


def shown_of_product(answered: Answered, draw: Draw, sight: Sight) -> Shown:
    """What of a product's quality may be told to whom ``sight`` is shown."""
    if not sight.hidden:
        return _EVERYTHING
    solved = answered.solved
    table = np.nan_to_num(quality_table(solved, answered.weights, draw.facts, draw.nodes))
    filled = columns_of(sight.hidden, solved.estimated)
    return Shown(
        shares={
            name
            for name in _SIDES
            if _allowed(columns_of(sight.hidden, _sides(table, name)).values())
        },
        rungs=columns_of(sight.hidden, table[:, _RUNG_COLUMNS]),
        filled=allows(len(set[str]().union(*filled.values()))),
        all=False,
    )


def _of_boundary(guarded: Guarded, draw: Draw) -> Shown:
    if not _hides(guarded):
        return _EVERYTHING
    answered = guarded.books.answered
    outside = draw.nodes[~draw.inside[draw.nodes]]
    table = np.nan_to_num(quality_table(answered.solved, answered.weights, draw.facts, outside))
    inside = own_parts(draw.facts, answered.weights, draw.speakers[guarded.inside])
    return Shown(
        shares={
            name
            for name in _SIDES
            if all(map(_allowed, _behind(guarded, _sides(table, name), _sides(inside, name))))
        },
        rungs=_behind_inflow(guarded, table[:, _RUNG_COLUMNS]),
        filled=guarded.tells_filled,
        all=False,
    )


def _hides(guarded: Guarded) -> bool:
    if guarded.tenants is not None:
        return bool(guarded.tenants.guarded or guarded.tenants.unread)
    return bool(guarded.suppliers and guarded.suppliers.hidden)


def _behind(
    guarded: Guarded, outside: Floats, inside: Floats
) -> Iterator[Iterable[AbstractSet[str]]]:
    """For each kind of protection, those behind each side of a split; the rest is the last."""
    upstream = _behind_inflow(guarded, outside)
    if guarded.tenants is not None:
        # What a place lacks and an estimate fills in is what nobody tells of.
        rest = upstream.setdefault(outside.shape[1] - 1, set())
        rest |= _lacking(guarded) & guarded.tenants.guarded
        for kind in (guarded.tenants.guarded, guarded.tenants.unread):
            yield columns_of(_rows_of(guarded, kind), inside).values()
    yield upstream.values()


def _lacking(guarded: Guarded) -> set[str]:
    nodes, gaps = guarded.books.answered.solved.network.nodes, guarded.books.assessment.gaps
    return {nodes[gap.node].owner for gap in gaps if gap.estimate is not None}


def _rows_of(guarded: Guarded, kind: AbstractSet[str]) -> dict[int, str]:
    """Row of a table that follows ``guarded.inside`` -> its owner, if of a kind."""
    nodes = guarded.books.answered.solved.network.nodes
    owners = ((row, nodes[i].owner) for row, i in enumerate(guarded.inside))
    return {row: owner for row, owner in owners if owner in kind}


def _behind_inflow(guarded: Guarded, table: Floats) -> dict[int, set[str]]:
    """Column -> those behind what came in with something in it."""
    found: dict[int, set[str]] = defaultdict(set)
    for supplier, consumer, _ in guarded.crossing:
        for k in np.flatnonzero(table[supplier]).tolist():
            found[k] |= guarded.behind_inflow(supplier, consumer, table[:, [k]])
    return dict(found)


def _allowed(behind: Iterable[AbstractSet[str]]) -> bool:
    return all(allows(len(enterprises)) for enterprises in behind)


def _sides(table: Floats, name: str) -> Floats:
    """(rows, sides) kg CO2e of each part that is told apart, and of the rest last."""
    apart, carbon = table[:, list(_SIDES[name])], table[:, Part.CARBON]
    rest = carbon - apart.sum(axis=1)
    return np.column_stack([apart, np.where(np.abs(rest) > _ROUNDING * carbon, rest, 0.0)])
