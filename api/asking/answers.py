"""What is told of requests: to a buyer what it has asked, to a supplier what it was asked."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from flask_babel import gettext

from api.asking.between_hosts import NOT_TAKEN
from api.asking.fitting import disclosure, is_readable, standing_answers
from api.asking.progress import next_due, tally, tiers
from api.asking.requests import requests_of
from api.asking.rows import DECLINED, Request
from api.asking.whom import Given
from api.figures.parts import Answer, name_of
from api.services import Services
from api.web.wire import iso_time
from ledger.statements import NaturalKey

DISCLOSE: Final = (
    "A footprint that answers this stands, and the buyer may not read it: sign and submit this "
    "statement."
)
DECLARE: Final = (
    "State a footprint of the product for this period, or its recipe: once the product is open to "
    "the buyer, what is computed from that answers too."
)
OPEN_IT: Final = "Open the product's footprints to the buyer: sign and submit this statement."
REGISTER: Final = (
    "Register the product under an identifier that is asked for, then state its footprint; or "
    "decline, and say why."
)
SENTENCES: Final = (DISCLOSE, DECLARE, OPEN_IT, REGISTER, NOT_TAKEN)
_SIGN: Final = "catchment sign --new %s"


class Teller:
    """Tells ``enterprise`` of its requests, in the language of whoever asks."""

    def __init__(self, services: Services, enterprise: str) -> None:
        self._services, self._enterprise = services, enterprise
        self._standing, self._now = services.engine.standing(), services.clock()

    def request(self, request: Request) -> Answer:
        """One request, from the side on which the enterprise stands."""
        sent = request.buyer == self._enterprise and not request.came
        return {
            "id": request.id,
            "box": "sent" if sent else "inbox",
            "asking": request.asking if sent else None,
            "parent": request.parent if sent else None,
            "buyer": self._named(request.buyer),
            "supplier": self._named(str(request.supplier)),
            "via_partner": request.partner is not None,
            "product": request.product and self._product(request.product),
            "criteria": {name: list(values) for name, values in request.criteria.items()},
            "comment": request.comment,
            "created_at": iso_time(request.created_at),
            "due_at": iso_time(request.due_at),
            "state": request.state_at(self._now),
            "answered_at": _time(request.answered_at),
            "footprints": request.footprints,
            "reason": _said(request.reason) if request.state == DECLINED else None,
            "passed_on": None if sent else self._passed_on(request),
            "next": [] if sent else list(self._steps(request)),
        }

    def asking(self, asking: str, requests: Sequence[Request]) -> Answer:
        """How far the requests of an asking have come, over the chain."""
        counted = list(tiers(requests, requests_of(self._services).passed_on, self._now))
        return {
            "asking": asking,
            "progress": dataclasses.asdict(counted[0]),
            "tiers": [dataclasses.asdict(each) for each in counted],
            **self.page(requests),
            "requests": [self.request(each) for each in requests],
        }

    def page(self, requests: Iterable[Request]) -> Answer:
        """When the next answer of these is due."""
        return {"next_due": _time(next_due(requests, self._now))}

    def _passed_on(self, request: Request) -> Answer | None:
        own = requests_of(self._services).passed_on([request.id])
        mine = [each for each in own if each.buyer == self._enterprise]
        return dataclasses.asdict(tally(mine, self._now)) if mine else None

    # -- what to do next ---------------------------------------------------------------------

    def _steps(self, request: Request) -> Iterator[Answer]:
        if not request.may_be_answered:
            return
        if request.product is None:
            yield _step("register", gettext(REGISTER), _SIGN % "product")
            return
        found = standing_answers(self._services, request)
        if not found:
            period = _period_of(request.criteria, self._now)
            command = _SIGN % "footprint"
            yield _step("declare", gettext(DECLARE), command, request.product, period=period)
        yield from self._opening(request, request.product, found)

    def _opening(self, request: Request, product: str, found: Sequence[str]) -> Iterator[Answer]:
        """The disclosure that is missing, if one is."""
        if is_readable(self._services, product, request.buyer):
            return
        key = NaturalKey("disclosure", ("footprint", product, request.buyer))
        said = self._standing.find(key)
        yield _step(
            "disclose",
            gettext(DISCLOSE if found else OPEN_IT),
            _SIGN % "disclosure",
            product,
            footprints=found,
            statement=disclosure(product, request.buyer),
            prev=said.digest if said else None,
        )

    # -- names -------------------------------------------------------------------------------

    def _named(self, enterprise: str) -> Answer:
        return {"id": enterprise, "name": name_of(self._standing, enterprise) or enterprise}

    def _product(self, product: str) -> Answer:
        said = self._standing.find(NaturalKey("product", (product,)))
        body: Any = said.statement.body if said else None
        return {"id": product, "name": body.name if body else product}


def _step(do: str, sentence: str, command: str, product: str | None = None, **more: Any) -> Answer:
    plain: Answer = {"footprints": [], "period": None, "statement": None, "prev": None}
    return {"do": do, "sentence": sentence, "command": command, "product": product, **plain, **more}


def _period_of(criteria: Given, now_ms: int) -> Answer:
    """The last calendar year that is over, also on the day the footprint is to be valid on."""
    moments = [dt.datetime.fromisoformat(each) for each in criteria.get("validOn", ())]
    last = min([dt.datetime.fromtimestamp(now_ms / 1000, dt.UTC), *moments]).year
    return {"start": f"{last - 1}-01-01", "end": f"{last}-01-01"}


def _said(reason: str) -> str:
    return gettext(reason) if reason in SENTENCES else reason


def _time(at_ms: int | None) -> str | None:
    return None if at_ms is None else iso_time(at_ms)
