"""What rests on whom: which figures move if a key, a verifier or a supplier is no longer trusted.

    stress(prefix, distrusted) = figures(prefix without what they said) − figures(prefix)

A what-if over trust, as little written as any other (``graph.differences.whatif``):

* without a **key**: everything it signed falls, as if it were stated that others may have signed
  with it since the log began. Of each chain the last sound statement returns
  (``ledger.soundness``), so that a figure falls back to what was said with another key.
* without a **supplier**: nothing that the enterprise says of itself, its sites and its products
  stands; what its buyers take in of it becomes a gap.
* without a **verifier**: none of its attestations stands. That moves no amount, only how much of
  it is verified.

What a figure rests on most is found without trying everybody: the carbon that passes through what
somebody stated is the figure less the figure with those nodes held at zero, one pass each.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from graph.differences.whatif import without
from graph.engine import MOVES_FIGURES, Answered, Engine, Question
from graph.reading.assurance import Assurance
from graph.reading.network import Floats, Node
from graph.tracing.draws import draw_of_boundary, draw_of_product
from graph.tracing.explain import Kg, Mask, Trace
from graph.tracing.facts import Facts, facts_of
from graph.tracing.quality import Origins
from ledger.entry import Entry
from ledger.errors import PayloadErased
from ledger.standing import Prefixes, Said, Standing
from ledger.statements import NaturalKey, Withdrawal

if TYPE_CHECKING:  # it knows the database, and only its shape is needed here
    from ledger.suspects import ChainEnd

MOST: Final = 20
MOST_TRIED: Final = 60
"""Keys or enterprises of which the carbon behind them is computed exactly."""
MOST_NODES: Final = 2_000
"""Nodes, the most weighty first, of which is asked who stated them."""
FROM_THE_BEGINNING: Final = 0

_TOLD_OF_A_PRODUCT: Final = ("recipe", "footprint", "production")
_TOLD_OF_A_SITE: Final = ("inventory", "purchases")


class Records(Prefixes, Protocol):
    """The part of a log that says what a key signed, and what was said before it."""

    def suspects_if(self, kid: str, since_ms: int) -> Sequence[Entry]: ...

    def chain_ends(self, chains: Sequence[str]) -> Mapping[str, ChainEnd]: ...

    def entry(self, index: int) -> Entry: ...

    def entry_by_digest(self, digest: str) -> Entry: ...


# --- Without somebody ------------------------------------------------------------------------


def without_key(log: Records, standing: Standing, kid: str) -> Standing:
    """What of the whole log would stand without anything that a key signed, or that rests on it.

    ``standing`` is that of the whole log.
    """
    fallen = {entry.index: entry for entry in log.suspects_if(kid, FROM_THE_BEGINNING)}
    ends = log.chain_ends(sorted({entry.leaf.chain for entry in fallen.values()}))
    doubted = fallen.keys() | {each.said.index for each in standing.suspects}
    sound = {
        opening: _last_sound(log, end, doubted)
        for opening, end in ends.items()
        if end.key.type in MOVES_FIGURES
    }
    if any(ends[opening].key.type == "transfer" for opening in sound):
        return _refolded(log, standing, sound)
    changed = standing
    for opening, entry in sound.items():
        changed = _with_head(changed, ends[opening].key, entry)
    return _sized(changed, standing.size)


def without_supplier(standing: Standing, enterprise: str) -> Standing:
    """What would stand if nothing stood that an enterprise says, or others say in its name."""
    fallen = [
        said
        for kind in MOVES_FIGURES
        if kind != "enterprise"
        for said in standing.statements(kind)
        if said.owner == enterprise
    ]
    return _sized(without(standing, fallen), standing.size)


def without_verifier(standing: Standing, enterprise: str) -> Standing:
    """What would stand without the attestations of a verifier."""
    told = standing.about("attestation", enterprise)
    fallen = [said for said in told if said.owner == enterprise]
    return _sized(without(standing, fallen), standing.size)


def _last_sound(log: Records, end: ChainEnd, doubted: Iterable[int]) -> Entry | None:
    """The last entry of a chain that nobody doubts; ``None`` if there is none, or its payload or
    that of a later one is gone."""
    entry = log.entry(end.index)
    while entry.index in doubted:
        try:
            before = entry.statement.common.prev
        except PayloadErased:
            return None
        if before is None:
            return None
        entry = log.entry_by_digest(before)
    return None if entry.is_erased else entry


def _with_head(standing: Standing, key: NaturalKey, entry: Entry | None) -> Standing:
    said = standing.find(key)
    if entry is None or isinstance(entry.statement.body, Withdrawal):
        return without(standing, [said]) if said is not None else standing
    return (
        standing if said is not None and said.index == entry.index else standing.after_entry(entry)
    )


def _refolded(log: Records, standing: Standing, sound: Mapping[str, Entry | None]) -> Standing:
    """Everything folded anew: who owned what hangs on a transfer that fell."""
    heads = [each for each in log.heads_at(standing.size) if each.leaf.chain not in sound]
    heads += filter(None, sound.values())
    return _sized(Standing.of(sorted(heads, key=lambda each: each.index)), standing.size)


def _sized(standing: Standing, size: int) -> Standing:
    return replace(standing, size=size)


# --- What is verified -------------------------------------------------------------------------


def verified_shares(
    engine: Engine, kind: str, entity: str, question: Question
) -> Mapping[Assurance, float]:
    """How much of a figure (0 to 1) is verified, by level of assurance. Raises as the figure."""
    if kind == "product":
        answered = engine.about_product(entity, question)
        facts = _facts(answered)
        draw = draw_of_product(answered.solved, answered.weights, facts, entity)
    else:
        books = (engine.park if kind == "park" else engine.enterprise)(entity, question)
        answered = books.answered
        solved, weights, facts = answered.solved, answered.weights, _facts(answered)
        draw = draw_of_boundary(solved, weights, facts, books.places, books.assessment)
    return Origins.of(draw).quality.verified


def _facts(answered: Answered) -> Facts:
    return facts_of(answered.standing, answered.solved.network, answered.valid_on)


# --- What rests on whom ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rest:
    """What of a figure passes through what one key signed, or one enterprise states, kg CO2e.

    ``share`` of the figure's known and filled-in parts. Two may share the same carbon: what one
    supplier states of its inputs, and what their suppliers state.
    """

    of: str
    owner: str
    kg: Kg
    share: float
    statements: int


def rests_on_enterprises(trace: Trace, most: int = MOST) -> tuple[Rest, ...]:
    """The enterprises whose nodes most of a figure passes through, the largest first."""
    network = trace.network
    groups: dict[str, set[int]] = defaultdict(set)
    for k in _weighty(trace):
        groups[network.owners[network.owner_codes[trace.nodes[k]]]].add(int(k))
    candidates = {of: (of, positions, 0) for of, positions in groups.items()}
    return _ranked(trace, candidates, most)


def rests_on_keys(trace: Trace, standing: Standing, most: int = MOST) -> tuple[Rest, ...]:
    """The keys that signed what most of a figure passes through, the largest first."""
    groups: dict[str, set[int]] = defaultdict(set)
    owners: dict[str, str] = {}
    signed: dict[str, set[int]] = defaultdict(set)
    for k in _weighty(trace):
        for said in _describing(standing, trace.network.nodes[trace.nodes[k]]):
            kid = said.statement.envelope.kid
            groups[kid].add(int(k))
            signed[kid].add(said.index)
            owners.setdefault(kid, said.statement.common.iss)
    candidates = {
        kid: (owners[kid], positions, len(signed[kid])) for kid, positions in groups.items()
    }
    return _ranked(trace, candidates, most)


def _weighty(trace: Trace) -> list[int]:
    """Positions through which something passes, the most first."""
    size = _passing(trace)
    ordered = np.argsort(-size, kind="stable")[:MOST_NODES]
    return [int(k) for k in ordered if size[k]]


def _passing(trace: Trace) -> Floats:
    """kg CO2e that pass each position, those of its loops several times: an upper bound."""
    known, filled = trace.gate
    return np.asarray(np.abs((known + filled) * trace.units))


def _describing(standing: Standing, node: Node) -> Iterator[Said]:
    """The statements that say what a node emits and takes in."""
    site = node.place.site if node.place else None
    if node.product is None and site is not None:
        for kind in _TOLD_OF_A_SITE:
            yield from standing.about(kind, site)
    if node.product is not None:
        for kind in _TOLD_OF_A_PRODUCT:
            for said in standing.about(kind, node.product):
                if site is None or getattr(said.statement.body, "site", None) in (site, None):
                    yield said


def _ranked(
    trace: Trace, candidates: Mapping[str, tuple[str, set[int], int]], most: int
) -> tuple[Rest, ...]:
    size = _passing(trace)
    ordered = sorted(
        candidates.items(), key=lambda item: (-float(size[list(item[1][1])].sum()), item[0])
    )
    found = []
    for of, (owner, positions, statements) in ordered[:MOST_TRIED]:
        held = np.zeros(len(trace.nodes), dtype=bool)
        held[list(positions)] = True
        kg = through_nodes(trace, held)
        share = kg.total / trace.figure.total if trace.figure.total else 0.0
        found.append(Rest(of, owner, kg, share, statements))
    found.sort(key=lambda rest: (-abs(rest.kg.total), rest.of))
    return tuple(found[:most])


def through_nodes(trace: Trace, held: Mask) -> Kg:
    """kg CO2e of the figure on paths through any of the positions ``held``.

    ``figure − e_H' (I − A_HH)⁻¹ s₀`` over all positions H that are not held: exact, also in loops.
    """
    start = np.where(held, 0.0, trace.start)
    units = np.nan_to_num(trace.plan.supply(start[:, None], held=held))[:, 0]
    units[held] = 0.0
    left = Kg(float(trace.known @ units), float(trace.filled @ units))
    return trace.figure - left
