"""Answers with footprints, as they are when they are sent.

Between an answer and its delivery hours may pass, or days. What was closed to its reader or erased
meanwhile is not sent any more, nor kept: the outbox has the ids alone, and from these an answer is
made anew from the shelf each time, under the id and of the time it was given.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import orjson

from api.access.access import Access
from api.callers import Caller
from api.outbox.outbox import Delivery
from api.pact import events
from api.pact.events import REQUEST_FULFILLED
from api.pact.shelf import shelf_of
from api.partners.partners import Partner
from api.services import Services

GONE: Final = "What answered the request is not open to you any more."


def body_of(services: Services, partner: Partner, delivery: Delivery) -> bytes:
    """What is sent to a partner now.

    An answer of which nothing may be read any more becomes a rejection.
    """
    if delivery.type != REQUEST_FULFILLED:
        return delivery.body
    event: dict[str, Any] = orjson.loads(delivery.body)
    request, source = event["data"]["requestEventId"], event["source"]
    access = Access(services.engine.standing(), Caller("procurement", partner.enterprise))
    found = (shelf_of(services).find(each["id"], access) for each in event["data"]["pfs"])
    readable = [each.json for each in found if each]
    answer = (
        events.request_fulfilled(source, delivery.created_at, request, readable)
        if readable
        else events.request_rejected(source, delivery.created_at, request, GONE, "AccessDenied")
    )
    return replace(answer, id=delivery.id).body
