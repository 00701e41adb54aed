"""A published figure checked from its bundle alone: valid, invalid, in doubt, or undecided."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest

from ledger import note, verify
from ledger.bundle import Bundle, LeafHash
from ledger.checkpoint import Checkpoint
from ledger.keys import PrivateKey
from ledger.leaf import Leaf
from ledger.log import Accepted, Log
from ledger.merkle import leaf_hash
from ledger.note import SignerKey, text_of
from ledger.statements import Attestation, Product, Revocation
from ledger.verify import Verdict
from tests.audited import (
    bundled,
    check,
    failed,
    figure_of,
    forced,
    overall,
    packed,
    publish,
    resigned,
    trust_of,
    verified,
    with_envelope,
    with_leaf,
)
from tests.chain import Chain, build_chain
from tests.factory import ORIGIN, Actor, Factory, day

pytestmark = pytest.mark.only_on("sqlite", "it is about bundles, which come from no database")

NAMES = [*verify.NAMES, "figure"]


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


def test_the_last_entries_before_a_figure_need_not_be_there(factory: Factory, chain: Chain) -> None:
    opened = chain.manager.disclose("figure", chain.park)
    figure = publish(chain.manager, "park", chain.park)
    content = bundled(factory.log, figure.index, without=[opened.index])
    assert overall(verified(content, trust_of(factory.log))) is Verdict.VALID


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


# --- What was altered ---


@pytest.mark.only_on("sqlite", "is about bytes of a bundle, which come from no database")
def test_no_byte_of_a_bundle_can_be_another(factory: Factory, small: Bundle) -> None:
    """Of the file as it is, every byte; whoever mends the container is caught below."""
    data, trust = packed(small), trust_of(factory.log)
    assert overall(verified(data, trust)) is Verdict.VALID
    for at in range(len(data)):
        for flip in (0x01, 0x80):
            changed = data[:at] + bytes([data[at] ^ flip]) + data[at + 1 :]
            assert failed(verified(changed, trust)) == "sizes"


@pytest.fixture
def small(factory: Factory) -> Bundle:
    """A figure of an enterprise with a single site: as little as a bundle can hold."""
    acme = factory.enterprise("Acme")
    acme.inventory(acme.site(), [("CO2", "fossil", "5")])
    return bundled(factory.log, publish(acme, "enterprise", acme.id).index)


@pytest.mark.only_on("sqlite", "is about bytes of a bundle, which come from no database")
def test_every_byte_of_what_a_bundle_holds_counts_though_its_container_is_mended(
    factory: Factory, small: Bundle
) -> None:
    trust = trust_of(factory.log)
    assert overall(verified(small, trust)) is Verdict.VALID
    for at in range(len(small.checkpoint)):
        note = _flipped(small.checkpoint, at)
        assert failed(verified(dataclasses.replace(small, checkpoint=note), trust)) == "checkpoint"
    for index, leaf in enumerate(small.leaves):
        assert isinstance(leaf, bytes)
        for at in range(0, len(leaf), 3):
            assert failed(verified(with_leaf(small, index, _flipped(leaf, at)), trust)) == "root"
    for index, envelope in small.envelopes.items():
        for at in range(0, len(envelope), 5):
            changed = with_envelope(small, index, _flipped(envelope, at))
            assert failed(verified(changed, trust)) in ("trust", "keys", "envelopes", "heads")


def _flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def test_an_entry_that_is_left_out_shows_in_the_root(factory: Factory, content: Bundle) -> None:
    leaves = [*content.leaves[:5], *content.leaves[6:]]
    shorter = dataclasses.replace(
        content,
        figure=content.figure - 1,
        leaves=leaves,
        envelopes={i - (i > 5): each for i, each in content.envelopes.items() if i != 5},
    )
    assert failed(verified(shorter, trust_of(factory.log))) == "checkpoint"


def test_entries_in_another_order_show_in_the_root(factory: Factory, content: Bundle) -> None:
    leaves = [*content.leaves]
    leaves[3], leaves[4] = leaves[4], leaves[3]
    found = verified(dataclasses.replace(content, leaves=leaves), trust_of(factory.log))
    assert failed(found) == "root"


def test_the_envelope_of_another_entry_is_not_its_own(factory: Factory, content: Bundle) -> None:
    changed = with_envelope(content, content.figure - 1, content.envelopes[content.figure - 2])
    found = verified(changed, trust_of(factory.log))
    assert failed(found) == "envelopes"
    assert f"Entry {content.figure - 1} " in str(check(found, "envelopes").refused)


# --- What is hidden ---


def test_an_input_without_its_envelope_is_withheld_and_named(
    factory: Factory, chain: Chain, figure: Accepted
) -> None:
    hidden = chain.recipes["P1"].index
    found = verified(bundled(factory.log, figure.index, without=[hidden]), trust_of(factory.log))
    assert check(found, "heads").entries == (hidden,)
    assert overall(found) is Verdict.DOUBTED
    assert not found.numbers


def test_a_newer_correction_cannot_be_hidden_behind_the_old_statement(
    factory: Factory, chain: Chain
) -> None:
    """The operator publishes a figure of the old recipe, though a newer one stands."""
    old = chain.recipes["P1"]
    stale = figure_of(factory.log, "park", chain.park)
    new = chain.firms["P1"].correct(old, inputs=())
    current = figure_of(factory.log, "park", chain.park)
    lie = dataclasses.replace(
        current, inputs=stale.inputs, results=stale.results, as_of=stale.as_of
    )
    published = chain.manager.say(lie)
    whole = bundled(factory.log, published.index)
    assert failed(verified(whole, trust_of(factory.log))) == "inputs"
    without = bundled(factory.log, published.index, without=[new.index])
    assert failed(verified(without, trust_of(factory.log))) == "inputs"
    assert check(verified(without, trust_of(factory.log)), "heads").entries == (new.index,)


def test_a_leaf_record_that_is_withheld_is_named_and_leaves_doubt(
    factory: Factory, content: Bundle
) -> None:
    index = content.figure - 1
    leaf = content.leaves[index]
    assert isinstance(leaf, bytes)
    hidden = with_leaf(content, index, LeafHash(leaf_hash(leaf)))
    without = {i: each for i, each in hidden.envelopes.items() if i != index}
    found = verified(dataclasses.replace(hidden, envelopes=without), trust_of(factory.log))
    assert check(found, "times").entries == (index,)
    assert check(found, "heads").entries == (index,)
    assert overall(found) is Verdict.DOUBTED


def test_a_reader_who_may_see_nothing_still_learns_that_the_tree_is_whole(
    factory: Factory, content: Bundle
) -> None:
    shown = {0, content.figure}
    leaves = [
        leaf if i in shown or isinstance(leaf, LeafHash) else LeafHash(leaf_hash(leaf))
        for i, leaf in enumerate(content.leaves)
    ]
    envelopes = {i: each for i, each in content.envelopes.items() if i in shown}
    public = dataclasses.replace(content, leaves=leaves, envelopes=envelopes)
    found = verified(public, trust_of(factory.log))
    assert check(found, "root").verdict is Verdict.VALID
    assert overall(found) is Verdict.DOUBTED


def test_the_figure_itself_withheld_decides_nothing(factory: Factory, figure: Accepted) -> None:
    content = bundled(factory.log, figure.index, without=[figure.index])
    found = verified(content, trust_of(factory.log))
    assert overall(found) is Verdict.UNDECIDED
    assert check(found, "heads").refused.code == "figure-missing"  # type: ignore[union-attr]  # set


@pytest.mark.parametrize("kind", ["enterprise", "key"])
def test_keys_and_rights_that_are_withheld_leave_doubt(
    factory: Factory, content: Bundle, kind: str
) -> None:
    marked = f'"type":"{kind}"'.encode()
    index = next(i for i, each in enumerate(content.leaves) if marked in bytes(each))  # type: ignore[arg-type]  # all are records
    envelopes = {i: each for i, each in content.envelopes.items() if i != index}
    found = verified(dataclasses.replace(content, envelopes=envelopes), trust_of(factory.log))
    assert index in check(found, "keys").entries
    assert overall(found) is Verdict.DOUBTED


def test_what_was_erased_since_is_withheld(
    factory: Factory, chain: Chain, figure: Accepted
) -> None:
    chain.firms["P1"].erase(chain.recipes["P1"])
    found = verified(bundled(factory.log, figure.index), trust_of(factory.log))
    assert check(found, "heads").entries == (chain.recipes["P1"].index,)
    assert overall(found) is Verdict.DOUBTED


def test_what_was_erased_before_the_figure_is_no_input_of_it(
    factory: Factory, chain: Chain
) -> None:
    chain.firms["P1"].erase(chain.recipes["P1"])
    figure = publish(chain.manager, "park", chain.park)
    found = verified(bundled(factory.log, figure.index), trust_of(factory.log))
    assert overall(found) is Verdict.VALID


# --- What is not so ---


def test_a_figure_that_its_inputs_do_not_give_is_invalid(factory: Factory, chain: Chain) -> None:
    """The log takes it from the park's own key: nobody but an auditor computes it again."""
    said = figure_of(factory.log, "park", chain.park)
    half = [
        dataclasses.replace(each, value=each.value / 2, at_least=each.at_least / 2)
        if each.name == "t0" and each.value is not None
        else each
        for each in said.results
    ]
    lie = chain.manager.say(dataclasses.replace(said, results=tuple(half)))
    found = verified(bundled(factory.log, lie.index), trust_of(factory.log))
    assert failed(found) == "figure"
    assert "292.875" in str(check(found, "figure").refused)
    assert [each.name for each in found.numbers if not each.agrees] == ["t0"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"engine": "0"}, "engine-differs"),
        ({"factor_sets": ()}, "factors-differ"),
    ],
)
def test_another_engine_decides_nothing(
    factory: Factory, chain: Chain, change: dict[str, object], code: str
) -> None:
    said = figure_of(factory.log, "park", chain.park)
    other = chain.manager.say(dataclasses.replace(said, **change))  # type: ignore[arg-type]  # members
    found = verified(bundled(factory.log, other.index), trust_of(factory.log))
    assert overall(found) is Verdict.UNDECIDED
    assert check(found, "figure").refused.code == code  # type: ignore[union-attr]  # it is there


