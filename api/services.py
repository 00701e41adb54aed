"""What the views work with: one log, one engine, the tokens and the settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flask import current_app

from api.settings import Settings
from graph.engine import Engine
from ledger.log import Log
from ledger.sequencer import Sequencer

if TYPE_CHECKING:  # tokens are found by callers, and callers through these services
    from api.tokens import Tokens


@dataclass(frozen=True, slots=True)
class Services:
    """Made once per process and shared by its threads.

    What requests bring is appended through the ``sequencer``; the ``log`` is there to be read.
    """

    log: Log
    engine: Engine
    tokens: Tokens
    settings: Settings
    sequencer: Sequencer = field(init=False)

    def __post_init__(self) -> None:
        sequencer = Sequencer(
            self.log,
            max_statements=self.settings.queue_statements,
            max_bytes=self.settings.queue_bytes,
        )
        object.__setattr__(self, "sequencer", sequencer)


def services() -> Services:
    """The services of the application that handles this request."""
    found: Services = current_app.extensions["catchment"]
    return found
