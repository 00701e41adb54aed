"""Members by key: those a file holds, looked up when asked for, and what became of them since."""

from __future__ import annotations

import copy
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from graph.reading.texts import Texts

Array = NDArray[Any]
K = TypeVar("K", bound=Hashable)
V = TypeVar("V", bound=Hashable)


@dataclass(frozen=True)
class Groups:
    """Pairs of a key and a member, both numbers, in the order of the keys."""

    keys: Array
    members: Array

    @classmethod
    def of(cls, keys: Array, members: Array) -> Groups:
        order = np.argsort(keys, kind="stable")
        return cls(keys[order], members[order])

    def get(self, key: int) -> Array:
        """The members under a key."""
        sought = self.keys.dtype.type(key)
        start = np.searchsorted(self.keys, sought, "left")
        return self.members[start : np.searchsorted(self.keys, sought, "right")]

    def instead(self, gone: Iterable[int], groups: Groups) -> Groups:
        """Without everything under some keys, and with further pairs."""
        stays = ~np.isin(self.keys, np.fromiter(gone, dtype=self.keys.dtype))
        keys = np.concatenate([self.keys[stays], groups.keys.astype(self.keys.dtype)])
        members = np.concatenate([self.members[stays], groups.members.astype(self.members.dtype)])
        return Groups.of(keys, members)


@dataclass(frozen=True)
class TextGroups:
    """Groups of texts by text."""

    texts: Texts
    groups: Groups

    def get(self, key: str | None) -> list[str]:
        code = -1 if key is None else self.texts.find(key)
        if code is None:
            return []
        return [self.texts[member] for member in self.groups.get(code).tolist()]


class Sets(Generic[K, V]):
    """Sets by key, each begun with what ``begin`` says when it is first asked for."""

    def __init__(self, begin: Callable[[K], Iterable[V]] | None = None) -> None:
        self._begin = begin
        self._sets: dict[K, set[V]] = {}

    def __getitem__(self, key: K) -> set[V]:
        """The set itself, to be changed."""
        if key not in self._sets:
            self._sets[key] = set(self._begin(key) if self._begin else ())
        return self._sets[key]

    def known(self) -> Mapping[K, set[V]]:
        """The sets that were asked for."""
        return self._sets

    def fork(self) -> Sets[K, V]:
        other = copy.copy(self)
        other._sets = {key: set(members) for key, members in self._sets.items()}
        return other


def text_groups(sets: Mapping[Any, Iterable[str]], texts: Texts) -> Groups:
    """Sets of texts by text as numbers; texts that have none get one."""
    pairs = [(key, member) for key, members in sets.items() for member in members]
    return Groups.of(
        texts.codes(key for key, _ in pairs), texts.codes(member for _, member in pairs)
    )


def no_groups() -> Groups:
    none = np.zeros(0, dtype=np.int32)
    return Groups(none, none)
