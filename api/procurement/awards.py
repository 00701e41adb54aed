"""Awards: what is stated of the offers follows from the prefix, and what has become of it since."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any, Final

from api.access.access import Access
from api.callers import Caller
from api.procurement.comparing import Again, as_stated, desk_of, judged_as_stated
from api.services import Services
from graph.engine import Answered, Question
from graph.errors import AwardDiffers
from graph.publishing.published import TOLERANCE
from graph.soundness.comparison import REFUSALS, Judged, first_of
from graph.version import VERSION
from ledger.standing import Standing
from ledger.statements import Award, Offered, OfferFacts, Statement

_BUYER: Final = "procurement"
_ABSENT: Final = "–"


def check_award(services: Services, statement: Statement, award: Award) -> None:
    """Read again what an award states of its offers, as its buyer may know them.

    Verdicts are judged by the numbers that are stated, and these by the log. Of objects that the
    log does not hold, the buyer's word is taken, and an award says so. Raises AwardDiffers, which
    tells nothing that was not stated; UnknownGwpSet and PayloadErased.
    """
    if award.engine != VERSION:
        raise _differs("/engine", "engine", award.engine)
    whole = services.engine.standing()
    access = Access(whole, Caller(_BUYER, statement.subject))
    at = None if award.at.size == whole.size else award.at.size
    answered = services.engine.answer(Question(award.year, award.gwp, at, award.valid_on))
    again = desk_of(services).again(access, answered, award)
    for k, (offered, now) in enumerate(zip(award.offers, again, strict=True)):
        _check_offer(f"/offers/{k}", offered, now)
    judged = judged_as_stated(award, map(as_stated, award.offers))
    for k, (offered, one) in enumerate(zip(award.offers, judged, strict=True)):
        if offered.verdict != one.verdict or offered.reasons != one.reasons:
            raise _differs(f"/offers/{k}/verdict", "verdict", offered.verdict)


def _check_offer(where: str, offered: Offered, now: Again) -> None:
    if offered.verdict == "refused" and offered.reasons[0] not in REFUSALS:
        raise _differs(f"{where}/reasons", "reasons", offered.reasons[0])
    if offered.product is None:
        return
    refused = offered.reasons[0] if offered.verdict == "refused" else None
    if refused != now.offer.refused:
        raise _differs(f"{where}/verdict", "verdict", offered.verdict)
    if offered.as_of != now.as_of:
        raise _differs(f"{where}/asOf", "asOf", offered.as_of)
    if not _agrees(offered.units, now.offer.amount):
        raise _differs(f"{where}/units", "units", offered.units)
    if (name := _first_difference(offered.facts, now.offer.facts)) is not None:
        raise _differs(f"{where}/facts", name, getattr(offered.facts, name, None))


def _first_difference(said: OfferFacts | None, found: OfferFacts | None) -> str | None:
    if said is None or found is None:
        return None if said is found else "facts"
    names = (each.name for each in fields(OfferFacts))
    return next((n for n in names if not _agrees(getattr(said, n), getattr(found, n))), None)


def _agrees(said: Any, found: Any) -> bool:
    if isinstance(said, Decimal) and isinstance(found, Decimal):
        return abs(said - found) <= Decimal(TOLERANCE) * max(abs(said), abs(found))
    return bool(said == found)


def _differs(where: str, name: str, stated: object) -> AwardDiffers:
    return AwardDiffers(where, name=name, stated=_ABSENT if stated is None else stated)


def next_serial(standing: Standing, buyer: str, reference: str) -> int:
    """The serial number after the last one that a tender has had."""
    said = (key.parts for key in standing.ever_said(Award.TYPE))
    used = (int(serial) for who, tender, serial in said if (who, tender) == (buyer, reference))
    return max(used, default=0) + 1


# -- drift -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Drifted:
    """An offer as it was pinned and as it stands; ``product`` may have moved, ``signed`` or not."""

    offered: Offered
    then: Judged
    now: Judged
    as_of: int | None

    @property
    def change(self) -> Decimal | None:
        """Now less then, kg CO2e per unit; None where either is not known."""
        before, after = _value(self.then), _value(self.now)
        return None if before is None or after is None else after - before

    @property
    def ratio(self) -> Decimal | None:
        before, after = _value(self.then), _value(self.now)
        return after / before if before and after is not None and before > 0 else None


@dataclass(frozen=True, slots=True)
class Drift:
    """An award against what the log says now."""

    award: Award
    answered: Answered
    offers: tuple[Drifted, ...]

    @property
    def first_then(self) -> str | None:
        return _label(first_of([each.then for each in self.offers]))

    @property
    def first_now(self) -> str | None:
        return _label(first_of([each.now for each in self.offers]))

    @property
    def rule_holds(self) -> bool | None:
        """Whether the offer taken passes now; None where none was."""
        return next((each.now.verdict == "passed" for each in self._taken()), None)

    @property
    def still_first(self) -> bool | None:
        """Whether the offer taken is the first that passes now; None where none was."""
        return next((self.first_now == each.offered.label for each in self._taken()), None)

    def _taken(self) -> Iterator[Drifted]:
        return (each for each in self.offers if each.offered.label == self.award.chosen)


def drift(services: Services, caller: Caller, award: Award) -> Drift:
    """What has become of the figures of an award, as far as the caller may know them now."""
    question = Question(award.year, award.gwp, None, award.valid_on)
    answered = services.engine.answer(question)
    again = desk_of(services).again(Access(answered.standing, caller), answered, award)
    then = judged_as_stated(award, map(as_stated, award.offers))
    now = judged_as_stated(award, (each.offer for each in again))
    rows = zip(award.offers, then, now, again, strict=True)
    return Drift(
        award,
        answered,
        tuple(Drifted(offered, was, one, read.as_of) for offered, was, one, read in rows),
    )


def _value(judged: Judged) -> Decimal | None:
    return judged.offer.facts.value if judged.offer.facts else None


def _label(judged: Judged | None) -> str | None:
    return judged.offer.label if judged else None
