"""Everything that people read and that another language must have: for extraction and tests."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from marshmallow import fields

from api.asking.answers import SENTENCES as ASKED
from api.changes.answers import SENTENCES
from api.cli.footprints import KIND_WORDS
from api.cli.requests import STATE_WORDS
from api.cli.verification import NAMES
from api.figures.grades import AT_MOST, COVER_WORDS, GRADE_WORDS, NOT_SHOWN, NOTHING_ENTERED, SILENT
from api.figures.ladder import RUNG_WORDS, SEVERAL
from api.figures.scope3 import CATEGORIES, DOWNSTREAM, OTHER_CATEGORIES
from api.importing.columns import SHEETS
from api.importing.sheets import FLAWS
from api.indicators.answers import ANOTHER_NUMBER
from api.pact.wire import NO_LIMIT, NO_SUCH_FILTER
from api.partners.taking import OUTCOMES
from api.web.catalogue import conditions
from api.web.problems import TITLES
from api.web.wire import GIVEN_TWICE, NO_SUCH_PARAMETER
from graph.books.downstream import REASONS
from graph.books.inventory import FULL_NET, OBSTACLES, OPERATIONAL_NET
from graph.books.unsaid import LACKS
from graph.findings import GAP_SENTENCES, MISSING_SENTENCES, RULES
from graph.indicators.notice910 import OUTSIDE
from graph.indicators.notice910 import RULES as TERMS
from graph.publishing import recompute
from graph.reading.meters import FLAGS
from graph.soundness import comparison
from ledger import pact, verify
from ledger.fsck import RULES as DAMAGE
from ledger.gases import ORIGINS
from ledger.statements import BODIES
from ledger.statements.flows import ENERGY_SOURCES
from ledger.statements.meters import METER_FLOWS, METERED

_ROOT = Path(__file__).parents[2]
_FLOORS = ("ledger", "graph", "api")
_QUOTED: Final = ("reason", "error")
"""Keyword arguments whose text a sentence quotes."""
_RAISED: Final = (
    *("ValidationError", "not_authorised", "body_flaw", "_refused", "refused"),
    *("_not_understood", "unreachable", "NotListed"),
)
"""Calls whose positional arguments are such texts, beside other things without a space."""
_OF_MEMBERS: Final = (fields.Field, fields.String, fields.Integer, fields.Boolean, fields.List)
_OF_OBJECTS: Final = ("Unknown field.", "Invalid input type.")
"""What marshmallow itself says: of members, in its fields' words, and of objects."""
_SPEAKING: Final = ("cli/*.py", "importing/*.py")
"""Where the command line says something, below ``api``."""
_SAID: Final = {"say": 0, "text": 0, "table": 0, "refuse": 1, "Problem": 1, "Check": 2}
"""Calls that say it -> the first positional argument that is a text."""


def templates() -> Iterator[str]:
    """Sentences and advice of every condition, sentences of findings and gaps, titles of problems,
    names of Scope 3 categories.

    Each once, in a stable order. Placeholders ``%(name)s`` must survive translation.
    """
    yield from dict.fromkeys(each for each in _all_templates() if each)


def phrases() -> Iterator[str]:
    """What sentences quote: reasons, and what the schemas say of a member. Each once.

    They are found in the source, where they are written as literals, and in marshmallow. Those put
    together when they are needed, with a number in them, stay in English.
    """
    yield from dict.fromkeys(_all_phrases())


def _all_phrases() -> Iterator[str]:
    sources = (path for floor in _FLOORS for path in sorted((_ROOT / floor).rglob("*.py")))
    trees = (ast.parse(path.read_text("utf-8")) for path in sources)
    yield from (text for tree in trees for text in _literals(tree))
    yield from (NO_SUCH_PARAMETER, NO_SUCH_FILTER, NO_LIMIT, GIVEN_TWICE, *_OF_OBJECTS)
    for kind in _OF_MEMBERS:
        yield from map(str, kind.default_error_messages.values())


def spoken() -> Iterator[str]:
    """What the command line says: sentences, headings, meanings of columns, checks. Each once.

    They are found as literals in the calls that say them; what is said through a variable is named
    here. Help texts of commands are not among them: they stay in English.
    """
    yield from dict.fromkeys(each for each in _all_spoken() if each)


def _all_spoken() -> Iterator[str]:
    api = Path(__file__).parents[1]
    for path in sorted(path for where in _SPEAKING for path in api.glob(where)):
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(call, ast.Call) and (called := _called(call)) in _SAID:
                yield from (text for each in call.args[_SAID[called] :] for text in _either(each))
    yield from (column.doc for sheet in SHEETS.values() for column in sheet.columns)
    yield from (*METERED, *METER_FLOWS, *ENERGY_SOURCES, *FLAGS, *OUTCOMES)
    for named in (
        KIND_WORDS.values(),
        FLAWS.values(),
        STATE_WORDS.values(),
        BODIES,
        ORIGINS,
        NAMES,
        verify.NAMES,
        (recompute.NAME,),
    ):
        yield from named


def _either(node: ast.expr) -> tuple[str, ...]:
    """A literal, or both of a choice between two."""
    return (_text(node.body), _text(node.orelse)) if isinstance(node, ast.IfExp) else (_text(node),)


def _all_templates() -> Iterator[str]:
    for _, kind in sorted(conditions().items()):
        yield kind.sentence
        yield kind.advice
    for sentences in (
        pact.RULES.sentences,
        DAMAGE.sentences,
        GAP_SENTENCES,
        MISSING_SENTENCES,
        REASONS,
        FLAGS,
        OBSTACLES,
        LACKS,
        TERMS,
        OUTSIDE,
        verify.DETAILS,
        recompute.DETAILS,
        comparison.REFUSALS,
        comparison.FAILURES,
        comparison.NOT_PRICED,
    ):
        yield from sentences.values()
    yield from RULES.templates()
    yield from TITLES.values()
    yield from CATEGORIES.values()
    yield from DOWNSTREAM.values()
    yield OTHER_CATEGORIES
    yield from SENTENCES
    yield from ASKED
    yield ANOTHER_NUMBER
    yield from RUNG_WORDS.values()
    yield SEVERAL
    yield from (*COVER_WORDS.values(), *GRADE_WORDS.values())
    yield from (SILENT, NOTHING_ENTERED, AT_MOST, NOT_SHOWN, OPERATIONAL_NET, FULL_NET)


def _literals(tree: ast.AST) -> Iterator[str]:
    for call in ast.walk(tree):
        if isinstance(call, ast.Call):
            yield from filter(_is_phrase, map(_text, _candidates(call)))


def _candidates(call: ast.Call) -> Iterator[ast.expr]:
    yield from (each.value for each in call.keywords if each.arg in _QUOTED)
    if _called(call) in _RAISED:
        yield from call.args


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ast.unparse(call.func)


def _text(node: ast.expr) -> str:
    value = node.value if isinstance(node, ast.Constant) else ""
    return value if isinstance(value, str) else ""


def _is_phrase(text: str) -> bool:
    return " " in text
