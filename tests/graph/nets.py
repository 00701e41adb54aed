"""Small networks given as tables, for tests of what is computed from arrays alone."""

from __future__ import annotations

import numpy as np

from graph.reading.network import Column, Edges, Network, Node
from graph.solving.characterise import Characterisation, characterise
from graph.solving.solved import Solved
from graph.terms import Feed

CO2, CH4 = Column("CO2", "fossil"), Column("CH4", "fossil")


def network_of(
    amounts: np.ndarray, direct: np.ndarray, categories: np.ndarray | None = None
) -> Network:
    """Products 0, 1, … with ``amounts[i, j]`` of *i* per unit of *j*, each of its own enterprise.

    ``direct`` has a column of CO2 and, where it is two wide, one of fossil methane.
    """
    supplier, consumer = np.nonzero(amounts)
    labels = np.ones(amounts.shape, dtype=np.int64) if categories is None else categories
    direct = np.atleast_2d(np.asarray(direct, dtype=float).T).T
    return Network(
        year=2025,
        nodes=tuple(
            Node(f"p{i}", None, f"firm {i}", f"P{i}", "KGM", Feed.RECIPE)
            for i in range(len(amounts))
        ),
        columns=(CO2, CH4)[: direct.shape[1]],
        direct=direct,
        edges=Edges(
            supplier=supplier.astype(np.int64),
            consumer=consumer.astype(np.int64),
            category=labels[supplier, consumer].astype(np.int64),
            amount=amounts[supplier, consumer].astype(float),
            mixed=np.zeros(len(supplier), dtype=bool),
        ),
        output=np.ones(len(amounts)),
        gaps=(),
        generation={},
        declared={},
        books={},
        as_of=np.zeros(len(amounts), dtype=np.int64),
        findings=(),
    )


def solved_of(
    amounts: np.ndarray, direct: np.ndarray, categories: np.ndarray | None = None
) -> tuple[Solved, Characterisation]:
    """The network solved, and the weights of AR6 over its columns."""
    network = network_of(np.asarray(amounts, dtype=float), direct, categories)
    return Solved.of(network), characterise(network.columns, "AR6")