def build_attested(factory: Factory) -> tuple[Chain, int]:
    """A chain whose books somebody attests, and the entries that the first two engines read of it:
    5 enterprises and the verifier, 4 sites, 4 products, 2 memberships, 4 productions, 4 recipes,
    2 inventories, 2 purchases. Neither the accreditation nor the attestation is among them."""
    chain = build_chain(factory, tenants_books=True)
    verifier = factory.enterprise("Verifier", roles=("verifier",))
    factory.operator.accredit(verifier)
    stands = next(iter(factory.standing().statements("inventory")))
    verifier.attest(stands)
    return chain, 6 + 4 + 4 + 2 + 4 + 4 + 2 + 2


@pytest.mark.parametrize("engine", ["1", "2"])
def test_a_figure_of_an_earlier_engine_rests_on_what_that_engine_read(
    factory: Factory, engine: str
) -> None:
    chain, count = build_attested(factory)
    older = chain.manager.say(figure_of(factory.log, "park", chain.park, engine=engine))
    found = verified(bundled(factory.log, older.index), trust_of(factory.log))
    assert check(found, "inputs").params == {"count": count}
    assert overall(found) is Verdict.VALID


def test_a_figure_of_this_engine_rests_on_attestations_too(factory: Factory) -> None:
    chain, count = build_attested(factory)
    figure = publish(chain.manager, "park", chain.park)
    found = verified(bundled(factory.log, figure.index), trust_of(factory.log))
    assert check(found, "inputs").params == {"count": count + 2}
    assert overall(found) is Verdict.VALID


