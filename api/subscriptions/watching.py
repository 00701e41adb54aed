"""Watching figures for those who subscribed to them: an errand of the server.

When the log has grown, what every subscriber may read of its figures at this moment is compared
with what it was last told. What has moved further than the threshold, or from one state to another
(`api.subscriptions.told`), is told by an event, which is put into the outbox in the same
transaction as what was told: every change is told once, whatever is interrupted. Changes that stay
below the threshold add up, since nothing was told of them.

Who may read is asked anew each time. A disclosure that was taken back leads to one last event that
says so and holds no number.

A figure that contains what others keep to themselves (``Told.held``) is held back until midnight
UTC after it moved, and told with everything that came by then, without the entry that moved it: the
moment of an event, and the difference that it makes, would otherwise be those of one statement.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from api.access.access import Access
from api.outbox.cloud_event import CloudEvent
from api.outbox.outbox import outbox_of
from api.services import Services
from api.subscriptions.subscriptions import KIND, Subscription, look_again, subscriptions_of, tell
from api.subscriptions.told import (
    CLOSED,
    NUMBERED,
    Figure,
    Told,
    change_of,
    figures_of,
    has_moved,
)
from graph.engine import MOVES_FIGURES
from ledger.standing import Standing
from ledger.store import writing

CHANGED: Final = "org.catchment.figure.changed.1"
ENDED: Final = "org.catchment.subscription.ended.1"
TEST: Final = "org.catchment.subscription.test.1"

_AT_ONCE = 200
_SECONDS = 20.0
_MOST_EVENTS = 500
"""How many figures of one subscription are told at once; the others are the next run's."""
_DAY_MS = 86_400_000
_DECIDE_ACCESS: Final = (
    "disclosure",
    "membership",
    "transfer",
    "withdrawal",
    "erasure",
    "revocation",
    "recovery",
)
_MOVE_NET: Final = ("park", "downstream", "holdings")
"""What can move a net figure besides ``MOVES_FIGURES``."""


@dataclass(frozen=True, slots=True)
class _Look:
    """One look at the figures of one subscription, of the whole log as it stands."""

    subscription: Subscription
    access: Access
    told: Mapping[Figure, Told]
    now: int

    @property
    def is_due(self) -> bool:
        """Whether what was held back is told now."""
        until = self.subscription.held_until
        return until is not None and until <= self.now

    @property
    def knows_who_may_read(self) -> bool:
        """Whether nothing that decides who may read was said since the last look."""
        return self.access.standing.touched.last(_DECIDE_ACCESS) < self.subscription.seen


def watch(services: Services) -> None:
    """Tell subscribers what has moved: an errand. What is not done in time is left to the next."""
    _end_outlived(services)
    standing = services.engine.standing()
    due = subscriptions_of(services).due(standing.size, _AT_ONCE)
    stop, quiet = time.monotonic() + _SECONDS, list[str]()
    for subscription in due:
        if time.monotonic() > stop:
            break
        if not _may_have_moved(subscription, standing):
            quiet.append(subscription.id)
            continue
        if not look(services, subscription, standing):
            quiet.append(subscription.id)
    if quiet:
        subscriptions_of(services).have_seen(quiet, standing.size)


def look(services: Services, subscription: Subscription, standing: Standing) -> bool:
    """Compare what a subscriber may read with what it was told, and tell what has moved.

    False where nothing has, and nothing needs to be kept.
    """
    told = subscriptions_of(services).told(subscription.id)
    access = Access(standing, subscription.caller)
    each = _Look(subscription, access, told, services.clock())
    moved = {
        figure: after
        for figure, after in _now(services, each).items()
        if has_moved(told.get(figure), after, subscription.threshold)
    }
    if not moved and subscription.held_until is None:
        return False
    held = {figure for figure, after in moved.items() if after.held and not each.is_due}
    ready = [figure for figure in moved if figure not in held]
    with writing(services.database) as connection:
        for figure in ready[:_MOST_EVENTS]:
            before, after = told.get(figure), moved[figure]
            if tell(connection, subscription.id, figure, before, after):
                event = _event(services, subscription, figure, before, after)
                outbox_of(services).put(KIND, subscription.id, event, connection=connection)
        if len(ready) <= _MOST_EVENTS:
            held_until = _held_until(each) if held else None
            look_again(connection, subscription.id, standing.size, held_until)
    return True


