"""What a caller may suppose: nothing by whose difference it would learn what it may not read.

An auditor may suppose anything. An enterprise may change only what it could state itself, and ask
about its own products and its own figure. That alone would not do: if it took in a little less of
one supplier's product, the difference would be that supplier's figure. So, as far as its view goes
upstream (``api.access.access``), before and after:

* what stands at the edge of the view has the same footprint, so that nothing is learned of what
  it is made from;
* of what is undisclosed there, the same products are drawn on in the same proportions, so that
  what they come to is a known multiple of what was read before.

Any number of such questions together are then told no more than one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

from api.access.access import Access, Sight
from api.errors import NotDisclosed, OnlyYourOwn, WouldReveal
from graph.differences.whatif import (
    Change,
    Say,
    ScaleEmissions,
    Scope,
    Supposed,
    TakeBack,
    in_force,
)
from graph.engine import Answered, Books, Engine, Question
from graph.errors import NothingToTakeBack
from graph.reading.year import Place
from graph.tracing.explain import Trace, trace_boundary, trace_product
from ledger.standing import Standing

MAY_SUPPOSE: Final = (
    "product",
    "site",
    "footprint",
    "recipe",
    "production",
    "inventory",
    "purchases",
    "certificate",
)
"""Types that an enterprise may suppose about its own things."""
SAME: Final = 1e-9

_NodeKey: TypeAlias = tuple[str | None, Place | None]


def require_own_question(access: Access, kind: str, entity: str) -> None:
    """Whether a caller other than an auditor may ask what if about a figure at all."""
    if access.caller.is_auditor:
        return
    disclosed = {"product": "footprint"}.get(kind, "figure")
    access.require(kind, entity, disclosed)
    owner = entity if kind == "enterprise" else access.standing.owner_of(kind, entity)
    if kind == "park" or owner != access.caller.enterprise:
        raise NotDisclosed(kind="what-if", id=entity)


def require_own_changes(access: Access, standing: Standing, changes: Iterable[Change]) -> None:
    """Whether the caller could state all of this itself.

    Raises OnlyYourOwn and NothingToTakeBack.
    """
    if access.caller.is_auditor:
        return
    for change in changes:
        match change:
            case Say():
                _require_own_statement(access, standing, change)
            case TakeBack():
                said = in_force(standing, change.digest)
                if said.owner != access.caller.enterprise or said.key.type not in MAY_SUPPOSE:
                    raise NothingToTakeBack("/withdraw", digest=change.digest)
            case ScaleEmissions():
                _require_owner(access, standing.owner_of("product", change.product), change.product)
            case _:
                _require_own_scope(access, standing, change.scope)


def _require_own_statement(access: Access, standing: Standing, change: Say) -> None:
    members = change.members
    kind = str(members.get("type"))
    if kind not in MAY_SUPPOSE:
        raise OnlyYourOwn(id=kind)
    things = {"product": "id", "site": "id"}.get(kind)
    named = {kind: members.get("id")} if things else {}
    named |= {each: members[each] for each in ("product", "site", "park") if each in members}
    for thing, entity in named.items():
        owner = standing.owner_of(thing, str(entity))
        _require_owner(access, owner or change.subject, str(entity))


def _require_own_scope(access: Access, standing: Standing, scope: Scope) -> None:
    owner = scope.id if scope.kind == "enterprise" else None
    if scope.kind in ("product", "site"):
        owner = standing.owner_of(scope.kind, scope.id)
    _require_owner(access, owner, scope.id or "the log")


def _require_owner(access: Access, owner: str | None, entity: str) -> None:
    if owner is None or owner != access.caller.enterprise:
        raise OnlyYourOwn(id=entity)


def require_said_by(access: Access, supposed: Supposed) -> None:
    """Whether everything that would be said would be the caller's to say."""
    if access.caller.is_auditor:
        return
    for statement in supposed.said:
        if statement.subject != access.caller.enterprise:
            raise OnlyYourOwn(id=statement.subject)


# --- What the difference would tell ----------------------------------------------------------


@dataclass(frozen=True)
class _Edge:
    """Where a view ends: units drawn there, and the nodes of it that are undisclosed."""

    answered: Answered
    units: Mapping[_NodeKey, float]
    hidden: frozenset[_NodeKey]


def require_nothing_new(
    access: Access, before: Engine, after: Engine, kind: str, entity: str, question: Question
) -> None:
    """Whether two figures of the caller's own may stand side by side.

    Raises WouldReveal, and for either figure what reading it raises.
    """
    if access.caller.is_auditor:
        return
    was, then = (_edge(access, engine, kind, entity, question) for engine in (before, after))
    for key in then.units:
        if _gate(was.answered, key) != _gate(then.answered, key):
            raise WouldReveal(name=_name(then.answered, key))
    if was.hidden != then.hidden:
        odd = min(was.hidden ^ then.hidden, key=str)
        known = then.answered if odd in then.hidden else was.answered
        raise WouldReveal(name=_name(known, odd))
    _require_proportion(was, then)


def _require_proportion(was: _Edge, then: _Edge) -> None:
    keys = sorted(was.hidden, key=str)
    one, other = (np.array([edge.units[key] for key in keys]) for edge in (was, then))
    if not len(keys):
        return
    largest = int(np.abs(one).argmax())
    factor = other[largest] / one[largest] if one[largest] else 1.0
    off = np.abs(other - factor * one) > SAME * np.abs(other).max(initial=0.0)
    if off.any():
        raise WouldReveal(name=_name(then.answered, keys[int(np.flatnonzero(off)[0])]))


def _edge(access: Access, engine: Engine, kind: str, entity: str, question: Question) -> _Edge:
    if kind == "product":
        answered = engine.about_product(entity, question)
        sight = access.require_footprint(entity, answered.solved, question)
        trace = trace_product(answered.solved, entity, answered.weights, None, sight.view)
        return _edge_of(answered, trace, sight)
    books: Books = engine.enterprise(entity, question)
    answered = books.answered
    sight = access.require_suppliers(books, question)
    trace = trace_boundary(answered.solved, books.places, answered.weights, sight.view)
    return _edge_of(answered, trace, sight)


def _edge_of(answered: Answered, trace: Trace, sight: Sight) -> _Edge:
    nodes = answered.solved.network.nodes
    at = np.flatnonzero(trace.whole)
    units = {(nodes[i].product, nodes[i].place): 0.0 for i in map(int, sight.view.frontier)}
    for k in at:
        node = nodes[trace.nodes[k]]
        units[node.product, node.place] = float(trace.units[k])
    hidden = frozenset((nodes[i].product, nodes[i].place) for i in sight.hidden)
    return _Edge(answered, units, hidden)


def _gate(answered: Answered, key: _NodeKey) -> tuple[float, ...] | None:
    """What is known up to the gate of a node, kg CO2e, rounded; None: there is no such node."""
    i = _number(answered, key)
    if i is None:
        return None
    solved, weights = answered.solved, answered.weights
    tables = (solved.footprints[i], solved.estimated[i])
    kg = [float(weights.co2e(np.nan_to_num(row))) for row in tables]
    return (*(float(f"{each:.9g}") for each in kg), float(solved.open_ended[i]))


def _name(answered: Answered, key: _NodeKey) -> str:
    i = _number(answered, key)
    return str(key[0]) if i is None else answered.solved.network.nodes[i].name


def _number(answered: Answered, key: _NodeKey) -> int | None:
    network = answered.solved.network
    made = network.nodes_of.get(key[0] or "", ())
    return next((i for i in made if network.nodes[i].place == key[1]), None)
