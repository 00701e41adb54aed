"""What the views work with: one log, one engine, the settings, and what stands in tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import sqlalchemy as sa
from flask import current_app

from api.keys.secret_box import SecretBox
from api.settings import Settings
from graph.engine import Engine
from ledger.log import Log
from ledger.sequencer import Sequencer

if TYPE_CHECKING:  # tokens are found by callers, and callers through these services
    from api.asking.requests import Requests
    from api.keys.custody import Custody
    from api.oauth.clients import Clients
    from api.oauth.grants import Grants
    from api.outbox.courier import Courier
    from api.outbox.outbox import Outbox
    from api.pact.shelf import Shelf
    from api.partners.inbox import Inbox
    from api.partners.partners import Partners
    from api.procurement.comparing import Desk
    from api.subscriptions.subscriptions import Subscriptions
    from api.web.tokens import Tokens


@dataclass(frozen=True)
class Services:
    """Made once per process and shared by its threads.

    What requests bring is appended through the ``sequencer``; the ``log`` is there to be read.
    """

    log: Log
    engine: Engine
    tokens: Tokens
    settings: Settings
    database: sa.Engine
    clock: Callable[[], int]

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
        return SecretBox(self.settings.sealing_key_file)

    @cached_property
    def clients(self) -> Clients:
        from api.oauth.clients import Clients

        return Clients(self.database, self.clock)

    @cached_property
    def grants(self) -> Grants:
        from api.oauth.grants import Grants

        return Grants(self.clients, self.settings, self.clock)

    @cached_property
    def custody(self) -> Custody:
        from api.keys.custody import Custody

        return Custody(self)

    @cached_property
    def shelf(self) -> Shelf:
        from api.pact.shelf import Shelf

        return Shelf(self)

    @cached_property
    def partners(self) -> Partners:
        from api.partners.partners import Partners

        only = self.settings.is_production
        return Partners(self.database, self.box, self.clock, https_only=only)

    @cached_property
    def outbox(self) -> Outbox:
        from api.outbox.outbox import Outbox

        return Outbox(self.database, self.clock)

    @cached_property
    def inbox(self) -> Inbox:
        from api.partners.inbox import Inbox

        return Inbox(self.database, self.clock)

    @cached_property
    def courier(self) -> Courier:
        from api.outbox.courier import Courier
        from api.partners import partners, sending
        from api.subscriptions import sending as webhooks
        from api.subscriptions import subscriptions

        senders = {
            partners.KIND: sending.sender(self),
            subscriptions.KIND: webhooks.sender(self),
        }
        return Courier(self.outbox, self.clock, senders)

    @cached_property
    def requests(self) -> Requests:
        from api.asking.requests import Requests

        return Requests(self)

    @cached_property
    def desk(self) -> Desk:
        from api.procurement.comparing import Desk

        return Desk(self)

    @cached_property
    def subscriptions(self) -> Subscriptions:
        from api.subscriptions.subscriptions import Subscriptions

        return Subscriptions(self.database, self.box, self.clock)


def services() -> Services:
    """The services of the application that handles this request."""
    found: Services = current_app.extensions["catchment"]
    return found
