"""Whether a net figure may be told: it is a sum that its parts could be taken apart from."""

from __future__ import annotations

from api.access.rule_of_three import merged
from api.figures.boundaries import SCOPE2, Guarded
from api.inventory.answers import Inventory
from graph.books.inventory import full_books
from graph.books.targets import FULL
from graph.terms import MARKET


def shows_net(guarded: Guarded, ambition: str, is_earlier: bool) -> bool:
    """Whether the net figure of Scope 1 and 2, or of all scopes, may be told with the rest that the
    books tell; ``is_earlier``: of an earlier position."""
    if guarded.access.caller.is_auditor:
        return True
    if ambition == FULL:
        told = Inventory(guarded, full_books(guarded.books), is_earlier).answer()
        return told["net"][FULL][MARKET] is not None
    together = merged(guarded.inflow_parts(), guarded.filled_parts)
    return SCOPE2 not in together and guarded.tells_cover and guarded.tells_deducted.net
