"""Who takes what waits in the outbox, and how each kind of addressee is reached."""

from __future__ import annotations

from api.outbox.courier import Courier
from api.outbox.outbox import outbox_of
from api.partners import partners, sending
from api.services import Services, one_each
from api.subscriptions import sending as webhooks
from api.subscriptions import subscriptions


@one_each
def courier_of(services: Services) -> Courier:
    """The courier of these services."""
    senders = {
        partners.KIND: sending.sender(services),
        subscriptions.KIND: webhooks.sender(services),
    }
    return Courier(outbox_of(services), services.clock, senders)
