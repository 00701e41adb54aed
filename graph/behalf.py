"""What was said on behalf of others: by a delegate, or with a key that the operator holds.

A figure that rests on such a statement says so; the enterprise it is about has not signed itself.
"""

from __future__ import annotations

from typing import cast

from ledger.standing import Said, Standing
from ledger.statements import Key, NaturalKey

DESCRIBES = {
    "product": slice(0, 1),
    "footprint": slice(0, 1),
    "recipe": slice(0, 1),
    "production": slice(0, 1),
    "site": slice(0, 1),
    "inventory": slice(0, 1),
    "purchases": slice(0, 1),
}
"""Statement type -> where its natural key names the product or site that it describes."""


def spoken_for(standing: Standing) -> frozenset[str]:
    """Ids of products and sites of which something was said on their owner's behalf."""
    return frozenset(
        described
        for kind, where in DESCRIBES.items()
        for said in standing.statements(kind)
        if on_behalf(standing, said)
        for described in _parts(said)[where]
    )


def on_behalf(standing: Standing, said: Said) -> bool:
    """Whether a delegate said it, or the operator did with a key that it holds."""
    return said.on_behalf or _by_operator_key(standing, said)


def _by_operator_key(standing: Standing, said: Said) -> bool:
    key = standing.find(NaturalKey("key", (said.statement.envelope.kid,)))
    return key is not None and cast(Key, key.statement.body).custody == "operator"


def _parts(said: Said) -> tuple[str, ...]:
    return said.statement.body.natural_key(said.owner).parts
