"""The rule of three: no sum and no difference of sums lets one reader calculate another's figure.

A sum over what one enterprise keeps to itself is that enterprise's figure; over two, each of the
two can subtract itself. So a sum contains undisclosed parts of nobody, or of three or more.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from collections.abc import Set as AbstractSet
from typing import Final, TypeVar

K = TypeVar("K", bound=Hashable)

LEAST: Final = 3


def allows(enterprises: int) -> bool:
    """Whether a sum may contain undisclosed parts of so many enterprises."""
    return enterprises == 0 or enterprises >= LEAST


def merged(*hidden: Mapping[K, AbstractSet[str]]) -> set[K]:
    """Which parts of a total must be shown as one sum; the others may be shown one by one.

    Each ``hidden`` maps the parts to the enterprises whose undisclosed figures of one kind they
    contain. Parts that break the rule are merged; where their sum still breaks it, further parts
    join, those that hide the most first, and in the end all do: then only the total is left, which
    the caller has judged. Merging for one kind never breaks the rule for another: a sum of parts
    that keep it keeps it too.
    """
    return set[K]().union(*map(_merged, hidden))


def _merged(hidden: Mapping[K, AbstractSet[str]]) -> set[K]:
    together = {part for part, enterprises in hidden.items() if not allows(len(enterprises))}
    behind = set[str]().union(*(hidden[part] for part in together))
    others = sorted(hidden.keys() - together, key=lambda part: (-len(hidden[part]), str(part)))
    while not allows(len(behind)) and others:
        joining = others.pop(0)
        together.add(joining)
        behind |= hidden[joining]
    return together