def test_inputs_that_an_earlier_engine_never_read_are_not_believed(factory: Factory) -> None:
    chain, _ = build_attested(factory)
    said = dataclasses.replace(figure_of(factory.log, "park", chain.park), engine="2")
    older = chain.manager.say(said)
    assert failed(verified(bundled(factory.log, older.index), trust_of(factory.log))) == "inputs"


def test_a_figure_of_the_first_engine_that_comes_out_otherwise_decides_nothing(
    factory: Factory, chain: Chain
) -> None:
    said = figure_of(factory.log, "park", chain.park)
    halved = tuple(
        dataclasses.replace(each, at_least=each.at_least / 2, value=None) for each in said.results
    )
    older = chain.manager.say(dataclasses.replace(said, engine="1", results=halved))
    found = verified(bundled(factory.log, older.index), trust_of(factory.log))
    assert overall(found) is Verdict.UNDECIDED
    assert check(found, "figure").refused.code == "engine-differs"  # type: ignore[union-attr]  # set


def test_a_figure_that_was_withdrawn_is_doubted(
    factory: Factory, chain: Chain, figure: Accepted
) -> None:
    ended = chain.manager.withdraw(figure)
    found = verified(bundled(factory.log, figure.index), trust_of(factory.log))
    assert check(found, "figure").entries == (ended.index,)
    assert overall(found) is Verdict.DOUBTED


