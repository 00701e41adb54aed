"""What the views work with: one log, one engine, the tokens and the settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import current_app

from api.settings import Settings
from graph.engine import Engine
from ledger.log import Log

if TYPE_CHECKING:  # tokens are found by callers, and callers through these services
    from api.tokens import Tokens


@dataclass(frozen=True, slots=True)
class Services:
    """Made once per process and shared by its threads."""

    log: Log
    engine: Engine
    tokens: Tokens
    settings: Settings


def services() -> Services:
    """The services of the application that handles this request."""
    found: Services = current_app.extensions["catchment"]
    return found
