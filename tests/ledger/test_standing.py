"""What stands is a fold: from all entries or from the heads alone, at any size, the same."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.log import Accepted
from ledger.standing import Standing
from ledger.statements import (
    Emission,
    FactorRow,
    Factors,
    NaturalKey,
    Part,
    Product,
    joined,
    split,
)
from tests.databases import Databases
from tests.factory import Actor, Factory


@contextmanager
def _fresh(databases: Databases) -> Iterator[Factory]:
    with tempfile.TemporaryDirectory() as folder:
        url = databases.new(Path(folder), "log")
        factory = Factory(url)
        yield factory
        factory.close()
        databases.drop(url)


class Life:
    """An enterprise whose chains live as the draws say."""

    def __init__(self, factory: Factory) -> None:
        self.acme: Actor = factory.enterprise("Acme")
        self.site = self.acme.site()
        self.park = self.acme.park()
        self.chains: list[Accepted] = []

    def open(self, pick: int) -> Accepted:
        product = self.acme.product(f"Product {pick}")
        openings: list[Callable[[], Accepted]] = [
            lambda: self.acme.recipe(product, self.site),
            lambda: self.acme.footprint(product, "1"),
            lambda: self.acme.production(product, self.site, "5"),
            lambda: self.acme.disclose("footprint", product),
        ]
        return openings[pick % len(openings)]()

    def step(self, action: str, pick: int) -> None:
        if action == "open" or not self.chains:
            self.chains.append(self.open(pick))
            return
        place = pick % len(self.chains)
        last = self.chains[place]
        body = last.statement.body
        if last.statement.type == "withdrawal":
            return
        if action == "withdraw":
            gone = self.acme.withdraw(last)
            self.chains[place] = gone
            if pick % 2 and last.statement.type != "footprint":
                self.chains[place] = self.acme.say(body, prev=gone.digest)
        elif last.statement.type != "footprint":
            self.chains[place] = self.acme.correct(last)


@settings(max_examples=12, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["open", "correct", "withdraw"]), st.integers(0, 11)),
        min_size=1,
        max_size=14,
    ),
    cut=st.floats(0, 1),
)
def test_the_heads_at_a_size_stand_for_all_entries_before_it(
    databases: Databases, steps: list[tuple[str, int]], cut: float
) -> None:
    with _fresh(databases) as factory:
        life = Life(factory)
        for action, pick in steps:
            life.step(action, pick)
        whole = factory.log.size()
        for size in {0, 1, round(cut * whole), whole}:
            every = Standing.of(factory.log.entries(0, size))
            heads = list(factory.log.heads_at(size))
            from_heads = Standing.of(heads)
            assert from_heads == every
            assert Standing.after(factory.log, size) == (every if size else Standing())
            assert [entry.index for entry in heads] == sorted(entry.index for entry in heads)
            for kind in ("product", "recipe", "footprint", "disclosure"):
                assert list(from_heads.statements(kind)) == list(every.statements(kind))
            assert_about_agrees(from_heads)


def assert_about_agrees(standing: Standing) -> None:
    """`about` finds what a walk over everything that stands finds, in the same order."""
    for kind, entity in standing.touched:
        walked = [said for said in standing.statements(kind) if entity in said.key.parts]
        assert list(standing.about(kind, entity)) == (walked if entity else [])


def test_every_standing_on_the_way_stays_as_it_was(factory: Factory) -> None:
    life = Life(factory)
    for action, pick in [("open", 0), ("open", 2), ("correct", 0), ("withdraw", 1), ("open", 1)]:
        life.step(action, pick)
    standings = [Standing()]
    for entry in factory.log.entries():
        standings.append(standings[-1].after_entry(entry))
    for size, standing in enumerate(standings):
        assert standing == Standing.after(factory.log, size)


def test_the_parts_of_a_set_of_factors_are_found_by_its_name(factory: Factory) -> None:
    emissions = (Emission(gas="CO2", origin="fossil", amount=Decimal(2)),)
    row = FactorRow(kind="average", name="A", of="urn:cpc:41", unit="KGM", emissions=emissions)
    about: dict[str, Any] = {
        "version": "1",
        "publisher": "I",
        "source": "Y",
        "year": 2025,
        "rows": (row,),
    }
    for name, k in (("steel", 1), ("grid", 1), ("steel", 2)):
        factory.operator.say(Factors(name=name, part=Part(k=k, n=2), **about))
    found = factory.standing().about("factors", "steel")
    assert [said.key.parts for said in found] == [("steel", "1"), ("steel", "2")]


def test_what_is_about_a_thing_is_found_by_its_id(factory: Factory) -> None:
    acme = factory.enterprise("Acme")
    site, steel, iron = acme.site(), acme.product("Steel"), acme.product("Iron")
    first, other = acme.recipe(steel, site), acme.recipe(iron, site)
    moved = acme.correct(first)
    standing = factory.standing()
    assert [said.index for said in standing.about("recipe", site)] == [other.index, moved.index]
    assert [said.index for said in standing.about("recipe", steel)] == [moved.index]
    assert standing.about("recipe", acme.id) == ()
    assert standing.about("production", site) == ()
    acme.withdraw(moved)
    assert factory.standing().about("recipe", steel) == ()


def test_a_copy_is_folded_further_without_changing_the_original(factory: Factory) -> None:
    acme = factory.enterprise("Acme")
    before = factory.standing()
    copy = before.copy()
    assert copy == before
    product = acme.product("Steel")
    copy.fold(factory.log.entry(factory.log.size() - 1))
    assert product in copy.products
    assert product not in before.products
    assert copy == factory.standing()
    assert before != copy


def test_entities_are_found_by_id_with_their_owner(factory: Factory) -> None:
    acme, other = factory.enterprise("Acme"), factory.enterprise("Other")
    site, product, park = acme.site(), acme.product("Steel"), other.park()
    standing = factory.standing()
    assert set(standing.enterprises) == {acme.id, other.id}
    assert (set(standing.sites), set(standing.products)) == ({site}, {product})
    assert standing.parks[park].owner == other.id
    assert standing.owner_of("product", product) == acme.id
    assert standing.owner_of("site", park) is None
    found = standing.find(NaturalKey("product", (product,)))
    assert found is standing.products[product]
    assert list(standing.statements("nothing")) == []


def test_what_was_said_knows_its_entry(factory: Factory) -> None:
    acme, other = factory.enterprise("Acme"), factory.enterprise("Other")
    product = acme.product("Steel")
    acme.delegate(other)
    first = acme.footprint(product, "1")
    pact = acme.pact_body("2")
    second = other.correct(first, pact=pact)
    (said,) = factory.standing().statements("footprint")
    assert (said.index, said.digest) == (second.index, second.digest)
    assert (said.opening, said.owner, said.on_behalf) == (first.digest, acme.id, True)


def test_everything_that_speaks_of_a_thing_touches_it(factory: Factory) -> None:
    acme = factory.enterprise("Acme")
    site, product, park = acme.site(), acme.product("Steel"), acme.park()
    said = {
        ("recipe", product): acme.recipe(product, site),
        ("recipe", site): acme.recipe(product, site, year=2024),
        ("production", product): acme.production(product, site, "1"),
        ("inventory", site): acme.inventory(site),
        ("purchases", site): acme.purchases(site),
        ("membership", site): acme.membership(park, site),
        ("disclosure", product): acme.disclose("footprint", product),
        ("footprint", product): acme.footprint(product, "1"),
    }
    touched = factory.standing().touched
    for about, accepted in said.items():
        if about != ("recipe", product):
            assert touched[about] == accepted.index
    assert touched["recipe", product] == said["recipe", site].index
    assert touched["membership", park] == said["membership", site].index
    assert ("product", "nothing") not in touched
    both = ("production", "recipe")
    assert touched.last(both, product) == touched.last(both) == said["production", product].index
    assert touched.last(both, "nothing") == -1


def test_a_withdrawal_touches_what_it_ends(factory: Factory) -> None:
    acme = factory.enterprise("Acme")
    site = acme.site()
    gone = acme.withdraw(acme.inventory(site))
    standing = factory.standing()
    assert list(standing.statements("inventory")) == []
    assert standing.touched["inventory", site] == gone.index
    assert standing.touched["inventory", ""] == gone.index
    assert ("withdrawal", "") not in standing.touched


def test_what_was_withdrawn_is_remembered_with_its_owner(factory: Factory) -> None:
    acme = factory.enterprise("Acme")
    steel = Product(id=factory.uuid(), name="Steel", unit="KGM")
    said = acme.say(steel)
    gone = acme.footprint(steel.id, "1")
    acme.withdraw(gone)
    acme.withdraw(said)
    standing = factory.standing()
    assert standing.owner_of("product", steel.id) is None
    assert standing.last_owner_of("product", steel.id) == acme.id
    assert list(standing.ever_owned("product")) == [(steel.id, acme.id)]
    assert [key.parts[0] for key in standing.ever_said("footprint")] == [steel.id]


def test_a_statement_is_revised_once_another_took_its_place(factory: Factory) -> None:
    acme = factory.enterprise("Acme")
    said = acme.say(Product(id=factory.uuid(), name="Steel", unit="KGM"))
    assert [each.is_revised for each in factory.standing().products.values()] == [False]
    acme.correct(said, name="Better steel")
    assert [each.is_revised for each in factory.standing().products.values()] == [True]


@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1), max_size=4))
def test_a_natural_key_is_read_as_it_was_written(parts: list[str]) -> None:
    key = NaturalKey("footprint", tuple(parts))
    assert NaturalKey.parse(key.text) == key
    assert split(joined(tuple(parts))) == tuple(parts)