def test_a_bundle_about_something_else_is_invalid(factory: Factory, content: Bundle) -> None:
    other = dataclasses.replace(content, figure=content.figure - 1)
    assert failed(verified(other, trust_of(factory.log))) == "heads"


# --- Whom to believe ---


def test_the_trust_file_of_another_log_names_both(factory: Factory, content: Bundle) -> None:
    trust = dataclasses.replace(trust_of(factory.log), genesis="ab" * 32)
    found = verified(content, trust)
    assert failed(found) == "trust"
    assert "ab" * 32 in str(check(found, "trust").refused)


def test_another_checkpoint_key_is_not_believed(factory: Factory, content: Bundle) -> None:
    other = SignerKey(ORIGIN, PrivateKey.generate("EdDSA"))
    trust = dataclasses.replace(trust_of(factory.log), vkey=str(other.verifier))
    assert failed(verified(content, trust)) == "checkpoint"


def test_without_trust_nothing_is_decided(content: Bundle) -> None:
    found = verified(content, None)
    assert overall(found) is Verdict.UNDECIDED
    assert [each.verdict for each in found.checks[1:]] == [Verdict.UNDECIDED] * 10


def test_witnesses_that_the_trust_file_asks_for_must_have_cosigned(
    factory: Factory, content: Bundle
) -> None:
    witness = SignerKey("witness.example", PrivateKey.generate("EdDSA"), note.Kind.COSIGNATURE)
    trust = dataclasses.replace(trust_of(factory.log), witnesses=(str(witness.verifier),), quorum=1)
    found = verified(content, trust)
    assert check(found, "cosignatures").verdict is Verdict.UNDECIDED
    assert check(found, "figure").verdict is Verdict.VALID
    assert overall(found) is Verdict.UNDECIDED
    line = note.cosign(text_of(content.checkpoint), witness, 1_768_435_200).line
    cosigned = dataclasses.replace(content, checkpoint=content.checkpoint + line)
    assert overall(verified(cosigned, trust)) is Verdict.VALID
    forged = dataclasses.replace(content, checkpoint=content.checkpoint + line[:-9] + b"AAAAAAA=\n")
    assert failed(verified(forged, trust)) == "checkpoint"


# --- A stolen key (threat 8) ---


