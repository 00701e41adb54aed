"""What a reader should know about something that was accepted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """A remark, not a refusal.

    ``rule`` is a stable, public code in kebab-case; ``where`` is a JSON pointer (RFC 6901) into
    what the remark is about; ``sentence`` tells a person what was seen.
    """

    rule: str
    where: str
    sentence: str
