"""A small typed client of the HTTP API, for the command line and for programs like it.

Every refusal is raised as `Refused` with the server's own problem document; a server that does not
answer, or answers with something else, as a condition of ``api.errors``. Nothing is sent twice, but
for what a server turned away unread because too much came at once (429).

Numbers are as the server said them: Decimal where a type names them, strings in documents, and None
where something is unknown or not shown.
"""

from __future__ import annotations

from api.client.asking import Asking
from api.client.figures import BUNDLE_TYPE, Figures
from api.client.footprints import Footprints, FoundFootprint
from api.client.http import LONGEST_WAIT_SECONDS, MOST_WAITS, PAGE, Refused, told
from api.client.procurement import ComparedOffer, Comparison, Procurement, Reason
from api.client.statements import InForce, Result, Statements, Submitted, Suspect
from api.client.subscriptions import Subscriptions

__all__ = [
    "BUNDLE_TYPE",
    "LONGEST_WAIT_SECONDS",
    "MOST_WAITS",
    "PAGE",
    "Client",
    "ComparedOffer",
    "Comparison",
    "FoundFootprint",
    "InForce",
    "Reason",
    "Refused",
    "Result",
    "Submitted",
    "Suspect",
    "told",
]


class Client(Statements, Footprints, Figures, Procurement, Asking, Subscriptions):
    """Talks to one server. ``base_url`` is its address without ``/v1``.

    Whoever has an OAuth client gives its ``credentials``, whoever has a token of the operator's,
    which begins with ``ctm_``, the ``token``; nobody needs both. A client serves one thread.
    """
