"""What was said on behalf of others: by a delegate, or with a key that the operator holds.

A figure that rests on such a statement says so; the enterprise it is about has not signed itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import cast

from ledger.standing import Said, Standing
from ledger.statements import Key, NaturalKey

DESCRIBES = (
    "product",
    "footprint",
    "recipe",
    "production",
    "site",
    "inventory",
    "purchases",
)
"""Statement types whose natural key begins with the product or site that they describe."""


class SpokenFor:
    """The ids of products and sites of which something was said on their owner's behalf.

    Looked up when asked for: a figure rests on few of all things.
    """

    def __init__(self, standing: Standing) -> None:
        self._standing = standing
        self._known: dict[str, bool] = {}

    def __contains__(self, described: str) -> bool:
        if not self._is_possible:
            return False
        if described not in self._known:
            self._known[described] = any(map(self._on_behalf, self._told_of(described)))
        return self._known[described]

    def isdisjoint(self, ids: Iterable[str]) -> bool:
        """Whether nothing was said on behalf of any of ``ids``."""
        return not any(each in self for each in ids)

    def _told_of(self, described: str) -> Iterator[Said]:
        for kind in DESCRIBES:
            for said in self._standing.about(kind, described):
                if said.key.parts[0] == described:
                    yield said

    def _on_behalf(self, said: Said) -> bool:
        return on_behalf(self._standing, said)

    @cached_property
    def _is_possible(self) -> bool:
        """Whether anybody ever was a delegate, or the operator holds a key of somebody."""
        keys = (cast(Key, said.statement.body) for said in self._standing.statements("key"))
        return ("delegation", "") in self._standing.touched or any(map(_is_held, keys))


def on_behalf(standing: Standing, said: Said) -> bool:
    """Whether a delegate said it, or the operator did with a key that it holds."""
    return said.on_behalf or _by_operator_key(standing, said)


def _by_operator_key(standing: Standing, said: Said) -> bool:
    key = standing.find(NaturalKey("key", (said.statement.envelope.kid,)))
    return key is not None and _is_held(cast(Key, key.statement.body))


def _is_held(key: Key) -> bool:
    return key.custody == "operator"
