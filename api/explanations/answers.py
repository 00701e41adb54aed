"""The answers that take a figure apart, as far as the caller may know its parts.

What arises at a product that the caller may not know is one sum, ``undisclosed``, whichever way
the figure is split: two ways of splitting it would be two sums over it, and their difference could
be one supplier's figure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from flask_babel import gettext

from api.access.access import Access
from api.access.rule_of_three import allows
from api.figures.parts import Answer, name_of, site_name
from api.figures.scope3 import CATEGORIES
from graph.reading.network import Node
from graph.tracing.cycles import Loop, through
from graph.tracing.explain import (
    OWN,
    Breakdown,
    Kg,
    Trace,
    by_category,
    by_enterprise,
    by_gas,
    by_origin,
    by_site,
    by_tier,
)
from graph.tracing.levers import TENTH, Kind, Lever, levers_of
from graph.tracing.paths import Path, Paths, largest_paths
from ledger.standing import Standing

# Of the figure; answers show twelve digits.
_ROUNDING: Final = 1e-12

OWN_EMISSIONS = "Direct emissions"
MOST_MEMBERS = 20


@dataclass(frozen=True)
class Shown:
    """A trace, the nodes of it that the caller may not know, and what it may know of places."""

    trace: Trace
    hidden: frozenset[int]
    standing: Standing
    access: Access

    @property
    def visible(self) -> Trace:
        return self.trace.without(self.hidden) if self.hidden else self.trace

    @property
    def undisclosed(self) -> Kg | None:
        return self.trace.figure - self.visible.figure if self.hidden else None

    def node(self, i: int) -> Node:
        return self.trace.network.nodes[i]


# --- Rows ------------------------------------------------------------------------------------


def explanation_of(shown: Shown, by: str, most: int) -> Answer:
    """``by``, ``figure``, ``rows``, ``rest`` and ``undisclosed``: the rows and both sum to it."""
    visible, figure = shown.visible, shown.trace.figure
    told = _broken_down(shown, visible, by, most)
    rows = [
        {**_label(shown, visible, by, part.of), **kg_of(part.kg, figure)} for part in told.parts
    ]
    return {
        "by": by,
        "figure": kg_of(figure, figure),
        "rows": rows,
        "rest": {**kg_of(_rest(told.rest, figure), figure), "parts": told.others},
        "undisclosed": _maybe(shown.undisclosed, figure),
    }


def _broken_down(shown: Shown, trace: Trace, by: str, most: int) -> Breakdown[Any]:
    ways: dict[str, Callable[[], Breakdown[Any]]] = {
        "origin": lambda: by_origin(trace, most),
        "tier": lambda: by_tier(trace, most),
        "site": lambda: by_site(trace, most, shown.access.may_know_inputs_of),
        "enterprise": lambda: by_enterprise(trace, most),
        "gas": lambda: by_gas(trace, most),
        "category": lambda: by_category(trace),
    }
    return ways[by]()


def _rest(rest: Kg, figure: Kg) -> Kg:
    """``rest``, or nothing where it is only what adding up in floating point leaves."""
    size = max(abs(rest.known), abs(rest.filled))
    return Kg() if size <= _ROUNDING * abs(figure.total) else rest


def _label(shown: Shown, trace: Trace, by: str, of: Any) -> Answer:
    match by:
        case "origin":
            ended = set(map(int, trace.nodes[trace.whole]))
            return {**step_of(shown.standing, shown.node(of)), "whole": of in ended}
        case "tier":
            return {"tier": of}
        case "site":
            name = of and {"id": of, "name": site_name(shown.standing, of)}
            return {"site": name}
        case "enterprise":
            return {"enterprise": {"id": of, "name": name_of(shown.standing, of) or of}}
        case "gas":
            return {"gas": of[0], "origin": of[1]}
        case _:
            name = OWN_EMISSIONS if of == OWN else CATEGORIES[of]
            return {"category": of, "name": gettext(name)}


def step_of(standing: Standing, node: Node) -> Answer:
    """Whose product a node is; without one it is the rest of a site."""
    return {
        "product": node.product and {"id": node.product, "name": node.name},
        "enterprise": {"id": node.owner, "name": name_of(standing, node.owner) or node.owner},
    }


def kg_of(kg: Kg, figure: Kg) -> Answer:
    share = kg.total / figure.total if figure.total else None
    return {"kg_co2e": kg.known, "filled": kg.filled, "share": share}


def _maybe(kg: Kg | None, figure: Kg) -> Answer | None:
    return None if kg is None else kg_of(kg, figure)


# --- Paths -----------------------------------------------------------------------------------


def paths_of(shown: Shown, most: int) -> Answer:
    """``figure``, ``rows``, ``rest``, ``undisclosed``, and how sure it is that none is missed."""
    found, figure = largest_paths(shown.visible, most), shown.trace.figure
    return {
        "figure": kg_of(figure, figure),
        "rows": [_path(shown, path, figure) for path in found.paths],
        "rest": kg_of(_rest(found.rest, figure), figure),
        "undisclosed": _maybe(shown.undisclosed, figure),
        "proven": found.proven,
        "bound": _finite(found),
    }


def _path(shown: Shown, path: Path, figure: Kg) -> Answer:
    steps = [step_of(shown.standing, shown.node(i)) for i in path.nodes]
    return {"steps": steps, "whole": path.whole, **kg_of(path.kg, figure)}


def _finite(found: Paths) -> float | None:
    return found.bound if found.bound < float("inf") else None


# --- Levers ----------------------------------------------------------------------------------


def levers_answer(shown: Shown, most: int) -> list[Answer]:
    """The levers of every kind.

    Rows about what the caller may not know are one sum, if that is over three enterprises or more;
    otherwise nothing is told of the kind. Suppliers and origins each sum to the upstream figure and
    sites to Scope 1, so their sums tell nothing that the figure does not. Carriers and uses would
    be further sums over the same enterprises: of them only rows are told.
    """
    return [_levers_of_kind(shown, kind, most) for kind in Kind]


def _levers_of_kind(shown: Shown, kind: Kind, most: int) -> Answer:
    found = levers_of(shown.trace, kind, None if shown.hidden else most)
    hidden = {i for lever in found for i in lever.nodes} & shown.hidden
    told = [lever for lever in found if hidden.isdisjoint(lever.nodes)][:most]
    if not allows(len({shown.node(i).owner for i in hidden})):
        return {"kind": str(kind), "rows": None, "others": None}
    rows = [_lever(shown, lever) for lever in told]
    partition = kind in (Kind.SUPPLIER, Kind.ORIGIN, Kind.SITE)
    others = _others(found, told) if partition or not hidden else None
    return {"kind": str(kind), "rows": rows, "others": others}


def _others(found: Sequence[Lever], told: Sequence[Lever]) -> Answer | None:
    named = {(lever.of, lever.nodes) for lever in told}
    left = [lever for lever in found if (lever.of, lever.nodes) not in named]
    return {"count": len(left), "t2": sum(each.t2.total for each in left)} if left else None


def _lever(shown: Shown, lever: Lever) -> Answer:
    node = shown.node(lever.nodes[0])
    told = {"linear": lever.linear, "t2": lever.t2.total, "upstream": lever.upstream.total}
    match lever.kind:
        case Kind.CARRIER:
            return {"carrier": lever.of, **told}
        case Kind.SITE:
            return {"site": {"id": lever.of, "name": site_name(shown.standing, lever.of)}, **told}
        case _:
            return {**step_of(shown.standing, node), **told}


LESS = TENTH


# --- Loops -----------------------------------------------------------------------------------


def loop_rows(
    loops: Iterable[Loop], standing: Standing, nodes: Sequence[Node], trace: Trace | None
) -> Iterator[Answer]:
    """The loops, and what of the traced figure passes through each."""
    for loop in loops:
        passing = None if trace is None else kg_of(through(trace, loop), trace.figure)
        yield {
            "gain": loop.gain,
            "lowest": loop.lowest,
            "highest": loop.highest if loop.highest < float("inf") else None,
            "refused": loop.refused,
            "size": len(loop.nodes),
            "members": [step_of(standing, nodes[i]) for i in loop.nodes[:MOST_MEMBERS]],
            "through": passing,
        }
