"""What was noticed and kept: conditions that a reader must know but that refuse nothing.

A finding names its rule and its particulars. Its sentence is a template over them, so that it can
be shown in another language where a person reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing noticed.

    ``rule`` is a stable, public code in kebab-case; ``particulars`` fill the ``%(name)s`` places
    of ``template``; ``where`` is a JSON pointer (RFC 6901) into what was sent, or ``""``.
    """

    rule: str
    template: str
    particulars: tuple[tuple[str, str], ...]
    where: str = ""

    @property
    def params(self) -> dict[str, str]:
        return dict(self.particulars)

    @property
    def sentence(self) -> str:
        return self.template % self.params


class Rulebook:
    """The rules of one subject: each with the template of its sentence."""

    def __init__(self, sentences: Mapping[str, str]) -> None:
        self.sentences = sentences

    def finding(self, rule: str, where: str = "", **params: object) -> Finding:
        """A finding of a rule in this book."""
        particulars = tuple((name, str(value)) for name, value in params.items())
        return Finding(rule, self.sentences[rule], particulars, where)