def _held_until(each: _Look) -> int:
    """The midnight that something waits for already, or else the next."""
    until = each.subscription.held_until
    return _midnight_after(each.now) if until is None or each.is_due else until


def _now(services: Services, each: _Look) -> dict[Figure, Told]:
    """What may be read now of what the subscription is about, or was."""
    subscription, engine = each.subscription, services.engine
    wanted = list(figures_of(each.access, subscription.kind, subscription.about))
    found = {
        figure: figure.now(engine, each.access, subscription.asked, _still(each, figure))
        for figure in wanted
    }
    for figure in each.told.keys() - found.keys():
        after = figure.now(engine, each.access, subscription.asked)
        is_another_s = after.state != CLOSED
        found[figure] = Told(CLOSED, reason="handed-over") if is_another_s else after
    return found


def _still(each: _Look, figure: Figure) -> Told | None:
    """What was told, where the caller may read the same as then."""
    last = each.told.get(figure)
    return last if last and last.state in NUMBERED and each.knows_who_may_read else None


def _may_have_moved(subscription: Subscription, standing: Standing) -> bool:
    if subscription.held_until is not None:
        return True
    kinds = (*MOVES_FIGURES, *_MOVE_NET, *_DECIDE_ACCESS)
    return standing.touched.last(kinds) >= subscription.seen


def _midnight_after(now: int) -> int:
    return (now // _DAY_MS + 1) * _DAY_MS


def _end_outlived(services: Services) -> None:
    """End what was made with a token or client that is no longer good, and say so once."""
    for subscription in subscriptions_of(services).outlived():
        event = CloudEvent(
            id=str(uuid.uuid4()),
            type=ENDED,
            source=services.settings.public_address,
            time_ms=services.clock(),
            data={"subscription": subscription.id, "reason": "credential-ended"},
            subject=subscription.id,
        )
        with writing(services.database) as connection:
            subscriptions_of(services).end(subscription.id, connection=connection)
            outbox_of(services).put(KIND, subscription.id, event, connection=connection)


# -- events -----------------------------------------------------------------------------------


def test_event(services: Services, subscription: Subscription) -> CloudEvent:
    """An event that tells nothing but that events arrive."""
    return CloudEvent(
        id=str(uuid.uuid4()),
        type=TEST,
        source=services.settings.public_address,
        time_ms=services.clock(),
        data={"subscription": subscription.id},
        subject=subscription.about,
    )


def _event(
    services: Services, subscription: Subscription, figure: Figure, before: Told | None, after: Told
) -> CloudEvent:
    source = services.settings.public_address
    # The last event about what is closed names no number, the one before it included.
    shown = None if after.state == CLOSED else before
    return CloudEvent(
        id=str(uuid.uuid4()),
        type=CHANGED,
        source=source,
        time_ms=services.clock(),
        data={
            "subscription": subscription.id,
            "kind": figure.kind,
            "id": figure.id,
            "figure": figure.name(subscription.asked),
            "year": after.year,
            "before": None if shown is None else _members(shown),
            "after": _members(after),
            "change": change_of(shown, after),
            "links": _links(source, figure, shown, after),
        },
        subject=figure.id,
    )


def _members(told: Told) -> dict[str, Any]:
    return {
        "state": told.state,
        "year": told.year,
        "value": told.value,
        "atLeast": told.at_least,
        "coverage": told.coverage,
        "unit": told.unit,
        "asOf": None if told.held else told.as_of,
        "reason": told.reason,
    }


def _links(source: str, figure: Figure, before: Told | None, after: Told) -> dict[str, str | None]:
    year = "" if after.year is None else f"?year={after.year}"
    return {
        "figure": f"{source}{figure.path}{year}",
        "diff": _diff(source, figure, before, after),
    }


def _diff(source: str, figure: Figure, before: Told | None, after: Told) -> str | None:
    """Where the entries that made the difference are told, as far as the caller may know them;
    nowhere for a figure that contains what others keep to themselves."""
    if before is None or before.held or after.held or before.year != after.year:
        return None
    if before.as_of is None or after.as_of is None or after.as_of <= before.as_of:
        return None
    query = f"year={after.year}&from={before.as_of + 1}&to={after.as_of + 1}"
    return f"{source}{figure.diff_path}?{query}"
