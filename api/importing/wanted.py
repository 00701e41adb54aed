"""What rows ask for: statements, what is wrong with the rows, and the steps to take."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from ledger.statements import Body


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong where: ``where`` is ``sheet!row column``, as far as it applies.

    ``sentence`` and ``advice`` are templates over ``params``, as in a CatchmentError.
    """

    where: str
    sentence: str
    params: Mapping[str, object] = field(default_factory=dict)
    advice: str = ""

    def __str__(self) -> str:
        return f"{self.sentence} {self.advice}".rstrip() % self.params


@dataclass(frozen=True, slots=True)
class Wanted:
    """A statement that the rows ask for; ``rows`` are where they stand, ``label`` what it is."""

    subject: str
    body: Body
    label: str
    rows: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stands:
    """What stands in the log under one natural key."""

    digest: str
    body: Body


Books: TypeAlias = Mapping[str, Stands]
"""Everything of one enterprise that stands, by the text of its natural key."""


@dataclass
class Reading:
    """What the tables ask for, and what is wrong with them."""

    wanted: list[Wanted] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Step:
    """``action`` is new, change, unchanged, or end (of parts that no longer fit)."""

    action: str
    wanted: Wanted
    prev: str | None
    changed: tuple[str, ...] = ()


def entity_id(enterprise: str, kind: str, code: str) -> str:
    """The id of what an enterprise calls ``code``: UUIDv5(enterprise, "kind:code")."""
    return str(uuid.uuid5(uuid.UUID(enterprise), f"{kind}:{code}"))
