"""What the views work with: one log, one engine, the settings, and what stands in tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, wraps
from threading import RLock
from typing import Any, TypeVar

import sqlalchemy as sa
from flask import current_app

from api.keys.secret_box import SecretBox
from api.keys.tokens import Tokens
from api.settings import Settings
from graph.engine import Engine
from ledger.log import Log
from ledger.sequencer import Sequencer

Made = TypeVar("Made")


@dataclass(frozen=True)
class Services:
    """Made once per process and shared by its threads.

    What requests bring is appended through the ``sequencer``; the ``log`` is there to be read. What
    else works with these is made by functions of its own module (`one_each`) and kept here: nothing
    is known here of who uses it.
    """

    log: Log
    engine: Engine
    tokens: Tokens
    settings: Settings
    database: sa.Engine
    clock: Callable[[], int]
    _made: dict[Callable[[Services], Any], Any] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _making: RLock = field(default_factory=RLock, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _ = self.sequencer  # one only, whoever asks first

    @cached_property
    def sequencer(self) -> Sequencer:
        return Sequencer(
            self.log,
            max_statements=self.settings.queue_statements,
            max_bytes=self.settings.queue_bytes,
        )

    @cached_property
    def box(self) -> SecretBox:
        """Seals what must not lie open in the database."""
        return SecretBox(self.settings.sealing_key_file)

    def one(self, make: Callable[[Services], Made]) -> Made:
        """What ``make`` makes of these services, once for all who ask."""
        if make not in self._made:
            with self._making:
                if make not in self._made:
                    self._made[make] = make(self)
        found: Made = self._made[make]
        return found


def one_each(make: Callable[[Services], Made]) -> Callable[[Services], Made]:
    """``make``, which gives the same for the same services."""

    @wraps(make)
    def one(services: Services) -> Made:
        return services.one(make)

    return one


def services() -> Services:
    """The services of the application that handles this request."""
    found: Services = current_app.extensions["catchment"]
    return found
