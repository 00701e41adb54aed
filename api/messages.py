"""Everything that people read and that another language must have: for extraction and tests."""

from __future__ import annotations

from collections.abc import Iterator

from api.catalogue import conditions
from api.problems import TITLES
from graph.findings import SENTENCES


def templates() -> Iterator[str]:
    """Sentences and advice of every condition, sentences of findings, titles of problems.

    Each once, in a stable order. Placeholders ``%(name)s`` must survive translation.
    """
    yield from dict.fromkeys(each for each in _all() if each)


def _all() -> Iterator[str]:
    for _, kind in sorted(conditions().items()):
        yield kind.sentence
        yield kind.advice
    yield from SENTENCES.values()
    yield from TITLES.values()
