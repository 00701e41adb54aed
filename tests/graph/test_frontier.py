"""How far a view goes upstream, and that its pieces are the figure wherever it ends."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from graph.reading.network import Column, Edges, Network, Node
from graph.solving.characterise import characterise
from graph.solving.solved import Solved
from graph.terms import Feed
from graph.tracing.frontier import pieces_of, view_from

LETTERS = "ABCDEF"
CO2 = Column("CO2", "fossil")


def network_of(amounts: np.ndarray, direct: list[float]) -> Network:
    """Products A, B, … with ``amounts[i, j]`` of *i* per unit of *j*."""
    supplier, consumer = np.nonzero(amounts)
    count = len(supplier)
    return Network(
        year=2025,
        nodes=tuple(
            Node(name, None, name, name, "KGM", Feed.RECIPE) for name in LETTERS[: len(direct)]
        ),
        columns=(CO2,),
        direct=np.array(direct)[:, None],
        edges=Edges(
            supplier=supplier.astype(np.int64),
            consumer=consumer.astype(np.int64),
            category=np.ones(count, dtype=np.int64),
            amount=amounts[supplier, consumer],
            mixed=np.zeros(count, dtype=bool),
        ),
        output=np.ones(len(direct)),
        gaps=(),
        generation={},
        declared={},
        books={},
        as_of=np.zeros(len(direct), dtype=np.int64),
        findings=(),
    )


def chain() -> Network:
    """A is made of 2 B, B of 3 C and 1 D, and C of 0.1 A."""
    amounts = np.zeros((4, 4))
    amounts[1, 0], amounts[2, 1], amounts[3, 1], amounts[0, 2] = 2, 3, 1, 0.1
    return network_of(amounts, [1.0, 1.0, 1.0, 1.0])


@pytest.mark.parametrize(
    ("open_to", "inner", "frontier"),
    [("", "A", "B"), ("B", "AB", "CD"), ("BC", "ABC", "D"), ("BCD", "ABCD", ""), ("C", "A", "B")],
)
def test_a_view_ends_at_the_first_product_that_is_not_open(
    open_to: str, inner: str, frontier: str
) -> None:
    view = view_from(chain(), [0], lambda node: LETTERS[node] in open_to)
    assert "".join(LETTERS[i] for i in view.open) == inner
    assert "".join(LETTERS[i] for i in view.frontier) == frontier


@st.composite
def networks(draw: st.DrawFn) -> tuple[Network, frozenset[int]]:
    size = draw(st.integers(2, 6))
    share = st.floats(0, 0.8 / size)
    table = [[draw(share) for _ in range(size)] for _ in range(size)]
    direct = [draw(st.floats(0, 10)) for _ in range(size)]
    is_open = draw(st.frozensets(st.integers(0, size - 1)))
    return network_of(np.array(table), direct), is_open


@given(networks(), st.floats(0.5, 2))
def test_the_pieces_are_the_footprint_wherever_the_view_ends(
    drawn: tuple[Network, frozenset[int]], demanded: float
) -> None:
    network, is_open = drawn
    solved = Solved.of(network)
    weights = characterise(network.columns, "AR6")
    view = view_from(network, [0], is_open.__contains__)
    pieces = pieces_of(solved, view, {0: demanded}, weights)
    expected = demanded * float(weights.co2e(solved.footprints[0]))
    assert sum(piece.kg_co2e for piece in pieces) == pytest.approx(expected, abs=1e-12)


def test_with_everything_open_the_pieces_are_the_origin_matrix() -> None:
    network = chain()
    solved = Solved.of(network)
    view = view_from(network, [0], lambda _: True)
    pieces = pieces_of(solved, view, {0: 1.0}, characterise(network.columns, "AR6"))
    leontief = np.linalg.inv(np.eye(4) - sparse.csr_array(network.inputs).toarray())
    assert {p.node: p.kg_co2e for p in pieces} == pytest.approx(dict(enumerate(leontief[:, 0])))
