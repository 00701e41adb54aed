"""The way into the log for whatever is submitted: figures are computed before they are taken.

The log judges who says something and whether it fits what was said before; that a published figure
follows from its prefix, or what an award states of its offers, only the engine can tell. So either
is computed where the log would take it, outside any lock, and one that is not confirmed never
reaches it. What holds for a prefix holds for good: nothing that happens between this and the commit
can make a confirmed figure wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, cast

from api.procurement.awards import check_award
from api.publication.publication import check_confirmed
from api.services import Services
from ledger import jws, strict_base64
from ledger.errors import CatchmentError
from ledger.log import Outcome, Refused
from ledger.statements import Award, Figure, Statement

_CONFIRMED: Final[Mapping[str, Callable[[Services, Statement], None]]] = MappingProxyType(
    {
        Figure.TYPE: lambda services, said: check_confirmed(
            services, said, cast(Figure, said.body)
        ),
        Award.TYPE: lambda services, said: check_award(services, said, cast(Award, said.body)),
    }
)
"""Statement type -> what computes such a statement, and raises where it says something else."""
_NAMED: Final = tuple(f'"{kind}"'.encode() for kind in _CONFIRMED)


def append(
    services: Services, envelopes: Sequence[bytes], *, atomic: bool = False, dry_run: bool = False
) -> list[Outcome]:
    """As ``Sequencer.append``; what the engine does not confirm is refused.

    What rests on a prefix is first judged by what the log holds, apart from its batch: the prefix
    is there, and a wrong one beside it must not stand in its way. Raises as ``Sequencer.append``.
    """
    refused = {
        place: judged
        for place, envelope in enumerate(envelopes)
        if _is_computed(envelope) and isinstance(judged := _confirmed(services, envelope), Refused)
    }
    passed = [each for place, each in enumerate(envelopes) if place not in refused]
    rehearse = dry_run or not passed or (atomic and bool(refused))
    others = iter(services.sequencer.append(passed, atomic=atomic, dry_run=rehearse))
    return [refused.get(place) or next(others) for place in range(len(envelopes))]


def _confirmed(services: Services, envelope: bytes) -> Outcome:
    """What the log would do with a statement, and Refused where the engine does not confirm it.

    Only one that the log would take is computed: who may not say it cannot have it computed.
    """
    (outcome,) = services.sequencer.append([envelope], dry_run=True)
    if isinstance(outcome, Refused) or not outcome.new:
        return outcome
    try:
        _CONFIRMED[outcome.statement.type](services, outcome.statement)
    except CatchmentError as error:
        return Refused(error)
    return outcome


def _is_computed(envelope: bytes) -> bool:
    """Whether an envelope holds what is confirmed. What cannot be read, the log refuses anyway."""
    try:
        if not _may_be_computed(envelope):
            return False
        named = jws.parse(envelope).payload.get("type")
    except CatchmentError:
        return False
    return isinstance(named, str) and named in _CONFIRMED


def _may_be_computed(envelope: bytes) -> bool:
    """The same without reading JSON, erring towards yes: statements come many at a time.

    In a text, the word stands as it is or with an escape. Raises NotCanonicalBase64.
    """
    _, _, rest = envelope.partition(b".")
    payload, _, _ = rest.partition(b".")
    text = strict_base64.from_url(payload.decode("latin-1"))
    return b"\\" in text or any(kind in text for kind in _NAMED)
