"""What a figure's subject did not sign itself."""

from __future__ import annotations

import pytest

from graph.figures.behalf import SpokenFor
from tests.factory import Factory

pytestmark = pytest.mark.only_on("sqlite", "it is about what was stated, wherever it is stored")


def spoken_for(f: Factory, *ids: str) -> set[str]:
    told = SpokenFor(f.standing())
    found = {each for each in ids if each in told}
    assert told.isdisjoint(ids) == (not found)
    return found


def test_a_product_is_spoken_for_when_a_delegate_describes_it(factory: Factory) -> None:
    maker, consultant = factory.enterprise("Maker"), factory.enterprise("Consultant")
    steel, bolt = maker.product("Steel"), maker.product("Bolt")
    plant = maker.site()
    stated = maker.recipe(steel, plant)
    maker.recipe(bolt, plant)
    assert spoken_for(factory, steel, bolt, plant) == set()
    maker.delegate(consultant)
    consultant.correct(stated)
    assert spoken_for(factory, steel, bolt, plant) == {steel}


def test_a_site_is_spoken_for_when_the_operator_holds_the_key(factory: Factory) -> None:
    maker = factory.enterprise("Maker")
    held = maker.with_key()
    factory.register(held, custody="operator")
    own, other = maker.site("Own"), held.site("Other")
    maker.inventory(own)
    held.inventory(other)
    assert spoken_for(factory, own, other) == {other}


def test_what_stands_corrected_by_its_owner_is_its_owner_s_word(factory: Factory) -> None:
    maker, consultant = factory.enterprise("Maker"), factory.enterprise("Consultant")
    steel = maker.product("Steel")
    maker.delegate(consultant)
    site = maker.site()
    spoken = consultant.correct(maker.recipe(steel, site))
    maker.correct(spoken)
    assert spoken_for(factory, steel, site) == set()
