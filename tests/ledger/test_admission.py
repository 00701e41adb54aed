"""What the log refuses, one condition per test, and what it takes that looks like it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from ledger import errors, jws
from ledger.authority import key_standing
from ledger.draft import Draft
from ledger.keys import PrivateKey
from ledger.log import Accepted
from ledger.recent import Recent
from ledger.statements import Delegation, Enterprise, LogId, Product, Site, Withdrawal
from ledger.store import reading
from ledger.view import Head
from tests.factory import ORIGIN, Actor, Factory, day

SOMEONE = str(uuid.UUID(int=7))
DIGEST = "ab" * 32


@pytest.fixture
def acme(factory: Factory) -> Actor:
    return factory.enterprise("Acme")


@pytest.fixture
def other(factory: Factory) -> Actor:
    return factory.enterprise("Other")


@pytest.fixture
def refused(factory: Factory) -> Callable[..., errors.CatchmentError]:
    """Expect a refusal that reads as a sentence and leaves the log as it was."""

    def expect(
        condition: type[errors.CatchmentError], say: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> errors.CatchmentError:
        before = factory.log.checkpoint()
        with pytest.raises(condition) as caught:
            say(*args, **kwargs)
        assert type(caught.value) is condition
        assert "%" not in str(caught.value)
        assert factory.log.checkpoint() == before
        return caught.value

    return expect


Refuses = Callable[..., errors.CatchmentError]


def _a_product(**members: Any) -> Product:
    return Product(**{"id": str(uuid.uuid4()), "name": "Steel", "unit": "KGM", **members})


# --- the statement itself ---


def test_a_statement_for_another_origin_is_foreign(
    factory: Factory, acme: Actor, refused: Refuses
) -> None:
    log = LogId(origin="elsewhere.example", genesis=factory.log.genesis.digest)
    refused(errors.ForeignLog, acme.say, _a_product(), log=log)


def test_a_statement_for_another_genesis_is_foreign(acme: Actor, refused: Refuses) -> None:
    raised = refused(
        errors.ForeignLog, acme.say, _a_product(), log=LogId(origin=ORIGIN, genesis=DIGEST)
    )
    assert raised.params["named"] == raised.params["origin"]
    assert raised.params["begun"] != raised.params["genesis"]


def test_a_statement_that_names_no_genesis_is_foreign(acme: Actor, refused: Refuses) -> None:
    refused(errors.ForeignLog, acme.say, _a_product(), log=LogId(origin=ORIGIN))


@pytest.mark.parametrize("age", [7 * 86_400 + 1, -301])
def test_a_statement_signed_too_long_ago_or_ahead_is_refused(
    factory: Factory, acme: Actor, refused: Refuses, age: int
) -> None:
    now = factory.clock.now_ms // 1000
    error = refused(errors.ClockSkew, acme.say, _a_product(), iat=now - age)
    assert error.params["seconds"] == 1


@pytest.mark.parametrize("age", [7 * 86_400, -300])
def test_a_statement_at_the_edge_of_the_window_is_taken(
    factory: Factory, acme: Actor, age: int
) -> None:
    acme.say(_a_product(), iat=factory.clock.now_ms // 1000 - age)


def test_a_jti_serves_one_key_once(
    factory: Factory, acme: Actor, other: Actor, refused: Refuses
) -> None:
    jti = factory.jti()
    acme.say(_a_product(), jti=jti)
    refused(errors.JtiReused, acme.say, _a_product(), jti=jti)
    other.say(_a_product(), jti=jti)


# --- the key ---


def test_a_key_that_nobody_registered_is_unknown(acme: Actor, refused: Refuses) -> None:
    refused(errors.UnknownKey, acme.with_key().say, _a_product())


def test_a_key_retires_when_it_is_rotated(factory: Factory, acme: Actor, refused: Refuses) -> None:
    new = acme.with_key()
    acme.say(_rotation(factory, acme, new))
    error = refused(errors.KeyRetired, acme.say, _a_product())
    assert error.params["successor"] == new.key.public.kid
    new.say(_a_product())


def test_a_retired_key_stays_retired_when_its_successor_retires(
    factory: Factory, acme: Actor, refused: Refuses
) -> None:
    second, third = acme.with_key(), acme.with_key()
    acme.say(_rotation(factory, acme, second))
    second.say(_rotation(factory, second, third))
    refused(errors.KeyRetired, acme.say, _a_product())
    refused(errors.KeyRetired, second.say, _a_product())
    third.say(_a_product())


def test_a_key_signs_through_its_last_day_and_no_longer(
    factory: Factory, acme: Actor, refused: Refuses
) -> None:
    short = acme.with_key()
    factory.register(short, until=day("2026-01-16"))
    factory.clock.advance(days=2, seconds=-1)
    short.say(_a_product())
    factory.clock.advance(seconds=1)
    refused(errors.KeyExpired, short.say, _a_product())


def test_a_signature_must_match(factory: Factory, acme: Actor, refused: Refuses) -> None:
    envelope = acme.sign(_a_product())
    forged = envelope[:-4] + (b"AAAA" if not envelope.endswith(b"AAAA") else b"BAAA")
    refused(errors.SignatureInvalid, factory.append, forged)


def test_a_signature_must_match_where_its_key_comes_in_the_same_batch(
    factory: Factory, acme: Actor
) -> None:
    fresh = acme.with_key()
    registration = factory.operator.sign(factory.key_body(fresh), subject=acme.id)
    sound, unsound = fresh.sign(_a_product()), fresh.sign(_a_product())
    unsound = unsound.rpartition(b".")[0] + b"." + sound.rpartition(b".")[2]
    outcomes = factory.log.append([registration, sound, unsound])
    assert [isinstance(outcome, Accepted) for outcome in outcomes] == [True, True, False]
    assert isinstance(outcomes[2].error, errors.SignatureInvalid)


def test_the_issuer_is_the_enterprise_of_the_key(
    acme: Actor, other: Actor, refused: Refuses
) -> None:
    refused(errors.WrongIssuer, acme.say, _a_product(), iss=other.id, subject=other.id)


def test_a_key_without_the_role_is_refused(factory: Factory, refused: Refuses) -> None:
    supplier = factory.enterprise("Supplier", roles=("supplier",))
    error = refused(errors.RoleMissing, supplier.park)
    assert error.params["role"] == "park"


# --- who speaks for whom ---


def test_nobody_speaks_for_another_without_a_delegation(
    acme: Actor, other: Actor, refused: Refuses
) -> None:
    refused(errors.NotAuthorised, other.say, _a_product(), subject=acme.id)


def test_a_delegate_speaks_for_the_subject_and_it_shows(acme: Actor, other: Actor) -> None:
    acme.delegate(other)
    said = other.say(_a_product(), subject=acme.id)
    assert said.on_behalf
    assert not acme.say(_a_product()).on_behalf


def test_a_delegation_runs_out_after_its_last_day(
    factory: Factory, acme: Actor, other: Actor, refused: Refuses
) -> None:
    acme.delegate(other, until="2026-01-15")
    other.say(_a_product(), subject=acme.id)
    factory.clock.advance(days=1)
    refused(errors.NotAuthorised, other.say, _a_product(), subject=acme.id)


def test_a_withdrawn_delegation_counts_no_longer(
    acme: Actor, other: Actor, refused: Refuses
) -> None:
    acme.withdraw(acme.delegate(other))
    refused(errors.NotAuthorised, other.say, _a_product(), subject=acme.id)


def test_a_delegate_cannot_delegate_on(
    factory: Factory, acme: Actor, other: Actor, refused: Refuses
) -> None:
    third = factory.enterprise("Third")
    acme.delegate(other)
    body = Delegation(delegate=third.id, serial=1, until=dt.date(2027, 1, 1))
    refused(errors.NotAuthorised, other.say, body, subject=acme.id)


def test_the_registrar_delegates_with_a_mandate_only(
    factory: Factory, acme: Actor, other: Actor, refused: Refuses
) -> None:
    bare = Delegation(delegate=other.id, serial=1, until=dt.date(2027, 1, 1))
    refused(errors.NotAuthorised, factory.operator.say, bare, subject=acme.id)
    mandated = dataclasses.replace(bare, mandate=DIGEST)
    assert factory.operator.say(mandated, subject=acme.id).on_behalf
    other.say(_a_product(), subject=acme.id)


def test_only_the_subject_or_the_registrar_with_a_mandate_ends_a_delegation(
    factory: Factory, acme: Actor, other: Actor, refused: Refuses
) -> None:
    own = acme.delegate(other)
    refused(errors.NotAuthorised, other.withdraw, own)
    refused(errors.NotAuthorised, factory.operator.withdraw, own)
    mandated = Delegation(delegate=other.id, serial=2, until=dt.date(2027, 1, 1), mandate=DIGEST)
    factory.operator.withdraw(factory.operator.say(mandated, subject=acme.id))


def test_only_the_registrar_admits_enterprises(acme: Actor, refused: Refuses) -> None:
    body = Enterprise(id=SOMEONE, name="Someone")
    refused(errors.NotAuthorised, acme.say, body, subject=SOMEONE)


def test_a_key_of_the_operator_without_the_role_is_no_registrar(
    factory: Factory, refused: Refuses
) -> None:
    clerk = factory.operator.with_key()
    factory.register(clerk, roles=("operator",))
    body = Enterprise(id=SOMEONE, name="Someone")
    refused(errors.RoleMissing, clerk.say, body, subject=SOMEONE)


def test_a_further_registrar_key_of_the_operator_may_admit(factory: Factory) -> None:
    second = factory.operator.with_key()
    factory.register(second, roles=("registrar",))
    second.say(Enterprise(id=SOMEONE, name="Someone"), subject=SOMEONE)


def test_the_role_of_registrar_is_worth_nothing_outside_the_operator(
    factory: Factory, acme: Actor, refused: Refuses
) -> None:
    grand = acme.with_key()
    factory.register(grand, roles=("registrar",))
    body = Enterprise(id=SOMEONE, name="Someone")
    refused(errors.NotAuthorised, grand.say, body, subject=SOMEONE)


def test_a_registration_is_about_its_subject(
    factory: Factory, acme: Actor, refused: Refuses
) -> None:
    body = Enterprise(id=SOMEONE, name="Someone")
    refused(errors.NotAuthorised, factory.operator.say, body, subject=acme.id)


def test_a_park_publishes_its_figure_with_its_park_key(factory: Factory) -> None:
    manager = factory.enterprise("Park manager", roles=("park",))
    assert manager.disclose("figure", manager.park()).new


@pytest.mark.parametrize("what", ["recipe", "production", "footprint"])
def test_what_an_owner_says_of_its_product_fits_the_declared_unit(
    acme: Actor, refused: Refuses, what: str
) -> None:
    """Steel is declared in kg: kWh of it mean nothing, tonnes do."""
    steel, plant = acme.product("Steel", unit="KGM"), acme.site()
    say: dict[str, Callable[[str], object]] = {
        "recipe": lambda unit: acme.recipe(steel, plant, basis=("1", unit)),
        "production": lambda unit: acme.production(steel, plant, "1", unit),
        "footprint": lambda unit: acme.footprint(steel, "1", unit=unit),
    }
    error = refused(errors.UnitMismatch, say[what], "KWH")
    assert error.where in ("/basis/unit", "/unit", "/pact/pcf/declaredUnitOfMeasurement")
    assert say[what]("KGM")


# --- keys: registration and rotation ---


def _rotation(factory: Factory, old: Actor, new: Actor, **members: Any) -> Any:
    members = {"roles": ("supplier", "park"), **members}
    replaces = old.key.public.kid
    return factory.key_body(new, action="rotate", replaces=replaces, **members)


def test_a_rotation_does_not_widen_roles(factory: Factory, acme: Actor, refused: Refuses) -> None:
    body = _rotation(factory, acme, acme.with_key(), roles=("supplier", "registrar"))
    refused(errors.RoleMissing, acme.say, body)


def test_a_rotation_does_not_outlive_the_old_key(
    factory: Factory, acme: Actor, refused: Refuses
) -> None:
    short = acme.with_key()
    factory.register(short, until=day("2026-06-30"))
    for until in (None, day("2026-07-01")):
        body = _rotation(factory, short, acme.with_key(), roles=("supplier",), until=until)
        refused(errors.NotAuthorised, short.say, body)
    same = _rotation(factory, short, acme.with_key(), roles=("supplier",), until=day("2026-06-30"))
    short.say(same)


def test_a_rotation_does_not_change_who_holds_the_key(
    factory: Factory, acme: Actor, refused: Refuses
) -> None:
    body = _rotation(factory, acme, acme.with_key(), custody="operator")
    refused(errors.NotAuthorised, acme.say, body)


def test_a_rotation_stays_in_its_enterprise(
    factory: Factory, acme: Actor, other: Actor, refused: Refuses
) -> None:
    body = _rotation(factory, acme, other.with_key())
    refused(errors.NotAuthorised, acme.say, body, subject=other.id)


def test_a_key_rotates_itself_and_no_other_key(
    factory: Factory, acme: Actor, refused: Refuses
) -> None:
    second = acme.with_key()
    factory.register(second)
    body = _rotation(factory, second, acme.with_key(), roles=("supplier",))
    refused(errors.NotAuthorised, acme.say, body)


def test_a_rotation_does_not_take_over_a_key_that_is_registered(
    factory: Factory, acme: Actor, refused: Refuses
) -> None:
    second = acme.with_key()
    registration = factory.register(second)
    body = _rotation(factory, acme, second, roles=("supplier",))
    refused(errors.NotAuthorised, acme.say, body, prev=registration.digest)


def test_a_retired_key_does_not_come_back_when_its_successor_is_corrected(
    factory: Factory, acme: Actor, refused: Refuses
) -> None:
    new = acme.with_key()
    rotation = acme.say(_rotation(factory, acme, new))
    correct = factory.operator.correct
    refused(errors.NotAuthorised, correct, rotation, action="register", replaces=None)
    correct(rotation, roles=("supplier",))
    refused(errors.KeyRetired, acme.say, _a_product())
    new.say(_a_product())


def test_a_key_in_force_does_not_retire_others_by_a_correction(
    factory: Factory, acme: Actor, refused: Refuses
) -> None:
    second = acme.with_key()
    said = factory.register(second)
    kid = acme.key.public.kid
    refused(errors.NotAuthorised, factory.operator.correct, said, action="rotate", replaces=kid)


def test_the_registrar_rotates_any_key(factory: Factory, acme: Actor, refused: Refuses) -> None:
    new = acme.with_key()
    factory.operator.say(_rotation(factory, acme, new), subject=acme.id)
    refused(errors.KeyRetired, acme.say, _a_product())
    new.say(_a_product())


def test_the_registrar_key_retires_when_it_is_rotated(factory: Factory, refused: Refuses) -> None:
    second = factory.operator.with_key()
    factory.operator.say(_rotation(factory, factory.operator, second, roles=("registrar",)))
    body = Enterprise(id=SOMEONE, name="Someone")
    refused(errors.KeyRetired, factory.operator.say, body, subject=SOMEONE)
    second.say(body, subject=SOMEONE)


def test_a_rotation_replaces_a_key_of_the_same_enterprise(
    factory: Factory, acme: Actor, other: Actor, refused: Refuses
) -> None:
    operator, new = factory.operator, acme.with_key()
    unknown = _rotation(factory, acme.with_key(), new)
    refused(errors.UnknownReference, operator.say, unknown, subject=acme.id)
    foreign = _rotation(factory, other, new)
    refused(errors.NotOwner, operator.say, foreign, subject=acme.id)


def test_a_key_is_registered_for_an_enterprise_that_is_known(
    factory: Factory, refused: Refuses
) -> None:
    stranger = Actor(factory, SOMEONE, "Stranger", PrivateKey.generate("EdDSA"))
    refused(errors.UnknownReference, factory.register, stranger)


def test_a_key_belongs_to_one_enterprise(
    factory: Factory, acme: Actor, other: Actor, refused: Refuses
) -> None:
    thief = dataclasses.replace(other, key=acme.key)
    refused(errors.NotOwner, factory.register, thief)


def test_the_registrar_key_of_the_genesis_cannot_be_given_to_another(
    factory: Factory, acme: Actor, refused: Refuses
) -> None:
    twin = dataclasses.replace(acme, key=factory.operator.key)
    refused(errors.IdTaken, factory.register, twin)


def test_a_new_key_proves_that_its_holder_has_it(
    factory: Factory, acme: Actor, refused: Refuses
) -> None:
    new = acme.with_key()
    sound = factory.key_body(new)
    stranger = factory.key_body(acme.with_key()).proof
    refused(errors.ProofRefused, factory.register, new, proof=stranger)
    refused(errors.ProofRefused, factory.register, new, proof=sound.proof + "A")
    refused(errors.ProofRefused, factory.register, new, proof="ø")


@pytest.mark.parametrize(
    "lie", [{"enterprise": SOMEONE}, {"thumbprint": "A" * 43}, {"log": {"origin": ORIGIN}}]
)
def test_a_proof_names_log_enterprise_and_thumbprint(
    factory: Factory, acme: Actor, refused: Refuses, lie: dict[str, Any]
) -> None:
    new = acme.with_key()
    kid = new.key.public.kid
    promise = {"log": factory.log_members(), "enterprise": acme.id, "thumbprint": kid}
    proof = jws.sign({**promise, **lie}, new.key, jws.KEY_PROOF_TYP).decode()
    refused(errors.ProofRefused, factory.register, new, proof=proof)


def test_what_a_key_may_do_can_be_asked(factory: Factory, acme: Actor) -> None:
    held = acme.with_key("ES256")
    factory.register(held, custody="operator", until=day("2026-06-30"))
    with reading(factory.engine) as connection:
        draft = Draft(connection, factory.log.genesis, Recent(10))
        standing = key_standing(draft, held.key.public.kid, factory.clock.now_ms)
    assert standing.public == held.key.public
    assert (standing.enterprise, standing.custody) == (acme.id, "operator")
    assert (standing.roles, standing.until) == (("supplier",), dt.date(2026, 6, 30))


# --- chains and ids ---


def test_what_is_stated_is_not_stated_again_without_naming_it(
    acme: Actor, refused: Refuses
) -> None:
    said = acme.say(_a_product())
    error = refused(errors.ChainExists, acme.say, said.statement.body)
    assert error.params["head"] == said.digest


def test_an_old_correction_comes_too_late(acme: Actor, refused: Refuses) -> None:
    first = acme.say(_a_product())
    second = acme.correct(first, name="Iron")
    error = refused(errors.StaleHead, acme.correct, first, name="Lead")
    assert error.params["head"] == second.digest


def test_a_withdrawal_comes_too_late_as_well(acme: Actor, refused: Refuses) -> None:
    first = acme.say(_a_product())
    acme.correct(first, name="Iron")
    refused(errors.StaleHead, acme.withdraw, first)


def test_nothing_follows_a_statement_that_the_log_does_not_hold(
    acme: Actor, refused: Refuses
) -> None:
    said = acme.say(_a_product())
    refused(errors.NothingToSupersede, acme.say, _a_product(), prev=DIGEST)
    refused(errors.NothingToSupersede, acme.correct, said, prev=DIGEST)
    refused(errors.NothingToSupersede, acme.say, Withdrawal(reason="Gone."), prev=DIGEST)


def test_a_correction_keeps_ids_and_period(acme: Actor, refused: Refuses) -> None:
    one, two = acme.say(_a_product()), acme.say(_a_product())
    refused(errors.NothingToSupersede, acme.correct, one, prev=two.digest)
    moved = _a_product()
    refused(errors.NothingToSupersede, acme.say, moved, prev=one.digest)


def test_only_the_owner_corrects_and_withdraws(acme: Actor, other: Actor, refused: Refuses) -> None:
    said = acme.say(_a_product())
    stolen = dataclasses.replace(said.statement.body, name="Mine")
    refused(errors.NotOwner, other.say, stolen, prev=said.digest)
    refused(errors.NotOwner, other.withdraw, said, subject=other.id)


def test_an_id_belongs_to_its_opener(acme: Actor, other: Actor, refused: Refuses) -> None:
    product = acme.product("Steel")
    refused(errors.IdTaken, other.say, _a_product(id=product))


def test_an_id_is_of_one_thing_only(factory: Factory, acme: Actor, refused: Refuses) -> None:
    product = acme.product("Steel")
    refused(errors.IdTaken, acme.site, id=product)
    refused(errors.IdTaken, acme.product, "Me", id=acme.id)
    refused(errors.IdTaken, acme.product, "Operator", id=factory.operator.id)


def test_the_operator_may_register_itself_as_an_enterprise(factory: Factory) -> None:
    operator = factory.operator
    operator.say(Enterprise(id=operator.id, name="Operator"))
    assert operator.id in factory.standing().enterprises


@pytest.mark.parametrize("kind", ["enterprise", "key", "genesis"])
def test_what_others_rest_on_is_not_withdrawn(
    factory: Factory, acme: Actor, refused: Refuses, kind: str
) -> None:
    entry = next(e for e in factory.log.entries() if e.leaf.type == kind)
    body = Withdrawal(reason="Gone.")
    subject = entry.statement.subject
    refused(
        errors.NotWithdrawable, factory.operator.say, body, prev=entry.leaf.signed, subject=subject
    )


def test_a_withdrawal_is_not_withdrawn(acme: Actor, refused: Refuses) -> None:
    gone = acme.withdraw(acme.say(_a_product()))
    refused(errors.AlreadyWithdrawn, acme.withdraw, gone)


def test_a_withdrawal_needs_the_role_of_what_it_ends(factory: Factory, refused: Refuses) -> None:
    parkers = factory.enterprise("Parkers", roles=("park",))
    park = parkers.park()
    entry = next(e for e in factory.log.entries() if e.leaf.type == "park")
    supplier = parkers.with_key()
    factory.register(supplier, roles=("supplier",))
    body = Withdrawal(reason="Closed.")
    refused(errors.RoleMissing, supplier.say, body, prev=entry.leaf.signed)
    parkers.say(body, prev=entry.leaf.signed)
    assert park not in factory.standing().parks


# --- references ---


def test_books_are_kept_of_registered_products_and_sites(acme: Actor, refused: Refuses) -> None:
    site, product = acme.site(), acme.product("Steel")
    refused(errors.UnknownReference, acme.recipe, SOMEONE, site)
    refused(errors.UnknownReference, acme.recipe, product, SOMEONE)
    refused(errors.UnknownReference, acme.production, SOMEONE, site, "1")
    refused(errors.UnknownReference, acme.inventory, SOMEONE)
    refused(errors.UnknownReference, acme.purchases, SOMEONE)
    refused(errors.UnknownReference, acme.footprint, SOMEONE, "1")
    refused(errors.UnknownReference, acme.footprint, product, "1", site=SOMEONE)


def test_books_are_kept_of_own_products_and_sites(
    acme: Actor, other: Actor, refused: Refuses
) -> None:
    site, product = acme.site(), acme.product("Steel")
    refused(errors.NotOwner, other.recipe, product, site)
    refused(errors.NotOwner, other.production, other.product("Iron"), site, "1")
    refused(errors.NotOwner, other.inventory, site)
    refused(errors.NotOwner, other.purchases, site)
    refused(errors.NotOwner, other.footprint, product, "1")


def test_a_withdrawn_product_is_not_registered(
    factory: Factory, acme: Actor, refused: Refuses
) -> None:
    body = _a_product()
    acme.withdraw(acme.say(body))
    refused(errors.UnknownReference, acme.footprint, body.id, "1")


def test_an_input_that_nobody_registered_is_a_gap_and_no_error(acme: Actor) -> None:
    site, product = acme.site(), acme.product("Steel")
    acme.recipe(product, site, inputs=[(SOMEONE, "1", "KGM")])
    acme.purchases(site, inputs=[("urn:gtin:4006381333931", "1", "KGM")])


def test_a_pact_id_is_used_once_in_the_whole_log(
    acme: Actor, other: Actor, refused: Refuses
) -> None:
    said = acme.footprint(acme.product("Steel"), "2")
    body = said.statement.body
    refused(errors.IdTaken, acme.correct, said, site=None)
    theirs = other.product("Iron")
    again = dataclasses.replace(body, product=theirs)
    error = refused(errors.IdTaken, other.say, again)
    assert error.where == "/pact/id"
    acme.correct(said, pact=acme.pact_body("3"))


def test_a_membership_needs_an_own_park_and_a_registered_site(
    acme: Actor, other: Actor, refused: Refuses
) -> None:
    park, site = acme.park(), other.site()
    refused(errors.UnknownReference, acme.membership, SOMEONE, site)
    refused(errors.UnknownReference, acme.membership, park, SOMEONE)
    refused(errors.NotOwner, other.membership, park, site)
    acme.membership(park, site)


def test_a_site_is_a_member_of_a_park_once_at_a_time(
    acme: Actor, other: Actor, refused: Refuses
) -> None:
    site, park = other.site(), acme.park()
    first = acme.membership(park, site, start="2025-01-01", end="2025-07-01")
    error = refused(
        errors.OverlappingPeriods, acme.membership, park, site, start="2025-06-30", serial=2
    )
    assert error.params["digest"] == first.digest
    acme.membership(park, site, start="2025-07-01", serial=2)


def test_no_park_keeps_a_site_from_another_by_claiming_it(acme: Actor, other: Actor) -> None:
    site, park, rival = other.site(), acme.park("A"), acme.park("B")
    acme.membership(rival, site, start="1900-01-01")
    acme.membership(park, site, consent_by=other)


def test_a_membership_may_be_ended_and_another_begun(acme: Actor, other: Actor) -> None:
    site, park, rival = other.site(), acme.park("A"), other.park("B")
    first = acme.membership(park, site)
    acme.correct(first, end=dt.date(2025, 7, 1))
    other.membership(rival, site, start="2025-07-01")


@pytest.mark.parametrize(
    "lie",
    [
        {"park": SOMEONE},
        {"site": SOMEONE},
        {"from": "2025-02-01"},
        {"to": "2025-12-31"},
        {"log": {"origin": ORIGIN}},
        {"smallAggregates": "yes"},
    ],
)
def test_a_consent_is_for_this_log_park_site_and_dates(
    acme: Actor, other: Actor, refused: Refuses, lie: dict[str, Any]
) -> None:
    park, site = acme.park(), other.site()
    consent = other.consent(park, site, changes=lie)
    refused(errors.ConsentRefused, acme.membership, park, site, consent=consent)


def test_a_consent_is_signed_by_a_sound_key_of_the_owner(
    factory: Factory, acme: Actor, other: Actor, refused: Refuses
) -> None:
    park, site = acme.park(), other.site()
    for signer in (acme, other.with_key()):
        refused(errors.ConsentRefused, acme.membership, park, site, consent_by=signer)
    parker = other.with_key()
    factory.register(parker, roles=("park",))
    refused(errors.ConsentRefused, acme.membership, park, site, consent_by=parker)
    forged = other.consent(park, site)[:-4] + "AAAA"
    refused(errors.ConsentRefused, acme.membership, park, site, consent=forged)
    acme.membership(park, site, consent_by=other)


def test_a_delegation_is_between_registered_enterprises(acme: Actor, refused: Refuses) -> None:
    body = Delegation(delegate=SOMEONE, serial=1, until=dt.date(2027, 1, 1))
    refused(errors.UnknownReference, acme.say, body)


@pytest.mark.parametrize(
    ("kind", "of"),
    [
        ("footprint", "product"),
        ("recipe", "product"),
        ("contributions", "product"),
        ("production", "product"),
        ("production", "site"),
        ("inventory", "site"),
        ("purchases", "site"),
        ("figure", "park"),
        ("figure", "product"),
        ("figure", "enterprise"),
    ],
)
def test_an_owner_discloses_its_own_to_a_registered_enterprise(
    acme: Actor, other: Actor, refused: Refuses, kind: str, of: str
) -> None:
    mine = {"product": acme.product("Steel"), "site": acme.site(), "park": acme.park()}
    object_id = {**mine, "enterprise": acme.id}[of]
    stranger = dataclasses.replace(other, id=SOMEONE)
    refused(errors.NotOwner, other.disclose, kind, object_id, to=acme)
    refused(errors.UnknownReference, acme.disclose, kind, SOMEONE, to=other)
    refused(errors.UnknownReference, acme.disclose, kind, object_id, to=stranger)
    acme.disclose(kind, object_id, to=other)


def test_a_disclosure_names_the_kind_of_thing_it_opens(
    acme: Actor, other: Actor, refused: Refuses
) -> None:
    refused(errors.UnknownReference, acme.disclose, "inventory", acme.product("Steel"), to=other)


# --- periods and parts ---


@pytest.mark.parametrize(
    "period",
    [("2025-01-01", "2025-04-01"), ("2025-12-31", "2026-01-01"), ("2025-03-01", "2025-11-01")],
)
def test_a_year_and_a_piece_of_it_are_not_both_stated(
    acme: Actor, refused: Refuses, period: tuple[str, str]
) -> None:
    site = acme.site()
    whole = acme.inventory(site)
    error = refused(errors.OverlappingPeriods, acme.inventory, site, period=period)
    assert error.params["digest"] == whole.digest


def test_long_lists_stated_before_are_not_read_again(
    factory: Factory, acme: Actor, refused: Refuses, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = acme.site()
    acme.inventory(site)
    envelope = acme.sign(_a_product())
    with monkeypatch.context() as patch:
        patch.setattr(Draft, "stated", _only_of_keys(Draft.stated))
        refused(
            errors.OverlappingPeriods, acme.inventory, site, period=("2025-01-01", "2025-02-01")
        )
        acme.inventory(site, year=2024)
        factory.append(envelope)


def _only_of_keys(stated: Callable[[Draft, Head], Any]) -> Callable[[Draft, Head], Any]:
    def checked(draft: Draft, head: Head) -> Any:
        assert head.key.type == "key"
        return stated(draft, head)

    return checked


def test_quarters_stand_side_by_side(acme: Actor) -> None:
    site = acme.site()
    days = ("2025-01-01", "2025-04-01", "2025-07-01", "2025-10-01", "2026-01-01")
    for start, end in pairwise(days):
        acme.inventory(site, period=(start, end))


def test_periods_of_different_sites_and_types_do_not_meet(acme: Actor) -> None:
    here, there = acme.site(), acme.site()
    quarter = ("2025-01-01", "2025-04-01")
    acme.inventory(here)
    acme.purchases(here, period=quarter)
    acme.inventory(there, period=quarter)


def test_a_withdrawn_year_makes_room_for_quarters_and_does_not_come_back(
    acme: Actor, refused: Refuses
) -> None:
    site = acme.site()
    whole = acme.inventory(site)
    gone = acme.withdraw(whole)
    acme.inventory(site, period=("2025-01-01", "2025-04-01"))
    refused(errors.OverlappingPeriods, acme.say, whole.statement.body, prev=gone.digest)


def test_parts_of_one_period_agree_on_how_many_they_are(acme: Actor, refused: Refuses) -> None:
    site = acme.site()
    acme.purchases(site, part=(1, 3))
    acme.purchases(site, part=(3, 3))
    error = refused(errors.PartsDisagree, acme.purchases, site, part=(2, 4))
    assert (error.params["n"], error.params["other"]) == (4, 3)


# --- genesis ---


def test_a_second_genesis_is_refused(factory: Factory, refused: Refuses) -> None:
    body = factory.log.genesis.body
    refused(errors.GenesisRefused, factory.operator.say, body)
    refused(errors.GenesisRefused, factory.operator.say, body, log=LogId(origin=ORIGIN))


def test_sites_have_coordinates_and_an_owner(factory: Factory, acme: Actor) -> None:
    site = acme.site("Works", at=("120.25", "31.75"))
    said = factory.standing().sites[site]
    body = said.statement.body
    assert isinstance(body, Site)
    assert (said.owner, str(body.longitude)) == (acme.id, "120.25")