def test_what_a_thief_may_have_signed_is_suspect_until_it_is_said_again(
    factory: Factory, chain: Chain
) -> None:
    firm, trust = chain.firms["P1"], trust_of(factory.log)
    factory.clock.advance(days=1)
    stolen = factory.clock.now_ms
    factory.clock.advance(days=1)
    by_thief = firm.correct(chain.recipes["P1"], inputs=())
    believed = publish(chain.manager, "park", chain.park)
    assert overall(verified(bundled(factory.log, believed.index), trust)) is Verdict.VALID

    factory.clock.advance(days=1)
    factory.operator.say(_revocation(firm, stolen), subject=firm.id)
    found = verified(bundled(factory.log, believed.index), trust)
    assert check(found, "inputs").entries == (by_thief.index,)
    assert overall(found) is Verdict.DOUBTED

    fresh = firm.with_key()
    factory.register(fresh)
    again = publish(chain.manager, "park", chain.park)
    found = verified(bundled(factory.log, again.index), trust)
    assert overall(found) is Verdict.VALID, "the chain rests on what was said before the theft"

    fresh.correct(by_thief)
    attested = publish(chain.manager, "park", chain.park)
    assert overall(verified(bundled(factory.log, attested.index), trust)) is Verdict.VALID


def test_a_figure_signed_with_a_stolen_key_is_suspect_itself(
    factory: Factory, chain: Chain
) -> None:
    factory.clock.advance(days=1)
    stolen = factory.clock.now_ms
    figure = publish(chain.manager, "park", chain.park)
    factory.clock.advance(days=1)
    factory.operator.say(_revocation(chain.manager, stolen), subject=chain.manager.id)
    found = verified(bundled(factory.log, figure.index), trust_of(factory.log))
    assert check(found, "inputs").entries == (figure.index,)
    assert overall(found) is Verdict.DOUBTED


def _revocation(actor: Actor, since: int) -> Revocation:
    return Revocation(
        kid=actor.key.public.kid, reason="compromised", compromised_since=since // 1000
    )


# --- The log's own key (threat 22) ---


def test_a_checkpoint_key_replaced_by_recovery_is_reached_from_the_genesis(
    factory: Factory, chain: Chain, figure: Accepted
) -> None:
    before = trust_of(factory.log)
    old, log = _recovered(factory)
    content = bundled(log, figure.index)
    assert overall(verified(content, before)) is Verdict.VALID
    assert overall(verified(content, trust_of(log))) is Verdict.VALID
    checkpoint = Checkpoint.parse(text_of(content.checkpoint))
    forged = dataclasses.replace(content, checkpoint=note.sign(checkpoint.text, old))
    assert failed(verified(forged, before)) == "checkpoint"
    assert failed(verified(forged, trust_of(log))) == "checkpoint"


def test_who_trusts_the_new_key_believes_nothing_that_the_old_one_signs_alone(
    factory: Factory, content: Bundle
) -> None:
    _, log = _recovered(factory)
    assert failed(verified(content, trust_of(log))) == "checkpoint"


def _recovered(factory: Factory) -> tuple[SignerKey, Log]:
    """The signer that was replaced, and the log under the new one."""
    new = SignerKey(ORIGIN, PrivateKey.generate("EdDSA"))
    registrar = factory.operator.with_key()
    recovery = factory.recovery(registrar, new)
    return factory.signer, Log.recover(factory.engine, recovery, new, factory.clock)


# --- A verifier (threat 11) ---


def test_an_opinion_beyond_the_accreditation_is_no_opinion(factory: Factory, chain: Chain) -> None:
    """The operator puts it into the log nevertheless: whoever replays the log refuses it."""
    verifier = factory.enterprise("Verifier", roles=("verifier",))
    factory.operator.accredit(verifier, scope=("recipe",), until=day("2026-01-20"))
    verifier.attest(chain.recipes["P1"])
    figure = publish(chain.manager, "park", chain.park)
    content = bundled(factory.log, figure.index)
    assert overall(verified(content, trust_of(factory.log))) is Verdict.VALID
    factory.clock.advance(days=30)
    late = _opinion(verifier, chain.recipes["P2"])
    assert failed(verified(forced(factory, content, late), trust_of(factory.log))) == "envelopes"


