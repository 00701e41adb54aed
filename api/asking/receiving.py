"""Events that came from partners: each is taken once, and then dealt with in the background.

An event is accepted by keeping it; what it asks for is done by an errand, so that whoever sent it
need not wait and nothing is lost when a process ends in between. Everything an event leads to may
therefore happen twice and must come to the same. A ``PublishedEvent`` is left waiting: the next
pull from its sender takes it (`api.partners.pulling`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from api.asking import between_hosts
from api.errors import PartnerUnknown, status_of
from api.outbox.outbox import outbox_of
from api.pact import events
from api.pact.events import (
    REQUEST_CREATED,
    Event,
    RequestCreated,
    RequestFulfilled,
    RequestRejected,
)
from api.partners import taking
from api.partners.inbox import DONE, FAILED, Received, inbox_of
from api.partners.partners import KIND, Partner, partners_of
from api.services import Services
from ledger.errors import CatchmentError
from ledger.store import writing

_LOG = logging.getLogger("catchment.events")

_OUR_FAULT: Final = "This server failed; its operator can say how."
_NEVER_ASKED: Final = "Nothing was asked of it under this id."


def run(services: Services) -> None:
    """Deal with what waits, oldest first.

    An event that cannot be dealt with is marked, and holds up no other. Where this server itself
    is at fault (a key of its own is gone, say), the event is tried again, ever more seldom.
    """
    for each in inbox_of(services).due():
        _deal_with(services, each)


def _deal_with(services: Services, received: Received) -> None:
    try:
        event = events.read(received.body)
        partner = partners_of(services).get(received.partner)
        told = _HANDLERS[type(event)](services, partner, event)
    except PartnerUnknown as gone:
        _settle(services, received, FAILED, str(gone))
    except CatchmentError as refused:
        _LOG.warning("The event %s of %s: %s", received.id, received.source, refused)
        if status_of(refused) >= HTTPStatus.INTERNAL_SERVER_ERROR:
            _put_off(services, received, str(refused))
        else:
            _refuse(services, received, str(refused), "BadRequest")
    except Exception:
        # Whatever is wrong with one of them, those behind it must not wait for a correction.
        _LOG.exception("The event %s of %s was not dealt with", received.id, received.source)
        _put_off(services, received, _OUR_FAULT)
    else:
        _settle(services, received, DONE, told)


def _created(services: Services, partner: Partner, event: RequestCreated) -> str:
    between_hosts.came(services, partner, event)
    return ""


def _fulfilled(services: Services, partner: Partner, event: RequestFulfilled) -> str:
    # What nobody asked for is not taken over from an event: whoever has a partner's token, and not
    # its host, could put its footprints into the log.
    if not between_hosts.was_asked(services, partner, event.request):
        return _NEVER_ASKED
    taken = taking.take_in(services, partner, event.footprints)
    between_hosts.was_fulfilled(services, partner, event, taken)
    return "; ".join(dict.fromkeys(each.told for each in taken if each.told))


def _rejected(services: Services, partner: Partner, event: RequestRejected) -> str:
    between_hosts.was_rejected(services, partner, event)
    return f"{event.code}: {event.message}"


_HANDLERS: Final[dict[type[Event], Callable[..., str]]] = {
    RequestCreated: _created,
    RequestFulfilled: _fulfilled,
    RequestRejected: _rejected,
}


def _put_off(services: Services, received: Received, told: str) -> None:
    """Try again later; after 72 hours whoever sent it is told that this server failed."""
    if not inbox_of(services).put_off(received, told):
        _refuse(services, received, _OUR_FAULT, "InternalError")


def _refuse(services: Services, received: Received, told: str, code: str) -> None:
    """Mark an event that is not dealt with; a request is answered, as each has to be."""
    with writing(services.database) as connection:
        if received.type == REQUEST_CREATED:
            source, now = events.source_of(services.settings.public_address), services.clock()
            answer = events.request_rejected(source, now, received.id, told, code)
            outbox_of(services).put(KIND, received.partner, answer, connection=connection)
        inbox_of(services).settle(received, FAILED, told, connection=connection)


def _settle(services: Services, received: Received, state: str, told: str) -> None:
    """What was taken over lies in the log, where it can be erased: no copy of it stays here."""
    inbox_of(services).settle(received, state, told, kept=events.by_ids(received.body))
