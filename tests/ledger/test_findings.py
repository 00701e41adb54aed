"""A finding says the same to everyone, or to each side what it needs and may know."""

from __future__ import annotations

import pytest

from ledger.findings import Audience, Party, Rule, Rulebook, Severity, Side

BOOK = Rulebook(
    {
        "plain": "%(what)s is odd.",
        "sided": Rule(
            severity=Severity.QUARANTINE,
            sentence="%(buyer)s takes in %(what)s.",
            supplier="Somebody takes in %(what)s.",
            audience=Audience.INPUTS,
        ),
    }
)


def test_a_rule_of_one_sentence_is_a_warning_to_everyone() -> None:
    found = BOOK.finding("plain", "/there", what="This")
    assert (found.sentence, found.where, found.severity) == (
        "This is odd.",
        "/there",
        Severity.WARNING,
    )
    assert {found.template_for(side) for side in (None, *Side)} == {"%(what)s is odd."}


def test_a_side_without_a_sentence_of_its_own_reads_the_whole() -> None:
    found = BOOK.finding("sided", buyer="Acme", what="steel")
    assert found.template_for(Side.SUPPLIER) % found.params == "Somebody takes in steel."
    assert found.template_for(Side.CONSUMER) == found.template_for(None) == found.template


def test_findings_of_one_thing_are_equal_and_can_be_counted_once() -> None:
    parties = (Party(Side.SUPPLIER, "acme", "steel"),)
    twice = [BOOK.finding("sided", parties=parties, buyer="B", what="w") for _ in range(2)]
    assert len(set(twice)) == 1
    assert twice[0].of(Side.SUPPLIER) == parties
    assert twice[0].of(Side.CONSUMER) == ()


def test_every_sentence_of_a_book_can_be_translated() -> None:
    assert set(BOOK.templates()) == {
        "%(what)s is odd.",
        "%(buyer)s takes in %(what)s.",
        "Somebody takes in %(what)s.",
    }


@pytest.mark.parametrize(
    ("worse", "better"),
    [("refuse", "quarantine"), ("quarantine", "warning"), ("warning", "notice")],
)
def test_severities_are_ranked(worse: str, better: str) -> None:
    assert Severity(worse).rank < Severity(better).rank
