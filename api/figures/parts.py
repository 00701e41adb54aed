"""What the answers about products and boundaries have in common.

Answers are plain dictionaries under the names of the JSON members; figures stay floats until a
schema (``api.figures.wire``) or a page writes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, TypeAlias, cast

import numpy as np
from flask_babel import gettext

from api.access.access import Access
from api.access.rule_of_three import allows, merged
from graph.engine import Answered
from graph.figures.boundary import Amount
from graph.figures.gaps import RUNGS, Effect
from graph.findings import GAP_SENTENCES
from graph.reading.network import Column, Estimate, Floats, Node
from graph.solving.characterise import Characterisation
from graph.terms import Rung
from graph.version import VERSION
from ledger.findings import Finding
from ledger.standing import Standing
from ledger.statements import Enterprise, Site

Answer: TypeAlias = dict[str, Any]
Hidden: TypeAlias = Mapping[int, AbstractSet[str]]
"""Column -> enterprises whose undisclosed figures it contains."""

AUDITORS_ONLY = frozenset({"deliveries-exceed-output", "loop-gain"})
"""Findings that tell the owner of a product something about its buyers."""
_SUBJECTS = ("consumer", "product", "site")


def head(answered: Answered, as_of: int, boundary: str) -> Answer:
    """Which question was answered, of which prefix, and how."""
    return {
        "year": answered.year,
        "gwp": answered.gwp,
        "valid_on": iso_day(answered),
        "at": answered.at,
        "as_of": as_of,
        "engine": VERSION,
        "method": {"allocation": "as-declared", "boundary": boundary, "gwp": answered.gwp},
    }


def iso_day(answered: Answered) -> str | None:
    """The day it was asked as of, if one was."""
    return answered.valid_on.isoformat() if answered.valid_on else None


def amount(figure: Amount, *, tells_filled: bool = True) -> Answer:
    """A figure; without what was filled in where that would tell too much."""
    told = {
        "at_least": figure.at_least,
        "filled": figure.filled,
        "value": figure.value,
        "coverage": figure.coverage,
        "lower": figure.lower,
        "upper": figure.upper,
        "lacking": figure.lacking.name.lower(),
    }
    if tells_filled or figure.complete:
        return told
    return told | dict.fromkeys(("filled", "value", "coverage", "upper"))


def name_of(standing: Standing, enterprise: str | None) -> str | None:
    """The name an enterprise is registered under."""
    said = standing.enterprises.get(enterprise or "")
    return cast(Enterprise, said.statement.body).name if said else None


def site_name(standing: Standing, site: str) -> str:
    said = standing.sites.get(site)
    return cast(Site, said.statement.body).name if said else site


def origin(standing: Standing, node: Node, kg: float, total: float) -> Answer:
    """A row that says whose product emitted how much."""
    return {
        "product": node.product and {"id": node.product, "name": node.name},
        "enterprise": {"id": node.owner, "name": name_of(standing, node.owner) or node.owner},
        "kg_co2e": kg,
        "share": kg / total if total else None,
    }


def undisclosed(kg: float, total: float) -> Answer:
    """The row in which the products that the caller may not tell apart are added up."""
    share = kg / total if total else None
    return {"product": None, "enterprise": None, "kg_co2e": kg, "share": share}


# -- gases -----------------------------------------------------------------------------------


def by_gas(
    columns: tuple[Column, ...], kg: Floats, weights: Characterisation, *hidden: Hidden
) -> list[Answer]:
    """Gross rows by gas and origin, largest first; those that would tell too much are one sum."""
    found = [int(k) for k in np.flatnonzero((kg != 0) & (weights.gross != 0))]
    together = merged(*({k: each.get(k, set()) for k in found} for each in hidden))
    rows = [_gas(columns[k], float(kg[k]), float(weights.gross[k])) for k in found]
    shown = [row for k, row in zip(found, rows, strict=True) if k not in together]
    shown.sort(key=lambda row: -abs(row["kg_co2e"]))
    if together:
        rest = sum(row["kg_co2e"] for k, row in zip(found, rows, strict=True) if k in together)
        shown.append({"gas": None, "origin": None, "kg": None, "kg_co2e": rest})
    return shown


def _gas(column: Column, kg: float, factor: float) -> Answer:
    row = {"gas": column.gas, "origin": column.origin, "kg": kg, "kg_co2e": kg * factor}
    return row | ({"stated_under": column.stated_under} if column.stated_under else {})


def apart(kg: Floats, weights: Characterisation, hidden: Hidden) -> Answer:
    """What never nets inside a gross figure, in kg by name; null where it would tell too much."""
    named = {name: kg * vector for name, vector in sorted(weights.apart.items())}
    return {
        name: float(found.sum()) if _may_add(found, hidden) else None
        for name, found in named.items()
        if found.any()
    }


def _may_add(kg: Floats, hidden: Hidden) -> bool:
    behind = set[str]().union(*(hidden.get(int(k), set()) for k in np.flatnonzero(kg)))
    return allows(len(behind))


def rungs(shares: Mapping[Rung, float], hidden: Hidden) -> list[Answer]:
    """Shares by rung, best first; those that would tell too much are one sum.

    ``hidden`` follows ``RUNGS``.
    """
    together = merged({k: hidden.get(k, set()) for k, rung in enumerate(RUNGS) if rung in shares})
    rows: list[Answer] = [
        {"rung": str(rung), "share": share}
        for rung, share in shares.items()
        if RUNGS.index(rung) not in together
    ]
    if together:
        rows.append({"rung": None, "share": sum(shares[RUNGS[k]] for k in together)})
    return rows


def columns_of(nodes: Mapping[int, str], table: Floats) -> Hidden:
    """Column -> owners of the ``nodes`` whose row of ``table`` has something in it."""
    return {
        k: {owner for i, owner in nodes.items() if np.nan_to_num(table[i, k])}
        for k in range(table.shape[1])
    }


# -- what is missing, what was noticed -------------------------------------------------------


def gap_rows(
    answered: Answered, effects: Iterable[Effect], access: Access
) -> tuple[list[Answer], int]:
    """Gaps of consumers whose inputs the caller may know; and how many others there are.

    First those that nothing can estimate, then by what they may add to the figure.
    """
    nodes = answered.solved.network.nodes
    met = list(effects)
    known = [each for each in met if access.may_know_inputs_of(nodes[each.gap.node])]
    known.sort(key=_rank)
    return [_gap(answered, each) for each in known], len(met) - len(known)


def _rank(effect: Effect) -> tuple[bool, float]:
    return effect.gap.estimate is not None, -abs(effect.kg_co2e or 0.0)


def _gap(answered: Answered, effect: Effect) -> Answer:
    gap = effect.gap
    consumer = answered.solved.network.nodes[gap.node].name
    told = {"consumer": consumer, "wanted": gap.wanted, "unit": gap.unit}
    return {
        **told,
        "supplier": name_of(answered.standing, gap.supplier),
        "amount": gap.amount,
        "category": gap.category,
        "reason": gap.reason,
        "estimate": gap.estimate and _estimate(answered, gap.estimate),
        "effect": effect.kg_co2e,
        "sentence": gettext(GAP_SENTENCES[gap.reason]) % told,
    }


def _estimate(answered: Answered, estimate: Estimate) -> Answer:
    kg = float(answered.weights.co2e(answered.solved.network.row(estimate.emissions)))
    return {
        "rung": str(estimate.rung),
        "factor": estimate.factor,
        "index": estimate.index,
        "kg_co2e": kg,
        "upper": kg * (1 + estimate.spread),
    }


def findings_about(answered: Answered, nodes: Iterable[int], access: Access) -> list[Answer]:
    """What was noticed about ``nodes`` that the caller may look into, and about their sites.

    Findings name things instead of pointing at them. A name that also something else carries is
    therefore passed over, but for auditors: the finding could be about the other.
    """
    network = answered.solved.network
    noticed = [*network.findings, *answered.solved.findings]
    seen = (network.nodes[i] for i in nodes)
    names = _names(answered.standing, (n for n in seen if access.may_know_inputs_of(n)))
    if access.caller.is_auditor:
        return [told(f) for f in noticed if _subject(f) in names or f.rule == "loop-gain"]
    own = [f for f in noticed if f.rule not in AUDITORS_ONLY and _subject(f) in names]
    strangers = (n for n in network.nodes if not access.may_know_inputs_of(n))
    shared = _names(answered.standing, strangers) if own else frozenset()
    return [told(f) for f in own if _subject(f) not in shared]


def told(noticed: Finding) -> Answer:
    """A finding in the reader's language."""
    return {"rule": noticed.rule, "sentence": gettext(noticed.template) % noticed.params}


def _subject(noticed: Finding) -> str | None:
    params = noticed.params
    return next((params[name] for name in _SUBJECTS if name in params), None)


def _names(standing: Standing, nodes: Iterable[Node]) -> frozenset[str]:
    """Names of nodes and of the sites they are at."""
    met = list(nodes)
    sites = {node.place.site for node in met if node.place}
    return frozenset(n.name for n in met) | {site_name(standing, site) for site in sites}
