"""The way into the log for whatever is submitted: figures are computed before they are taken.

The log judges who says something and whether it fits what was said before; that a published figure
follows from its prefix, only the engine can tell. So a figure that the log would take is computed,
outside any lock, and one that is not confirmed never reaches it. What holds for a prefix holds for
good: nothing that happens between this and the commit can make a confirmed figure wrong.
"""

from __future__ import annotations

from collections.abc import Sequence

from api.publication import check_confirmed
from api.services import Services
from ledger import jws, strict_base64
from ledger.errors import CatchmentError
from ledger.log import Outcome, Refused
from ledger.statements import Figure


def append(
    services: Services, envelopes: Sequence[bytes], *, atomic: bool = False, dry_run: bool = False
) -> list[Outcome]:
    """As ``Sequencer.append``; a figure that the engine does not confirm is refused.

    A figure stands on a prefix that is already there, so it is judged on top of that and of what
    comes before it in the batch; it is not stored together with what would make it admissible only
    later. Raises as ``Sequencer.append``.
    """
    places = [place for place, envelope in enumerate(envelopes) if _is_figure(envelope)]
    refused = _unconfirmed(services, envelopes, places) if places else {}
    passed = [each for place, each in enumerate(envelopes) if place not in refused]
    rehearse = dry_run or not passed or (atomic and bool(refused))
    judged = iter(services.sequencer.append(passed, atomic=atomic, dry_run=rehearse))
    return [refused.get(place) or next(judged) for place in range(len(envelopes))]


def _unconfirmed(
    services: Services, envelopes: Sequence[bytes], places: Sequence[int]
) -> dict[int, Refused]:
    """Those of the places whose figure the log would not take, or the engine does not confirm.

    Only a figure that the log would take is computed: whoever may not publish it cannot have it
    computed either.
    """
    rehearsed = services.sequencer.append(envelopes, dry_run=True)
    judged = {place: _confirmed(services, rehearsed[place]) for place in places}
    return {place: each for place, each in judged.items() if isinstance(each, Refused)}


def _confirmed(services: Services, outcome: Outcome) -> Outcome:
    if isinstance(outcome, Refused) or not outcome.new:
        return outcome
    body = outcome.statement.body
    if isinstance(body, Figure):
        try:
            check_confirmed(services, outcome.statement, body)
        except CatchmentError as error:
            return Refused(error)
    return outcome


def _is_figure(envelope: bytes) -> bool:
    """Whether an envelope holds a figure. What cannot be read, the log refuses anyway."""
    try:
        return _may_be_figure(envelope) and jws.parse(envelope).payload.get("type") == Figure.TYPE
    except CatchmentError:
        return False


def _may_be_figure(envelope: bytes) -> bool:
    """The same without reading JSON, erring towards yes: statements come many at a time.

    In a text, the word stands as it is or with an escape. Raises NotCanonicalBase64.
    """
    _, _, rest = envelope.partition(b".")
    payload, _, _ = rest.partition(b".")
    text = strict_base64.from_url(payload.decode("latin-1"))
    return Figure.TYPE.encode() in text or b"\\" in text
