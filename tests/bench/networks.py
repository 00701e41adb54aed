"""Networks for measuring: the same on every run, of any size."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

QUANTITIES = 8
INPUTS_PER_PRODUCT = 10


POPULARITY = 4
"""How much more often early products are bought than late ones: as raw materials and goods are."""


def generated(products: int) -> tuple[csr_array, np.ndarray]:
    """Amounts and direct emissions.

    Products draw on products numbered before them, so that all loops are those put in: rings of
    two to eight neighbours, and products that use some of themselves; a sixth of all products is
    in one. Every column adds up to 0.8. Early products sell to many and most late ones to nobody.
    """
    random = np.random.default_rng(2026)
    loops = 3 * products // 100
    heads = random.choice(products // 8 - 1, loops, replace=False) * 8
    sizes = random.integers(2, 9, loops)
    alone = random.choice(products, loops, replace=False)
    steps = np.repeat(heads - np.cumsum(sizes - 1) + sizes - 1, sizes - 1)
    steps += np.arange(steps.size)
    inputs = INPUTS_PER_PRODUCT * products
    rest = inputs - steps.size - 2 * loops
    later = random.integers(1, products, rest)
    earlier = (later * random.random(rest) ** POPULARITY).astype(np.int64)
    supplier = np.concatenate([earlier, steps, heads + sizes - 1, alone])
    consumer = np.concatenate([later, steps + 1, heads, alone])
    amount = random.lognormal(sigma=2, size=inputs)
    amount *= 0.8 / np.bincount(consumer, amount, products)[consumer]
    A = csr_array((amount, (supplier, consumer)), shape=(products, products))
    return A, random.random((products, QUANTITIES))
