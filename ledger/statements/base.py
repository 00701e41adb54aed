"""What a statement type is: a body, the natural key of its chain, and the kinds of chains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, TypeAlias

from ledger.statements.parts import Part, Period

ROLES = ("supplier", "park", "verifier", "registrar", "operator")
VERIFIABLE = (
    "footprint",
    "recipe",
    "production",
    "inventory",
    "purchases",
    "downstream",
    "holdings",
    "readings",
    "figure",
)
"""Types of statements that say something about the world which a verifier can look into."""
Payload: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NaturalKey:
    """What a chain of statements is about: a type and the ids that single it out."""

    type: str
    parts: tuple[str, ...]

    @property
    def text(self) -> str:
        """The key as stored and compared."""
        return f"{self.type}|{self.within}"

    @classmethod
    def parse(cls, text: str) -> NaturalKey:
        """Read a stored key; ``parse(key.text) == key``."""
        kind, _, within = text.partition("|")
        return cls(kind, split(within))

    @property
    def within(self) -> str:
        """The ids alone, unique among the chains of one type; an entity's is its id."""
        return joined(self.parts)


@lru_cache(maxsize=8192)
def joined(parts: tuple[str, ...]) -> str:
    """Ids as one text from which each can be told; none contains the separator unescaped."""
    return "|".join(part.replace("%", "%25").replace("|", "%7C") for part in parts)


def split(text: str) -> tuple[str, ...]:
    """The ids in a text that `joined` made; ``split(joined(parts)) == parts``."""
    parts = text.split("|") if text else ()
    if "%" not in text:
        return tuple(parts)
    return tuple(part.replace("%7C", "|").replace("%25", "%") for part in parts)


class Body:
    """What one statement says. Subclasses are declared dataclasses."""

    __slots__ = ()
    TYPE: ClassVar[str]
    SIGNED_BY: ClassVar[tuple[str, ...]] = ("supplier",)
    """A key must have one of these roles to say this."""

    def key_parts(self, subject: str) -> tuple[str, ...]:
        """The ids that single out the chain this statement belongs to."""
        raise TypeError(f"{self.TYPE} takes its key from another statement")

    def natural_key(self, subject: str) -> NaturalKey:
        return NaturalKey(self.TYPE, self.key_parts(subject))


class Entity(Body):
    """A body that opens or describes an entity under an id of its own."""

    __slots__ = ()
    id: str

    def key_parts(self, subject: str) -> tuple[str, ...]:
        return (self.id,)


class Singleton(Body):
    """A body of which one is in force in the whole log."""

    __slots__ = ()

    def key_parts(self, subject: str) -> tuple[str, ...]:
        return ()


class Periodic(Body):
    """A body about a period; live periods of one ``about`` are identical or disjoint."""

    __slots__ = ()
    period: Period
    part: Part

    @property
    def about(self) -> tuple[str, ...]:
        """The ids without the period: what must not be told twice for the same day."""
        raise TypeError(f"{self.TYPE} does not say what it is about")

    def key_parts(self, subject: str) -> tuple[str, ...]:
        return (*self.about, self.period.text, self.part.text)

    @staticmethod
    def span(key: NaturalKey) -> tuple[Period, Part]:
        """The period and part in the natural key of such a statement."""
        *_, period, part = key.parts
        return Period.parse(period), Part.parse(part)
