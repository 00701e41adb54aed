"""Parts of a report with an answer, and readers, of their own: account, targets, indicators.

Whoever may read the inventory need not be one who may read these. A part that the reader may not
have, or that there is none of, is left out with the sentence that its own route gives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http import HTTPStatus

from api.account.answers import account_answer
from api.account.routes import told_of as account_of
from api.errors import status_of
from api.figures.boundaries import Guarded
from api.figures.routes import Asked
from api.indicators.routes import judged
from api.reports import account, indicators, targets
from api.reports.compose import LeftOut, Part
from api.reports.document import Section
from api.targets.routes import told_of as targets_of
from api.web.problems import problem_of
from ledger.errors import CatchmentError


def parts_of(asked: Asked, guarded: Guarded) -> Iterator[Part]:
    """What follows the inventory of a park or an enterprise, for its reader."""
    kind = guarded.books.kind
    yield _read(account.title(), lambda: account.section(account_answer(account_of(kind, asked))))
    yield _read(targets.title(), lambda: targets.section(targets_of(asked, guarded).answer()))
    if kind == "park":
        yield _read(indicators.title(), lambda: indicators.section(judged(asked).document()))


def _read(title: str, made: Callable[[], Section]) -> Part:
    try:
        return made()
    except CatchmentError as closed:
        if status_of(closed) >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise
        return LeftOut(title, problem_of(closed)["detail"])
