"""Those who ask, as the rules of access know them: a role, and an enterprise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

ROLES: Final = ("anonymous", "supplier", "park", "procurement", "auditor", "operator")
TOKEN_ROLES: Final = ROLES[1:]
"""The roles a token can have."""
Scope = Literal["footprints", "events", "figures"]
SCOPES: Final[Mapping[Scope, str]] = MappingProxyType(
    {
        "footprints": "Read PACT footprints.",
        "events": "Send PACT events.",
        "figures": "Everything else that its role may.",
    }
)
"""What an OAuth client may be let do."""
GRANTS_PATH: Final = "/auth/token"
"""Where OAuth clients are granted tokens, here and on every PACT host."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever asks: a role, and the enterprise the token was issued to (if to one).

    An OAuth client has ``scopes`` also; a bearer token of the operator, which has none, is good for
    everything that its role may.
    """

    role: str
    enterprise: str | None = None
    token_id: str | None = None
    client: str | None = None
    scopes: frozenset[str] | None = None

    @property
    def is_anonymous(self) -> bool:
        return self.role == "anonymous"

    @property
    def is_auditor(self) -> bool:
        return self.role == "auditor"

    def may(self, scope: Scope) -> bool:
        """Whether the token reaches so far; what the role may read is decided elsewhere."""
        return self.scopes is None or scope in self.scopes


ANONYMOUS: Final = Caller("anonymous")
