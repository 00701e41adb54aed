"""Sites and products change hands; verifiers look into statements; payloads are erased.

Threats 11 (verifiers) and 21 (what must not be read any more).
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from ledger import errors, jws
from ledger.log import Accepted
from ledger.standing import Standing
from ledger.statements import Erasure, Transfer, Transferred
from tests.factory import Actor, Factory, day


@dataclasses.dataclass
class Sale:
    """A plant and its product, sold by one enterprise to another on 2025-07-01."""

    factory: Factory
    seller: Actor
    buyer: Actor
    site: str
    product: str
    first_half: Accepted

    def happens(self) -> None:
        self.seller.transfer("site", self.site, self.buyer, start="2025-07-01")
        self.seller.transfer("product", self.product, self.buyer, start="2025-07-01")


@pytest.fixture
def sale(factory: Factory) -> Sale:
    seller, buyer = factory.enterprise("Seller"), factory.enterprise("Buyer")
    site, product = seller.site(), seller.product("Steel")
    half = seller.production(product, site, "50", period=("2025-01-01", "2025-07-01"))
    return Sale(factory, seller, buyer, site, product, half)


def test_the_new_owner_speaks_of_it_and_the_old_one_of_its_own_time(sale: Sale) -> None:
    sale.happens()
    sale.buyer.production(sale.product, sale.site, "60", period=("2025-07-01", "2026-01-01"))
    sale.seller.correct(sale.first_half, amount=Decimal(51))
    with pytest.raises(errors.NotOwner):
        sale.seller.production(sale.product, sale.site, "1", year=2026)
    with pytest.raises(errors.NotOwner):
        sale.buyer.say(sale.first_half.statement.body, prev=sale.first_half.digest)
    standing = sale.factory.standing()
    assert standing.owner_of("site", sale.site) == sale.buyer.id
    assert standing.owner_on("site", sale.site, day("2025-06-30")) == sale.seller.id
    assert standing.owner_on("site", sale.site, day("2025-07-01")) == sale.buyer.id


def test_the_new_owner_corrects_the_registration(sale: Sale) -> None:
    (registered,) = (s for s in sale.factory.standing().products.values())
    sale.happens()
    renamed = dataclasses.replace(registered.statement.body, name="Green steel")  # type: ignore[type-var]  # a dataclass
    with pytest.raises(errors.NotOwner):
        sale.seller.say(renamed, prev=registered.digest)
    sale.buyer.say(renamed, prev=registered.digest)
    assert sale.factory.standing().products[sale.product].owner == sale.buyer.id


def test_a_thing_is_handed_on_and_back_in_order(sale: Sale) -> None:
    sale.happens()
    third = sale.factory.enterprise("Third")
    with pytest.raises(errors.NotOwner):
        sale.seller.transfer("site", sale.site, third, serial=2)
    with pytest.raises(errors.TransferTooEarly):
        sale.buyer.transfer("site", sale.site, third, start="2025-07-01", serial=2)
    with pytest.raises(errors.TransferFinal):
        sale.buyer.transfer("site", sale.site, third, start="2025-10-01")
    sale.buyer.transfer("site", sale.site, third, start="2025-10-01", serial=2)
    third.transfer("site", sale.site, sale.seller, start="2026-01-01", serial=3)
    days = ("2025-06-30", "2025-09-30", "2025-12-31", "2026-01-01")
    owners = [sale.factory.standing().owner_on("site", sale.site, day(each)) for each in days]
    assert owners == [sale.seller.id, sale.buyer.id, third.id, sale.seller.id]


def test_nothing_changes_hands_without_acceptance_or_by_the_wrong_one(sale: Sale) -> None:
    third = sale.factory.enterprise("Third")
    bare = Transfer(
        object=Transferred(type="site", id=sale.site),
        to=sale.buyer.id,
        start=dt.date(2025, 7, 1),
        serial=1,
    )
    with pytest.raises(errors.AcceptanceRefused):
        sale.seller.say(bare)
    accepted = {
        "log": sale.factory.log_members(),
        "object": {"type": "site", "id": sale.site},
        "to": sale.buyer.id,
        "from": "2025-07-01",
        "serial": 1,
    }
    by_third = jws.sign(accepted, third.key, jws.ACCEPTANCE_TYP).decode()
    with pytest.raises(errors.AcceptanceRefused, match="did not sign"):
        sale.seller.say(dataclasses.replace(bare, acceptance=by_third))
    other = jws.sign({**accepted, "serial": 2}, sale.buyer.key, jws.ACCEPTANCE_TYP).decode()
    with pytest.raises(errors.AcceptanceRefused, match="another transfer"):
        sale.seller.say(dataclasses.replace(bare, acceptance=other))
    with pytest.raises(errors.InTheFuture):
        sale.seller.transfer("site", sale.site, sale.buyer, start="2027-01-01")


def test_the_registrar_transfers_by_a_paper_mandate_and_it_shows(sale: Sale) -> None:
    body = Transfer(
        object=Transferred(type="site", id=sale.site),
        to=sale.buyer.id,
        start=dt.date(2025, 7, 1),
        serial=1,
    )
    registrar = sale.factory.operator
    with pytest.raises(errors.NotAuthorised):
        registrar.say(body, subject=sale.seller.id)
    said = registrar.say(dataclasses.replace(body, mandate="0" * 64), subject=sale.seller.id)
    assert said.on_behalf
    assert sale.factory.standing().owner_of("site", sale.site) == sale.buyer.id


# --- Verifiers -------------------------------------------------------------------------------


@pytest.fixture
def verifier(factory: Factory) -> Actor:
    verifier = factory.enterprise("Verifier", roles=("verifier",))
    factory.operator.accredit(verifier)
    return verifier


@pytest.fixture
def inventory(factory: Factory) -> tuple[Actor, Accepted]:
    acme = factory.enterprise("Acme")
    return acme, acme.inventory(acme.site(), [("CO2", "fossil", "1000")])


def attested(factory: Factory, said: Accepted) -> bool:
    return any(
        getattr(each.statement.body, "digest", "") == said.digest
        for each in factory.standing().statements("attestation")
    )


def test_an_accredited_verifier_attests_the_exact_statement(
    factory: Factory, verifier: Actor, inventory: tuple[Actor, Accepted]
) -> None:
    _, said = inventory
    verifier.attest(said)
    assert attested(factory, said)


def test_nobody_verifies_what_it_said_itself(factory: Factory, verifier: Actor) -> None:
    factory.register(both := verifier.with_key(), roles=("verifier", "supplier"))
    own = both.inventory(both.site(), [("CO2", "fossil", "1")])
    with pytest.raises(errors.SelfVerification):
        both.attest(own)


def test_nobody_verifies_what_it_said_for_another(
    factory: Factory, verifier: Actor, inventory: tuple[Actor, Accepted]
) -> None:
    acme, said = inventory
    factory.register(both := verifier.with_key(), roles=("verifier", "supplier"))
    acme.delegate(both)
    mine = both.correct(said)
    with pytest.raises(errors.SelfVerification):
        both.attest(mine)


@pytest.mark.parametrize(
    ("held", "asked"),
    [
        ({"until": day("2026-01-14")}, {}),
        ({"start": day("2026-02-01")}, {}),
        ({"scope": ("footprint",)}, {}),
        ({}, {"standard": "Our own"}),
    ],
    ids=["expired", "not begun", "other type", "other standard"],
)
def test_an_accreditation_covers_what_it_says(
    factory: Factory,
    inventory: tuple[Actor, Accepted],
    held: dict[str, Any],
    asked: dict[str, Any],
) -> None:
    verifier = factory.enterprise("Verifier", roles=("verifier",))
    factory.operator.accredit(verifier, **held)
    with pytest.raises(errors.NotAccredited):
        verifier.attest(inventory[1], **asked)


def test_without_the_role_or_by_a_delegate_nobody_verifies(
    factory: Factory, verifier: Actor, inventory: tuple[Actor, Accepted]
) -> None:
    impostor = factory.enterprise("Impostor")
    with pytest.raises(errors.RoleMissing):
        impostor.attest(inventory[1])
    factory.register(other := impostor.with_key(), roles=("verifier",))
    with pytest.raises(errors.NotAuthorised, match="speaks for itself"):
        other.attest(inventory[1], subject=verifier.id)


def test_only_what_is_in_force_is_verified(
    factory: Factory, verifier: Actor, inventory: tuple[Actor, Accepted]
) -> None:
    acme, said = inventory
    acme.correct(said)
    with pytest.raises(errors.NotInForce):
        verifier.attest(said)


# --- Erasure ---------------------------------------------------------------------------------


def test_an_erased_payload_is_gone_and_leaves_a_gap(
    factory: Factory, inventory: tuple[Actor, Accepted]
) -> None:
    acme, said = inventory
    size = factory.log.size()
    acme.erase(said)
    entry = factory.log.entry(said.index)
    assert entry.envelope == b""
    with pytest.raises(errors.PayloadErased):
        _ = entry.statement
    assert list(factory.standing().statements("inventory")) == []
    with pytest.raises(errors.PayloadErased):
        factory.standing(size)
    assert factory.log.receipt(said.index).leaf == entry.leaf.encode()


def test_an_erased_statement_gives_way_to_no_older_number(
    factory: Factory, inventory: tuple[Actor, Accepted]
) -> None:
    acme, first = inventory
    second = acme.correct(first)
    acme.erase(second)
    assert list(factory.standing().statements("inventory")) == []
    third = acme.say(first.statement.body, prev=second.digest)
    assert [s.index for s in factory.standing().statements("inventory")] == [third.index]


def test_what_was_superseded_is_erased_without_moving_anything(
    factory: Factory, inventory: tuple[Actor, Accepted]
) -> None:
    acme, first = inventory
    second = acme.correct(first)
    acme.erase(first)
    assert [s.index for s in factory.standing().statements("inventory")] == [second.index]
    assert Standing.after(factory.reopen(), factory.log.size()) == factory.standing()


def test_a_withdrawn_statement_can_be_erased(
    factory: Factory, inventory: tuple[Actor, Accepted]
) -> None:
    acme, said = inventory
    withdrawn = acme.withdraw(said)
    acme.erase(said)
    assert list(factory.standing().statements("inventory")) == []
    acme.say(said.statement.body, prev=withdrawn.digest)


def test_the_same_envelope_again_brings_nothing_back(
    factory: Factory, inventory: tuple[Actor, Accepted]
) -> None:
    acme, said = inventory
    envelope = said.statement.envelope.compact
    acme.erase(said)
    again = factory.append(envelope)
    assert (again.index, again.new) == (said.index, False)
    assert factory.log.entry(said.index).is_erased


def test_the_operator_erases_for_an_owner_and_strangers_do_not(
    factory: Factory, inventory: tuple[Actor, Accepted]
) -> None:
    _, said = inventory
    stranger = factory.enterprise("Stranger")
    with pytest.raises(errors.NotOwner):
        stranger.erase(said, subject=stranger.id)
    with pytest.raises(errors.NotAuthorised):
        stranger.erase(said)
    operator = factory.operator.with_key()
    factory.operator.say(
        dataclasses.replace(factory.key_body(operator), roles=("operator",)),
        subject=factory.operator.id,
    )
    assert operator.erase(said).on_behalf


def test_what_others_rest_on_is_not_erased(factory: Factory) -> None:
    acme = factory.enterprise("Acme")
    acme.site()
    (site,) = factory.standing().sites.values()
    body = Erasure(
        digest=site.digest, key=site.statement.body.natural_key(acme.id).text, reason="."
    )
    with pytest.raises(errors.NotErasable):
        acme.say(body)
