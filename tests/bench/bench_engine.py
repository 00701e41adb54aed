"""From a signed statement to the figures it moves: a log of some thousand products, kept up with.

The log is real: everything is signed, judged and stored. What is timed is the first answer after an
entry, which reads the entry, takes the year on, and solves what it reaches.
"""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from graph.differences.changes import difference
from graph.engine import Engine, Question
from ledger.log import Accepted
from ledger.statements import Basis, Body, Emission, InputLine, Period, Product, Recipe, Reference
from tests.bench.row import Row
from tests.factory import Actor, Factory

PRODUCTS = 5_000
INPUTS = 4
CORRECTIONS = 60
NEAR = 400
"""A product draws on some of the products registered not long before it."""
YEAR = 2025
ASKED = Question(year=YEAR)
T = TypeVar("T")


@dataclass
class Chain:
    """An enterprise with a site, its products, and what stands as their recipes."""

    factory: Factory
    owner: Actor
    site: str
    products: list[str]
    recipes: list[Accepted]


def run() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        factory = Factory(Path(folder))
        rows = _measured(_chain(factory, random.Random(4)))
        factory.close()
    return rows


def _chain(factory: Factory, dice: random.Random) -> Chain:
    owner = factory.enterprise("Acme")
    site = owner.site()
    products = [factory.uuid() for _ in range(PRODUCTS)]
    registered = (Product(id=p, name=f"Product {k}", unit="KGM") for k, p in enumerate(products))
    _append(owner, list(registered))
    recipes = (_recipe(products, site, k, dice) for k in range(PRODUCTS))
    return Chain(factory, owner, site, products, _append(owner, list(recipes)))


def _append(owner: Actor, bodies: list[Body], at_once: int = 100) -> list[Accepted]:
    accepted: list[Accepted] = []
    for start in range(0, len(bodies), at_once):
        envelopes = [owner.sign(body) for body in bodies[start : start + at_once]]
        for outcome in owner.factory.log.append(envelopes):
            assert isinstance(outcome, Accepted)
            accepted.append(outcome)
    return accepted


def _recipe(products: list[str], site: str, k: int, dice: random.Random) -> Recipe:
    before = range(max(0, k - NEAR), k)
    suppliers = dice.sample(before, min(INPUTS, len(before)))
    return Recipe(
        product=products[k],
        site=site,
        period=Period.parse(f"{YEAR}-01-01/{YEAR + 1}-01-01"),
        basis=Basis(amount=Decimal(1), unit="KGM"),
        emissions=(Emission(gas="CO2", amount=_amount(dice, 2)),),
        inputs=tuple(_line(products[i], dice) for i in suppliers),
    )


def _line(product: str, dice: random.Random) -> InputLine:
    return InputLine(
        ref=Reference(product=product), amount=_amount(dice, 0.2), unit="KGM", category=1
    )


def _amount(dice: random.Random, most: float) -> Decimal:
    return Decimal(f"{dice.uniform(0.01, most):.4f}")


def _measured(chain: Chain) -> list[Row]:
    log, last = chain.factory.log, chain.products[-1]
    engine = Engine(log)
    anew = _timed(lambda: engine.footprint(last, ASKED))
    start = log.size()
    values = list(_after_each(engine, chain, _corrected_emissions))
    lists = list(_after_each(engine, chain, _corrected_inputs))
    idle = list(_after_each(engine, chain, _disclosed))
    size = log.size()
    told = _timed(lambda: difference(engine, "product", last, ASKED, start, size))
    past = _timed(lambda: engine.footprint(last, Question(year=YEAR, at=size - 10)))
    of = f"{PRODUCTS:,} products read from nothing".replace(",", " ")
    return [
        Row(of, anew, "s", 1.0, of),
        _row("first answer after a corrected value, median", statistics.median(values), anew, of),
        _row("the same, 95th percentile", statistics.quantiles(values, n=20)[-1], anew, of),
        _row("first answer after a new input list, median", statistics.median(lists), anew, of),
        _row("first answer after what moves nothing, median", statistics.median(idle), anew, of),
        _row("a figure ten entries ago", past, anew, of),
        _row(f"what {size - start} entries changed, one by one", told, anew, of),
    ]


def _row(what: str, seconds: float, anew: float, beside: str) -> Row:
    return Row(what, 1000 * seconds, "ms", seconds / anew, beside)


def _after_each(
    engine: Engine, chain: Chain, correct: Callable[[Chain, int, random.Random], object]
) -> Iterator[float]:
    """Seconds to the first answer about a product after each of some entries."""
    dice = random.Random(7)
    for _ in range(CORRECTIONS):
        k = dice.randrange(PRODUCTS)
        correct(chain, k, dice)
        yield _timed(lambda k=k: engine.footprint(chain.products[k], ASKED))  # type: ignore[misc]  # mypy cannot see the type of a default


def _corrected_emissions(chain: Chain, k: int, dice: random.Random) -> None:
    emissions = (Emission(gas="CO2", amount=_amount(dice, 2)),)
    chain.recipes[k] = chain.owner.correct(chain.recipes[k], emissions=emissions)


def _corrected_inputs(chain: Chain, k: int, dice: random.Random) -> None:
    inputs = _recipe(chain.products, chain.site, k, dice).inputs
    chain.recipes[k] = chain.owner.correct(chain.recipes[k], inputs=inputs)


def _disclosed(chain: Chain, k: int, dice: random.Random) -> None:
    chain.owner.disclose("footprint", chain.products[k], level=dice.choice(["public", "private"]))


def _timed(do: Callable[[], T]) -> float:
    start = time.perf_counter()
    do()
    return time.perf_counter() - start
