"""Whoever reads Chinese reads all of it, and with the same particulars."""

from __future__ import annotations

import re

import pytest
from babel.messages.catalog import Catalog, Message
from flask import Flask
from flask_babel import force_locale, gettext

from api.app import assemble
from api.languages.messages import templates
from api.languages.translation import COMPILED, compiled, translated, wanted
from api.settings import Settings

PLACE = re.compile(r"%\(\w+\)[a-z]|%%")


@pytest.fixture(scope="module")
def kept() -> Catalog:
    return translated()


@pytest.fixture(scope="module")
def app() -> Flask:
    """The application without a log: its words do not depend on one."""
    return assemble(Settings())


def ids(message: Message) -> tuple[str, ...]:
    return (message.id,) if isinstance(message.id, str) else tuple(message.id)


def strings(message: Message) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string)


def test_every_text_has_a_translation(kept: Catalog) -> None:
    known = {message.id for message in kept if all(strings(message))}
    missing = [message.id for message in wanted() if message.id and message.id not in known]
    assert not missing, "run `python -m api.languages.translation` and translate what it lists"


def test_no_translation_is_left_of_what_is_gone(kept: Catalog) -> None:
    assert {message.id for message in kept} == {message.id for message in wanted()}


def test_nothing_is_marked_as_uncertain(kept: Catalog) -> None:
    assert not [message.id for message in kept if message.id and message.fuzzy]


def test_translations_keep_every_particular(kept: Catalog) -> None:
    for message in kept:
        if message.id:
            expected = sorted(PLACE.findall(ids(message)[-1]))
            assert all(sorted(PLACE.findall(each)) == expected for each in strings(message))


def test_the_compiled_catalogue_is_the_one_that_can_be_read(kept: Catalog) -> None:
    assert COMPILED.read_bytes() == compiled(kept), "run `python -m api.languages.translation`"


@pytest.mark.parametrize("template", list(templates()))
def test_conditions_and_findings_are_told_in_chinese(app: Flask, template: str) -> None:
    with app.test_request_context(), force_locale("zh"):
        told = gettext(template)
    places = PLACE.sub("", template).strip()
    assert told != template or not re.search(r"[A-Za-z]", places)
