"""How far an asking has come: who has answered, and over the chain, counted by tier.

Tier 1 is whom the buyer asked. Tier *k* + 1 is whom those of tier *k* asked on its account. Of
tiers beyond the first only counts are told: who a supplier's suppliers are is the supplier's to
tell. A request that is overdue and still unanswered is counted as overdue, never as declined.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from api.asking.rows import ANSWERED, DECLINED, OPEN, OVERDUE, Request

MOST_TIERS: Final = 20


@dataclass(frozen=True, slots=True)
class Tally:
    """How many requests were made, and where they stand; they add up to ``asked``.

    ``suppliers_answered`` of ``suppliers`` have answered everything they were asked.
    """

    asked: int
    answered: int
    declined: int
    overdue: int
    open: int
    suppliers: int
    suppliers_answered: int


def tally(requests: Iterable[Request], now_ms: int) -> Tally:
    """Count requests as they stand now."""
    states = Counter[str]()
    of_supplier: dict[str | None, set[str]] = defaultdict(set)
    for each in requests:
        state = each.state_at(now_ms)
        states[state] += 1
        of_supplier[each.supplier].add(state)
    return Tally(
        asked=states.total(),
        answered=states[ANSWERED],
        declined=states[DECLINED],
        overdue=states[OVERDUE],
        open=states[OPEN],
        suppliers=len(of_supplier),
        suppliers_answered=sum(found == {ANSWERED} for found in of_supplier.values()),
    )


def tiers(
    first: Sequence[Request], passed_on: Callable[[Iterable[str]], list[Request]], now_ms: int
) -> Iterator[Tally]:
    """The first tier and those after it, as far as requests were passed on."""
    tier = list(first)
    for _ in range(MOST_TIERS):
        if not tier:
            return
        yield tally(tier, now_ms)
        tier = passed_on([each.id for each in tier])


def next_due(requests: Iterable[Request], now_ms: int) -> int | None:
    """When the next answer is due, in milliseconds since 1970; None if none is waited for."""
    return min((each.due_at for each in requests if each.state_at(now_ms) == OPEN), default=None)
