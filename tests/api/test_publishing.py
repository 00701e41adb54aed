"""Publishing to witnesses over HTTP: honest, absent, slow and lying ones."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask, Response
from flask.testing import FlaskClient

from api.errors import WitnessesRefused
from api.services import Services
from api.serving import publishing, witnessing
from api.serving.publishing import Address, Publisher, Witnesses, start
from api.settings import Settings
from ledger import note as notes
from ledger.errors import NotPublished, QuorumMissing
from ledger.keys import PrivateKey
from ledger.note import Kind, SignerKey, VerifierKey
from ledger.receipt import Receipt
from ledger.trust import Trust, check_quorum, open_checkpoint
from tests.api.conftest import AsRole
from tests.factory import Factory
from tests.patience import HANG_SECONDS, hanging_fails, until
from tests.serving import served

Serve = Callable[[Flask], str]
NewWitness = Callable[..., Address]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves applications on ports of their own until the end."""
    with ExitStack() as opened:
        yield lambda app: opened.enter_context(served(app))


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who answers has all the time it needs; who does not is given up by the round alone."""
    monkeypatch.setattr(publishing, "_TIMEOUT", HANG_SECONDS)
    monkeypatch.setattr(publishing, "_LEASE_MS", HANG_SECONDS * 1000)
    monkeypatch.setattr(Publisher.publish_once, "__defaults__", (HANG_SECONDS,))


@pytest.fixture
def trust(factory: Factory) -> Trust:
    return Trust(factory.log.origin, factory.log.genesis.digest, str(factory.log.verifier))


@pytest.fixture
def new_witness(tmp_path: Path, trust: Trust, serve: Serve) -> NewWitness:
    def make(name: str) -> Address:
        key = witnessing.init(tmp_path / name, name)
        witness = witnessing.open_witness(tmp_path / name, [trust])
        return Address(serve(witnessing.create_app(witness)), key)

    return make


def answering(serve: Serve, answer: Callable[[], Response]) -> str:
    """The address of a witness that gives the same answer to everything."""
    app = Flask("liar")
    app.add_url_rule("/add-checkpoint", view_func=answer, methods=["POST"])
    return serve(app)


def new_key(name: str) -> SignerKey:
    return SignerKey(name, PrivateKey.generate("EdDSA"), Kind.COSIGNATURE)


def publisher(factory: Factory, *witnesses: Address, quorum: int = 0) -> Publisher:
    return Publisher(factory.log, factory.engine, Witnesses(witnesses, quorum))


def asking(trust: Trust, quorum: int, *keys: VerifierKey) -> Trust:
    return Trust(trust.origin, trust.genesis, trust.vkey, tuple(map(str, keys)), quorum)


def cosigned_by(note: bytes | None, trust: Trust, *keys: VerifierKey) -> list[str]:
    assert note is not None
    signed = open_checkpoint(note, asking(trust, 1, *keys))
    return [each.witness.name for each in signed.cosignatures]


def test_without_witnesses_the_notes_of_the_log_are_published(factory: Factory) -> None:
    with pytest.raises(NotPublished):
        factory.log.published()
    assert publisher(factory).publish_once() == factory.log.checkpoint()
    assert factory.log.published() == factory.log.checkpoint()


def test_a_log_that_grows_is_cosigned_by_every_witness(
    factory: Factory, trust: Trust, new_witness: NewWitness
) -> None:
    one, two = new_witness("one.example"), new_witness("two.example")
    asking_both = publisher(factory, one, two, quorum=2)
    for name in ("Acme", "Bolt", "Cog"):
        factory.enterprise(name)
        note = asking_both.publish_once()
        assert sorted(cosigned_by(note, trust, one.key, two.key)) == ["one.example", "two.example"]
        assert factory.log.published() == note
        checked = asking(trust, 2, one.key, two.key)
        signed = open_checkpoint(factory.log.published(), checked)
        check_quorum(signed, checked)
        assert signed.checkpoint.size == factory.log.size()


def test_a_publisher_that_starts_anew_learns_what_the_witness_has_seen(
    factory: Factory, trust: Trust, new_witness: NewWitness
) -> None:
    one = new_witness("one.example")
    publisher(factory, one).publish_once()
    factory.enterprise("Acme")
    assert cosigned_by(publisher(factory, one).publish_once(), trust, one.key) == ["one.example"]


def test_a_witness_that_was_away_is_asked_again_though_the_log_stands_still(
    factory: Factory, trust: Trust, new_witness: NewWitness
) -> None:
    one, two = new_witness("one.example"), new_witness("two.example")
    away = Address("http://127.0.0.1:9", two.key)
    first = publisher(factory, one, away, quorum=2).publish_once()
    assert cosigned_by(first, trust, one.key, two.key) == ["one.example"]
    needed = asking(trust, 2, one.key, two.key)
    with pytest.raises(QuorumMissing, match=r"two\.example"):
        check_quorum(open_checkpoint(factory.log.published(), needed), needed)
    publisher(factory, one, two).publish_once()
    check_quorum(open_checkpoint(factory.log.published(), needed), needed)


def test_nothing_is_written_or_asked_where_all_have_cosigned(
    factory: Factory, new_witness: NewWitness
) -> None:
    one = new_witness("one.example")
    asking_it = publisher(factory, one)
    assert asking_it.publish_once() == asking_it.publish_once()


def test_a_slow_witness_costs_its_own_cosignature_only(
    factory: Factory, trust: Trust, new_witness: NewWitness, serve: Serve
) -> None:
    one, slow, ended = new_witness("one.example"), new_key("slow.example"), threading.Event()

    def wait() -> Response:
        ended.wait(HANG_SECONDS)
        return Response(b"")

    address = Address(answering(serve, wait), slow.verifier)
    asking_both, rounds = publisher(factory, address, one, quorum=1), iter([0.5])

    def cosigned() -> bool:
        # After the first round nobody waits for the slow one, which is still being asked.
        note = asking_both.publish_once(next(rounds, HANG_SECONDS))
        return cosigned_by(note, trust, one.key, slow.verifier) == ["one.example"]

    with ExitStack() as over, hanging_fails():
        over.callback(ended.set)
        until(cosigned)
        factory.enterprise("Acme")  # the log goes on meanwhile, and so does publishing
        until(cosigned)


def lies(factory: Factory, liar: SignerKey, stranger: SignerKey) -> dict[str, Response]:
    text = notes.text_of(factory.log.checkpoint())
    good = notes.cosign(text, liar, 1).line
    size = witnessing.SIZE_TYPE
    return {
        "of another text": Response(notes.cosign("other\n", liar, 1).line),
        "by another key": Response(notes.cosign(text, stranger, 1).line),
        "flipped": Response(good[:-10] + b"AAAA" + good[-6:]),
        "twice": Response(good + good),
        "nothing": Response(b""),
        "with another text before it": Response(b"more\n\n" + good),
        "not utf-8": Response(b"\xff" * 100),
        "endless": Response(b"A" * 10_000_000),
        "an error": Response(good, 500),
        "elsewhere": Response(b"", 302, {"Location": "http://127.0.0.1:9/"}),
        "a conflict for ever": Response(b"1\n", 409, content_type=size),
        "a size beyond the log": Response(b"999999\n", 409, content_type=size),
        "a size that is none": Response(b"1e3\n", 409, content_type=size),
        "a conflict without a size": Response(b"1\n", 409),
    }


def test_no_lie_of_a_witness_gets_into_what_is_published(
    factory: Factory, trust: Trust, serve: Serve
) -> None:
    liar, stranger = new_key("liar.example"), new_key("stranger.example")
    for name, response in lies(factory, liar, stranger).items():
        address = Address(answering(serve, lambda response=response: response), liar.verifier)
        publisher(factory, address, quorum=1).publish_once()
        assert factory.log.published() == factory.log.checkpoint(), name


def test_what_was_cosigned_stays_when_a_witness_turns(
    factory: Factory, trust: Trust, new_witness: NewWitness, serve: Serve
) -> None:
    one, two = new_witness("one.example"), new_key("two.example")
    publisher(factory, one).publish_once()
    bad = Address(answering(serve, lambda: Response(b"", 500)), two.verifier)
    note = publisher(factory, one, bad).publish_once()
    assert cosigned_by(note, trust, one.key, two.verifier) == ["one.example"]


def test_two_publishers_on_one_database_take_turns(
    factory: Factory, new_witness: NewWitness, serve: Serve
) -> None:
    asked, go = threading.Event(), threading.Event()

    def hold() -> Response:
        asked.set()
        go.wait(HANG_SECONDS)
        return Response(b"", 500)

    slow = Address(answering(serve, hold), new_key("slow.example").verifier)
    first = threading.Thread(target=publisher(factory, slow).publish_once)
    first.start()
    assert asked.wait(HANG_SECONDS)
    assert publisher(factory, slow).publish_once() is None
    go.set()
    first.join()
    assert publisher(factory, slow).publish_once() == factory.log.checkpoint()


def test_a_server_publishes_in_the_background_whatever_happens_to_one_round(
    factory: Factory, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds: list[object] = []
    publish, twice = Publisher.publish_once, threading.Event()

    def fails_first(self: Publisher) -> bytes | None:
        rounds.append(self)
        if len(rounds) == 1:
            raise sa.exc.OperationalError("", {}, OSError("the disk is full"))
        note = publish(self)
        twice.set()
        return note

    monkeypatch.setattr(Publisher, "publish_once", fails_first)
    settings = Settings(database_url=factory.url, publish_seconds=0)
    stop = start(replace(services, settings=settings))
    assert twice.wait(HANG_SECONDS)
    stop.set()
    assert factory.log.published() == factory.log.checkpoint()


# --- What readers get


def test_the_published_checkpoint_is_public_and_kept_for_a_short_while(
    client: FlaskClient, factory: Factory
) -> None:
    assert client.get("/v1/log/checkpoint/published").status_code == 404
    publisher(factory).publish_once()
    answer = client.get("/v1/log/checkpoint/published")
    assert answer.data == factory.log.published()
    assert answer.headers["Cache-Control"] == "public, max-age=10"


def test_a_receipt_against_the_published_checkpoint_comes_once_it_is_covered(
    client: FlaskClient, factory: Factory, as_role: AsRole, trust: Trust, new_witness: NewWitness
) -> None:
    asking_it = publisher(factory, one := new_witness("one.example"))
    asking_it.publish_once()
    factory.enterprise("Acme")
    auditor = as_role("auditor")
    answer = client.get("/v1/log/receipts/1/published", headers=auditor)
    assert (answer.status_code, answer.json and answer.json["code"]) == (404, "not-published")
    asking_it.publish_once()
    answer = client.get("/v1/log/receipts/1/published", headers=auditor)
    proof = Receipt.parse(answer.data)
    assert cosigned_by(proof.checkpoint_note, trust, one.key) == ["one.example"]
    assert client.get("/v1/log/receipts/1/published").status_code == 401


def test_a_statement_sent_again_gets_its_receipt_with_the_cosignatures(
    app: Flask,
    client: FlaskClient,
    factory: Factory,
    trust: Trust,
    new_witness: NewWitness,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = replace(app.extensions["catchment"].settings, witnesses="witnesses.json")
    monkeypatch.setitem(
        app.extensions, "catchment", replace(app.extensions["catchment"], settings=asked)
    )
    factory.enterprise("Acme")
    envelope = factory.log.entry(1).envelope
    asking_it = publisher(factory, one := new_witness("one.example"))

    def cosigners() -> list[str]:
        again = client.post("/v1/statements", data=envelope, content_type="application/jose")
        proof = Receipt.parse(again.get_json()["receipt"].encode())
        return cosigned_by(proof.checkpoint_note, trust, one.key)

    assert cosigners() == []
    asking_it.publish_once()
    assert cosigners() == ["one.example"]


# --- Whom to ask


KEY = str(new_key("w.example").verifier)
OTHER = str(new_key("v.example").verifier)


def test_the_file_of_witnesses_is_read(tmp_path: Path) -> None:
    path = tmp_path / "witnesses.json"
    listed = [
        {"url": "https://w.example/", "vkey": KEY},
        {"url": "http://v.example", "vkey": OTHER},
    ]
    path.write_text(json.dumps({"witnesses": listed, "quorum": 2}))
    read = Witnesses.read(path)
    assert [each.url for each in read.addresses] == ["https://w.example", "http://v.example"]
    assert ([str(each.key) for each in read.addresses], read.quorum) == ([KEY, OTHER], 2)


W = {"url": "https://w.example", "vkey": KEY}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        json.dumps({"witnesses": [W]}),
        json.dumps({"witnesses": W, "quorum": 1}),
        json.dumps({"witnesses": [W], "quorum": 2}),
        json.dumps({"witnesses": [W], "quorum": -1}),
        json.dumps({"witnesses": [W], "quorum": True}),
        json.dumps({"witnesses": [W, W], "quorum": 1}),
        json.dumps({"witnesses": [W | {"url": "ftp://w.example"}], "quorum": 1}),
        json.dumps({"witnesses": [W | {"url": 1}], "quorum": 1}),
        json.dumps({"witnesses": [W | {"vkey": 1}], "quorum": 1}),
        json.dumps({"witnesses": [W | {"vkey": KEY[:-1]}], "quorum": 1}),
        json.dumps({"witnesses": [W | {"more": 1}], "quorum": 1}),
        json.dumps({"witnesses": ["w"], "quorum": 1}),
    ],
    ids=range(15),
)
def test_a_file_of_witnesses_in_any_other_form_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "witnesses.json"
    path.write_text(content)
    with pytest.raises(WitnessesRefused):
        Witnesses.read(path)


def test_a_file_of_witnesses_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WitnessesRefused):
        Witnesses.read(tmp_path / "absent.json")