def test_nobody_verifies_what_is_his_own(factory: Factory, chain: Chain, content: Bundle) -> None:
    own = _opinion(chain.firms["P1"], chain.recipes["P1"])
    assert failed(verified(forced(factory, content, own), trust_of(factory.log))) == "envelopes"


def _opinion(verifier: Actor, said: Accepted) -> bytes:
    return verifier.sign(
        Attestation(
            digest=said.digest,
            standard="ISO 14064-3",
            level="limited",
            scope="All of it.",
            until=day("2027-12-31"),
        )
    )


# --- What the operator writes past its own rules (threat 3) ---


def test_an_entry_by_a_key_that_nobody_registered_is_found(
    factory: Factory, chain: Chain, content: Bundle
) -> None:
    rogue = chain.firms["P1"].with_key().sign(Product(id=factory.uuid(), name="X", unit="KGM"))
    found = verified(forced(factory, content, rogue), trust_of(factory.log))
    assert failed(found) == "envelopes"
    assert f"Entry {content.size} " in str(check(found, "envelopes").refused)


def test_a_key_registered_by_others_than_the_registrar_is_found(
    factory: Factory, chain: Chain, content: Bundle
) -> None:
    firm = chain.firms["P1"]
    rogue = chain.manager.sign(factory.key_body(firm.with_key()), subject=firm.id)
    assert failed(verified(forced(factory, content, rogue), trust_of(factory.log))) == "keys"


def test_a_correction_of_what_belongs_to_another_is_found(
    factory: Factory, chain: Chain, content: Bundle
) -> None:
    mine = chain.recipes["P1"]
    rogue = chain.firms["P2"].sign(mine.statement.body, prev=mine.digest)
    forged = forced(factory, content, rogue, chain=mine.opening)
    assert failed(verified(forged, trust_of(factory.log))) == "envelopes"


def test_a_clock_set_back_is_found(factory: Factory, chain: Chain, content: Bundle) -> None:
    envelope = chain.firms["P1"].sign(Product(id=factory.uuid(), name="X", unit="KGM"))
    forged = forced(factory, content, envelope, time=factory.clock.now_ms - 1)
    assert failed(verified(forged, trust_of(factory.log))) == "times"


def test_an_entry_in_no_chain_is_found(factory: Factory, chain: Chain, content: Bundle) -> None:
    envelope = chain.firms["P1"].sign(Product(id=factory.uuid(), name="X", unit="KGM"))
    forged = forced(factory, content, envelope, chain="ab" * 32)
    assert failed(verified(forged, trust_of(factory.log))) == "keys"


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("chain", "ab" * 32),
        ("envelope", "ab" * 32),
        ("kid", "A" * 43),
        ("signed", "ab" * 32),
        ("time", 0),
        ("type", "erasure"),
        ("type", "unheard-of"),
    ],
)
def test_the_logs_own_key_cannot_sign_another_leaf_into_the_past(
    factory: Factory, small: Bundle, member: str, value: object
) -> None:
    for index, record in enumerate(small.leaves):
        assert isinstance(record, bytes)
        leaf = dataclasses.replace(Leaf.parse(record), **{member: value})  # type: ignore[arg-type]  # one of its members
        changed = resigned(factory, with_leaf(small, index, leaf.encode()))
        for shown in (changed, _without(changed, index)):
            found = verified(shown, trust_of(factory.log))
            assert overall(found) is not Verdict.VALID
        assert failed(verified(changed, trust_of(factory.log)))


def _without(content: Bundle, index: int) -> Bundle:
    envelopes = {i: each for i, each in content.envelopes.items() if i != index}
    return dataclasses.replace(content, envelopes=envelopes)
