"""The answers about a product: its footprint, and what that consists of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from api.access.access import Access, Sight
from api.access.rule_of_three import allows
from api.figures.parts import (
    Answer,
    amount,
    apart,
    by_gas,
    columns_of,
    findings_about,
    gap_rows,
    head,
    origin,
    rungs,
    undisclosed,
)
from graph.engine import Answered
from graph.figures.footprint import ProductFootprint, mix_of
from graph.figures.gaps import Effect, effect_of
from graph.figures.rungs import footprints_by_rung
from graph.tracing.frontier import Piece, made_in, pieces_of

BOUNDARY = "cradle-to-gate"


def footprint_answer(
    answered: Answered,
    figure: ProductFootprint,
    sight: Sight,
    access: Access,
    site: str | None = None,
) -> Answer:
    """A product's figure as far as the caller may read it, kg CO2e per declared unit.

    Where a split by gas would tell too much, what follows from the split is null as well; and so
    is what was filled in where it would tell what fewer than three suppliers lack.
    """
    solved, weights = answered.solved, answered.weights
    hidden = columns_of(sight.hidden, solved.footprints)
    gases = by_gas(solved.network.columns, figure.columns, weights, hidden)
    split = all(row["gas"] is not None for row in gases)
    gaps, others = gap_rows(answered, _effects(answered, figure, sight, access, site), access)
    filled = columns_of(sight.hidden, solved.estimated)
    tells_filled = allows(len(set[str]().union(*filled.values())))
    return {
        **about(answered, figure.product, figure.as_of),
        **amount(figure.amount, tells_filled=tells_filled),
        "unit": f"kg CO2e per {figure.unit}",
        "feeds": [str(feed) for feed in figure.feeds],
        "declared": figure.declared,
        "residual": figure.residual,
        "mixed_gwp_share": figure.mixed_gwp_share if split else None,
        "by_gas": gases,
        "apart": apart(figure.columns, weights, hidden),
        "rungs": _rungs(answered, figure, sight) if tells_filled else None,
        "gaps": gaps,
        "gaps_not_shown": others,
        "findings": findings_about(answered, sight.open_nodes, access),
    }


def _rungs(answered: Answered, figure: ProductFootprint, sight: Sight) -> list[Answer]:
    nodes = np.array(list(sight.hidden), dtype=np.int64)
    table = footprints_by_rung(answered.solved, nodes, answered.weights)
    behind: dict[int, set[str]] = defaultdict(set)
    for owner, row in zip(sight.hidden.values(), table, strict=True):
        for k in np.flatnonzero(row):
            behind[int(k)].add(owner)
    return rungs(figure.rungs, behind)


def _effects(
    answered: Answered,
    figure: ProductFootprint,
    sight: Sight,
    access: Access,
    site: str | None,
) -> tuple[Effect, ...]:
    """What each gap may add, over links that the caller may look into.

    How much of the caller's own goods an undisclosed supplier uses is that supplier's to tell.
    """
    if access.caller.is_auditor or not figure.effects:
        return figure.effects
    network = answered.solved.network
    made = np.zeros(len(network.nodes))
    made[sight.view.open] = made_in(network, sight.view, _demand(answered, figure, site))
    return tuple(
        effect_of(network, answered.weights, gap, float(made[gap.node]))
        if made[gap.node]
        else Effect(gap, None)
        for gap in figure.gaps
    )


def _demand(answered: Answered, figure: ProductFootprint, site: str | None) -> dict[int, float]:
    nodes, shares = mix_of(answered.solved, figure.product, site)
    return dict(zip(nodes, map(float, shares), strict=True))


def contributions_answer(
    answered: Answered, figure: ProductFootprint, site: str | None, sight: Sight
) -> Answer:
    """What the figure consists of: own emissions of what the caller may look into, whole footprints
    of what is disclosed to it, and one sum for the others.
    """
    demand = _demand(answered, figure, site)
    pieces = pieces_of(answered.solved, sight.view, demand, answered.weights)
    total = sum(piece.kg_co2e for piece in pieces)
    rows = _rows(answered, [p for p in pieces if p.node not in sight.hidden], total)
    rest = sum(piece.kg_co2e for piece in pieces if piece.node in sight.hidden)
    if sight.hidden:
        rows.append({**undisclosed(rest, total), "part": BOUNDARY})
    rows.sort(key=lambda row: -abs(row["kg_co2e"]))
    return {**about(answered, figure.product, figure.as_of), "rows": rows, "total": total}


def _rows(answered: Answered, pieces: Iterable[Piece], total: float) -> list[Answer]:
    """One row for each product and kind of piece, whatever number of places it is made at."""
    nodes = answered.solved.network.nodes
    together: dict[tuple[str | None, bool], list[Piece]] = defaultdict(list)
    for piece in pieces:
        together[nodes[piece.node].product, piece.whole].append(piece)
    return [
        {
            **origin(answered.standing, nodes[alike[0].node], sum(p.kg_co2e for p in alike), total),
            "part": BOUNDARY if whole else "direct",
        }
        for (_, whole), alike in together.items()
    ]


def about(answered: Answered, product: str, as_of: int) -> Answer:
    """Which product a figure is of, and what was asked of it."""
    network = answered.solved.network
    made = network.nodes_of[product]
    first = network.nodes[made[0]]
    sites = {place.site for i in made if (place := network.nodes[i].place)}
    return {
        "product": {"id": product, "name": first.name, "unit": first.unit},
        **head(answered, as_of, BOUNDARY),
        "on_behalf": not answered.spoken_for.isdisjoint({product} | sites),
    }
