"""What a corrected revocation makes sound again stands since the correction, in every figure."""

from __future__ import annotations

from decimal import Decimal

import pytest

from graph.engine import Books, Engine, Question
from ledger.statements import Emission
from ledger.verify import Verdict
from tests.audited import bundled, overall, publish, trust_of, verified
from tests.factory import Actor, Factory

QUESTION = Question(2025)


class Cleared:
    """An inventory of 500 kg CO2 corrected to 5 kg; the correction is suspect until the time of the
    theft is."""

    def __init__(self, factory: Factory) -> None:
        self.factory = factory
        self.owner = factory.enterprise("Acme")
        said = self.owner.inventory(self.owner.site(), [("CO2", "fossil", "500")])
        factory.clock.advance(days=1)
        feared = factory.clock.now_ms
        factory.clock.advance(seconds=60)
        self.owner.correct(
            said, emissions=(Emission(gas="CO2", origin="fossil", amount=Decimal(5)),)
        )
        self.sound: Actor = self.owner.with_key()
        factory.register(self.sound)
        factory.clock.advance(days=1)
        self.revocation = factory.operator.revoke(self.owner, since=feared)
        self.sound.product("What makes the inventory not the last that was said")

    def clear(self) -> int:
        """The key was stolen a day later than feared; returns the entry that says so."""
        later = self.factory.clock.now_ms // 1000
        return self.factory.operator.correct(self.revocation, compromised_since=later).index


@pytest.fixture
def cleared(factory: Factory) -> Cleared:
    return Cleared(factory)


def known(books: Books) -> float:
    return books.assessment.scope1.at_least


def test_an_engine_that_followed_answers_as_one_that_did_not(cleared: Cleared) -> None:
    engine = Engine(cleared.factory.log)
    assert known(engine.enterprise(cleared.owner.id, QUESTION)) == 500
    cleared.clear()
    assert known(engine.enterprise(cleared.owner.id, QUESTION)) == 5


def test_the_correction_is_what_moved_the_figure_last(cleared: Cleared) -> None:
    corrected = cleared.clear()
    books = Engine(cleared.factory.log).enterprise(cleared.owner.id, QUESTION)
    assert books.as_of == corrected


def test_what_was_never_in_doubt_is_not_moved(cleared: Cleared) -> None:
    other = cleared.factory.enterprise("Other")
    other.inventory(other.site(), [("CO2", "fossil", "7")])
    engine = Engine(cleared.factory.log)
    before = engine.enterprise(other.id, QUESTION).as_of
    cleared.clear()
    assert engine.enterprise(other.id, QUESTION).as_of == before


def test_an_auditor_dates_the_figure_alike(cleared: Cleared) -> None:
    cleared.clear()
    figure = publish(cleared.sound, "enterprise", cleared.owner.id)
    log = cleared.factory.log
    assert overall(verified(bundled(log, figure.index), trust_of(log))) is Verdict.VALID
