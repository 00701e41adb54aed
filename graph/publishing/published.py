"""Published figures: what is stated of a figure, so that anybody with the prefix gets the same.

A published figure says what was asked, which prefix of the log answered, the engine and the tables
of factors, the statements it was computed from, and the numbers. Everything here is pure, so the
server that refuses a wrong figure and the auditor who finds one decide by the same words.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from graph.engine import MOVES_FIGURES, Books, Engine, Question
from graph.figures.boundary import Amount, Lacking
from graph.figures.ledgers import Ledgers
from graph.gwp import set_of
from graph.terms import category_name
from graph.version import VERSION
from ledger.leaf import Leaf
from ledger.merkle import Frontier, leaf_hash
from ledger.standing import Standing
from ledger.statements import FactorSet, Figure, FigureObject, Inputs, Prefix, Result

DIGITS: Final = 12
"""Significant digits of a stated number."""
TOLERANCE: Final = 1e-9
"""How far two computations of one number may lie apart, relative to it."""
ROUNDING: Final = 1e-12
"""The same for numbers that are small differences of large ones, relative to the largest."""
REPRODUCED: Final = ("1", "2")
"""Earlier versions of the engine whose figures this one gives as well, where nothing that they
could not read had been said. It need not: where it differs, nothing is decided."""
_NOT_YET_READ: Final = ("certificate", "attestation", "accreditation")
INPUTS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        **dict.fromkeys(REPRODUCED, tuple(k for k in MOVES_FIGURES if k not in _NOT_YET_READ)),
        VERSION: MOVES_FIGURES,
    }
)
"""Version of the engine -> the statement types that are inputs of its figures."""
ALWAYS: Final = ("scope1", "upstream", "t2")
"""What every figure states. The rest may be left out: where it is not assessable, or where it would
show what somebody keeps to himself."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The first thing that a figure states otherwise; ``None`` stands for what is not there.

    ``where`` is a path into the statement, ``name`` the member or result at it.
    """

    where: str
    name: str
    stated: str | None
    computed: str | None


# --- What is stated ------------------------------------------------------------------------


def question_of(figure: Figure) -> Question:
    """What a published figure answers."""
    return Question(figure.year, figure.gwp, figure.at.size)


def books_of(engine: Engine, figure: Figure) -> Books:
    """The books that a published figure is about; raises as ``Engine.park`` does."""
    return books_about(engine, figure.object, question_of(figure))


def books_about(engine: Engine, about: FigureObject, question: Question) -> Books:
    """The books of what a figure is of; raises as ``Engine.park`` does."""
    ask = engine.park if about.type == "park" else engine.enterprise
    return ask(about.id, question)


def figure_body(books: Books, inputs: Inputs, root: bytes) -> Figure:
    """What there is to state about ``books``; ``root`` is that of the prefix they were asked of.

    Everything that is assessable is stated. Raises ``UnknownGwpSet``.
    """
    answered = books.answered
    return Figure(
        object=FigureObject(type=books.kind, id=books.id),
        year=answered.year,
        gwp=answered.gwp,
        at=Prefix(size=answered.at, root=root.hex()),
        as_of=books.as_of,
        engine=VERSION,
        factor_sets=factor_sets(answered.gwp),
        inputs=inputs,
        results=results_of(books),
    )


def results_of(books: Books) -> tuple[Result, ...]:
    """The numbers in kg CO2e, each with ``DIGITS`` significant digits."""
    return tuple(_result(name, amount) for name, amount in amounts_of(books).items())


def amounts_of(books: Books) -> dict[str, Amount]:
    """The numbers of a boundary by the names under which they are published.

    Left out are the categories in which nothing was stated, T0, T1 and what returned while recipes
    are missing, and what was captured and removed while nobody has said anything of it.
    """
    assessed, ledgers = books.assessment, books.ledgers
    by_category = sorted(assessed.scope3_by_category.items())
    amounts: dict[str, Amount | None] = {
        "scope1": assessed.scope1,
        "scope2Location": assessed.scope2,
        "scope2Market": books.market.amount,
        "scope3Upstream": assessed.scope3,
        **{category_name(category): amount for category, amount in by_category},
        "upstream": assessed.upstream,
        "t0": assessed.t0,
        "t1": assessed.t1,
        "t2": assessed.t2,
        "returned": assessed.returned,
        "captured": _deducted(ledgers.captured, ledgers),
        "removals": _deducted(ledgers.removed, ledgers),
        "offsets": Amount(ledgers.offsets),
        "netOperationalLocation": books.net_operational(assessed.scope2),
        "netOperationalMarket": books.net_operational(books.market.amount),
    }
    return {name: amount for name, amount in amounts.items() if amount is not None}


def _deducted(kg: float, ledgers: Ledgers) -> Amount | None:
    """A sum of a ledger; a lower bound, and no zero, where some site has stated no inventory."""
    if ledgers.is_open:
        return Amount(kg, lacking=Lacking.OPEN) if kg else None
    return Amount(kg)


def factor_sets(gwp: str) -> tuple[FactorSet, ...]:
    """The GWP set by its content: the SHA-256 of a line ``<gas> <origin> <value>`` for each value,
    sorted. Raises ``UnknownGwpSet``."""
    values = set_of(gwp).values.items()
    lines = sorted(f"{gas} {origin} {value!r}\n" for (gas, origin), value in values)
    digest = hashlib.sha256("".join(lines).encode("utf-8")).hexdigest()
    return (FactorSet(name=gwp, digest=digest),)


def input_types(engine: str) -> tuple[str, ...]:
    """The statement types that are inputs of a figure of that engine; of one that is not known
    here, those of this one."""
    return INPUTS.get(engine, MOVES_FIGURES)


def inputs_of(heads: Iterable[Leaf], engine: str = VERSION) -> Inputs:
    """The statements behind every figure of a prefix: those in force that can move one.

    ``heads`` are the leaves of what ``Log.heads_at`` gives for the prefix, in the same order.
    """
    types = input_types(engine)
    in_force: dict[str, bytes] = {}
    for leaf in heads:
        if leaf.type == "withdrawal":
            in_force.pop(leaf.chain, None)
        elif leaf.type in types:
            in_force[leaf.chain] = leaf_hash(leaf.encode())
    root = Frontier(0, ()).grown(in_force.values()).root
    return Inputs(count=len(in_force), root=root.hex())


def _result(name: str, amount: Amount) -> Result:
    """``value`` is what is known and what the factor ladder fills in; null while a gap is open."""
    value = None if amount.value is None else stated_number(amount.value)
    return Result(name=name, at_least=stated_number(amount.at_least), value=value)


def known_alone(result: Result) -> Result:
    """A result without what was filled in, where that would show what somebody lacks."""
    return replace(result, value=None) if _is_filled(result) else result


def _is_filled(result: Result) -> bool:
    return result.value is not None and result.value != result.at_least


def stated_number(kg_co2e: float) -> Decimal:
    """A number as a figure states it."""
    return Decimal(f"{kg_co2e:.{DIGITS}g}") or Decimal(0)


# --- What is compared ----------------------------------------------------------------------


def difference(stated: Figure, computed: Figure) -> Difference | None:
    """The first thing that ``stated`` says otherwise than ``computed``, which answers the same
    question of the same prefix; results are compared as `compare` does."""
    members = (
        ("/engine", "engine", stated.engine, computed.engine),
        ("/factorSets", "factorSets", _named(stated), _named(computed)),
        ("/inputs/count", "inputs", str(stated.inputs.count), str(computed.inputs.count)),
        ("/inputs/root", "inputs", stated.inputs.root, computed.inputs.root),
        ("/asOf", "asOf", str(stated.as_of), str(computed.as_of)),
    )
    for where, name, said, found in members:
        if said != found:
            return Difference(where, name, said, found)
    return compare(stated.results, computed.results)


def compare(stated: Sequence[Result], computed: Sequence[Result]) -> Difference | None:
    """The first result that is stated and not computed so; then the first of `ALWAYS` left out.

    Numbers agree within `TOLERANCE` of themselves, or `ROUNDING` of the largest computed. A value
    that rests on estimates may be left out: its lower bound says less, and nothing else.
    """
    found = {result.name: result for result in computed}
    largest = max((abs(result.at_least) for result in computed), default=Decimal(0))
    for place, result in enumerate(stated):
        if not _agree(result, found.get(result.name), ROUNDING * float(largest)):
            return _difference(f"/results/{place}", result, found.get(result.name))
    left_out = found.keys() - {result.name for result in stated}
    missing = next((name for name in ALWAYS if name in left_out), None)
    return None if missing is None else _difference("/results", None, found[missing])


def _agree(stated: Result, computed: Result | None, rounding: float) -> bool:
    if computed is None:
        return False
    if stated.value is None and computed.value is not None and not _is_filled(computed):
        return False
    if stated.value is not None and computed.value is None:
        return False
    pairs = [(stated.at_least, computed.at_least)]
    if stated.value is not None and computed.value is not None:
        pairs.append((stated.value, computed.value))
    return all(math.isclose(a, b, rel_tol=TOLERANCE, abs_tol=rounding) for a, b in pairs)


def _difference(where: str, stated: Result | None, computed: Result | None) -> Difference:
    named = stated or computed
    assert named is not None
    return Difference(where, named.name, _told(stated), _told(computed))


def _told(result: Result | None) -> str | None:
    """A value, or a lower bound marked as one."""
    if result is None:
        return None
    if result.value is None or result.value != result.at_least:
        return f"≥ {result.at_least:f}" + ("" if result.value is None else f", {result.value:f}")
    return f"{result.value:f}"


def _named(figure: Figure) -> str:
    return ", ".join(sorted(f"{each.name} {each.digest}" for each in figure.factor_sets))


# --- What has become of the inputs ---------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Since:
    """How many inputs of a prefix do not stand any more at a later one, and why."""

    superseded: int
    withdrawn: int
    suspect: int

    @property
    def is_nothing(self) -> bool:
        return not (self.superseded or self.withdrawn or self.suspect)


def since(then: Standing, now: Standing, engine: str = VERSION) -> Since:
    """What has become of the inputs of ``then``; one that is suspect counts as that alone.

    Withdrawn means that nothing stands in the place of an input: it was ended, or erased.
    """
    suspects = {suspect.said.index for suspect in now.suspects}
    inputs = [said for kind in input_types(engine) for said in then.statements(kind)]
    sound = [said for said in inputs if said.index not in suspects]
    heads = (now.find(said.statement.body.natural_key(said.statement.subject)) for said in sound)
    after = [head and head.index for head in heads]
    withdrawn = after.count(None)
    kept = sum(said.index == index for said, index in zip(sound, after, strict=True))
    return Since(len(sound) - withdrawn - kept, withdrawn, len(inputs) - len(sound))
