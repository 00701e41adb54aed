"""A published figure checked from its bundle alone: valid, invalid, in doubt, or undecided."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest

from graph import recompute
from ledger import bundle as bundles
from ledger.bundle import Bundle, LeafHash
from ledger.errors import CatchmentError
from ledger.keys import PrivateKey
from ledger.leaf import Leaf
from ledger.log import Accepted, Log
from ledger.merkle import leaf_hash
from ledger.note import SignerKey
from ledger.statements import Product
from ledger.verify import Verdict
from tests.audited import (
    bundled,
    check,
    failed,
    figure_of,
    overall,
    packed,
    publish,
    trust_of,
    verified,
    with_envelope,
    with_leaf,
)
from tests.chain import Chain, build_chain
from tests.factory import ORIGIN, Factory, day

NAMES = (
    "sizes trust checkpoint cosignatures root times keys envelopes heads inputs figure"
).split()


@pytest.fixture
def chain(factory: Factory) -> Chain:
    return build_chain(factory)


@pytest.fixture
def figure(chain: Chain) -> Accepted:
    return publish(chain.manager, "park", chain.park)


@pytest.fixture
def content(factory: Factory, figure: Accepted) -> Bundle:
    return bundled(factory.log, figure.index)


# --- What is valid ---


def test_a_published_figure_is_valid_and_its_numbers_are_those_on_paper(
    factory: Factory, content: Bundle
) -> None:
    found = verified(content, trust_of(factory.log))
    assert [each.name for each in found.checks] == NAMES
    assert {each.verdict for each in found.checks} == {Verdict.VALID}
    numbers = {each.name: each.computed for each in found.numbers}
    assert all(each.agrees for each in found.numbers)
    # The worked example of docs/accounting.md (tests/chain.py).
    assert numbers["scope1"].value == 250  # type: ignore[union-attr]  # it is there, or this fails
    assert numbers["t0"].value == Decimal("585.75")  # type: ignore[union-attr]  # as above


def test_what_came_after_the_figure_does_not_make_it_invalid(
    factory: Factory, chain: Chain, figure: Accepted
) -> None:
    chain.firms["P1"].correct(chain.recipes["P1"], inputs=())
    found = verified(bundled(factory.log, figure.index), trust_of(factory.log))
    assert overall(found) is Verdict.VALID


def test_what_was_superseded_before_the_figure_need_not_be_there(
    factory: Factory, chain: Chain
) -> None:
    old = [chain.recipes["P1"], chain.recipes["P2"]]
    for said in old:
        chain.firms["P1" if said is old[0] else "P2"].correct(said)
    figure = publish(chain.manager, "park", chain.park)
    content = bundled(factory.log, figure.index, without=[said.index for said in old])
    assert overall(verified(content, trust_of(factory.log))) is Verdict.VALID


def test_a_site_handed_over_and_renamed_since_is_valid_without_its_first_statement(
    factory: Factory, chain: Chain
) -> None:
    giver, taker, site = chain.firms["T4"], chain.firms["E3"], chain.sites["T4"]
    opening = _said(factory.log, "site", site)
    giver.transfer("site", site, taker, start="2026-01-01")
    taker.say(dataclasses.replace(opening.statement.body, name="Renamed"), prev=opening.leaf.signed)
    figure = publish(chain.manager, "park", chain.park)
    content = bundled(factory.log, figure.index, without=[opening.index])
    assert overall(verified(content, trust_of(factory.log))) is Verdict.VALID


def _said(log: Log, kind: str, entity: str):
    return next(
        entry
        for entry in log.entries()
        if entry.leaf.type == kind and getattr(entry.statement.body, "id", "") == entity
    )
