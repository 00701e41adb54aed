"""Those who ask, as the rules of access know them: a role, and an enterprise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

ROLES: Final = ("anonymous", "supplier", "park", "procurement", "auditor", "operator")
TOKEN_ROLES: Final = ROLES[1:]
"""The roles a token can have."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever asks: a role, and the enterprise the token was issued to (if to one)."""

    role: str
    enterprise: str | None = None
    token_id: str | None = None

    @property
    def is_anonymous(self) -> bool:
        return self.role == "anonymous"

    @property
    def is_auditor(self) -> bool:
        return self.role == "auditor"


ANONYMOUS: Final = Caller("anonymous")
