"""Results that live as long as what they were computed from."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar, cast

T = TypeVar("T")

_NAME = "_kept"


def kept(owner: object, name: Hashable, make: Callable[[], T]) -> T:
    """``make()``, computed once for an immutable ``owner`` and forgotten together with it.

    As ``functools.cached_property`` does, for what another module computes. Two threads may both
    compute it; they arrive at the same result.
    """
    own: dict[Hashable, object] = vars(owner).setdefault(_NAME, {})
    if name not in own:
        own[name] = make()
    return cast(T, own[name])
