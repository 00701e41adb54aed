"""Publishing a figure from the command line, and fetching what it takes to check it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.client import Client
from api.keys import keyfile
from api.keys.keyfile import KeyFile, write_secret
from ledger import bundle
from tests.chain import Chain, build_chain
from tests.cli_world import ORIGIN, Terminal, served, terminal
from tests.factory import Actor, Factory


@pytest.fixture
def chain(factory: Factory) -> Chain:
    return build_chain(factory)


@pytest.fixture
def at(factory: Factory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal over the log of the worked example."""
    made = terminal(tmp_path, monkeypatch)
    (tmp_path / "var").mkdir()
    write_secret(tmp_path / "var" / "signing-key.pem", factory.signer.private)
    monkeypatch.setenv("DATABASE_URL", factory.url)
    return made


@pytest.fixture
def server(at: Terminal, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with served() as address:
        monkeypatch.setenv("CATCHMENT_SERVER", address)
        token = at.ok("token", "issue", "--role", "auditor", "--label", "test", "--json").json
        monkeypatch.setenv("CATCHMENT_TOKEN", token["token"])
        yield address


def key_of(actor: Actor, name: str) -> str:
    """The actor's key as a file in the folder."""
    genesis = actor.factory.log.genesis.digest
    path = Path(f"{name}.key")
    keyfile.write(path, KeyFile(actor.key, actor.id, ORIGIN, genesis), None)
    return str(path)


def test_publishing_shows_what_is_signed_and_saves_what_proves_it(
    at: Terminal, chain: Chain, server: str
) -> None:
    key = key_of(chain.manager, "manager")
    said = at.ok("publish", "Example Park", "--year", 2025, "--key", key).out
    rows = [line.split() for line in said.splitlines()]
    assert ["Scope", "1", "250"] in rows
    assert ["T2", "330"] in rows
    (statement,), (receipt,) = Path().glob("figure-*.jws"), Path().glob("figure-*.tlog-proof")
    (figure,) = chain.factory.standing().statements("figure")
    assert f"Published as entry {figure.index}, digest {figure.digest}." in said
    assert f"{server}/v1/figures/{figure.digest}/bundle" in said
    assert statement.stem == receipt.stem == f"figure-{figure.digest[:12]}"
    at.ok("keygen", "--name", "X", "--log", server, "--out", "x")
    assert at.run("verify", receipt, "--statement", statement, "--trust", "trust.json").code == 0


def test_a_figure_that_has_not_moved_is_published_once(
    at: Terminal, chain: Chain, server: str
) -> None:
    command = ("publish", chain.park, "--key", key_of(chain.manager, "manager"), "--json")
    first = at.ok(*command).json
    again = at.ok(*command).json
    assert (first["new"], again["new"]) == (True, False)
    assert again["digest"] == first["digest"]
    assert "It is published already" in at.ok(*command[:-1]).out


def test_an_enterprise_publishes_its_own_with_another_gwp_set(
    at: Terminal, chain: Chain, server: str
) -> None:
    key = key_of(chain.firms["E3"], "e3")
    said = at.ok("publish", "E3 Works", "--of", "enterprise", "--gwp", "ar5", "--key", key).out
    assert "GWP AR5" in said
    (figure,) = chain.factory.standing().statements("figure")
    assert figure.owner == chain.firms["E3"].id


def test_the_operator_publishes_for_the_owner(at: Terminal, chain: Chain, server: str) -> None:
    operator = chain.factory.operator.with_key()
    chain.factory.register(operator, roles=("operator",))
    at.ok("publish", chain.park, "--key", key_of(operator, "operator"))
    (figure,) = chain.factory.standing().statements("figure")
    assert (figure.owner, figure.on_behalf) == (chain.manager.id, True)


def test_somebody_elses_figure_is_not_published(at: Terminal, chain: Chain, server: str) -> None:
    stranger = chain.factory.enterprise("Stranger")
    said = at.run("publish", chain.park, "--key", key_of(stranger, "stranger"), "--json")
    assert (said.code, said.json["code"]) == (1, "not-authorised")
    assert not list(Path().glob("figure-*"))


def test_a_bundle_is_downloaded_and_never_written_over_another(
    at: Terminal, chain: Chain, server: str
) -> None:
    key = key_of(chain.manager, "manager")
    digest = at.ok("publish", chain.park, "--key", key, "--json").json["digest"]
    at.ok("bundle", digest, "-o", "figure.zip")
    with open("figure.zip", "rb") as file:
        made = bundle.read(file)
    assert made.size == chain.factory.log.size()
    assert at.run("bundle", digest, "-o", "figure.zip").code == 1


def test_nothing_is_left_of_a_bundle_that_is_refused(
    at: Terminal, chain: Chain, server: str
) -> None:
    said = at.run("bundle", "0" * 64, "-o", "figure.zip")
    assert (said.code, "There is no statement" in said.err) == (1, True)
    assert not Path("figure.zip").exists()


def test_what_the_api_answers_is_a_statement_for_any_signer(
    at: Terminal, chain: Chain, server: str
) -> None:
    key = key_of(chain.manager, "manager")
    client = Client(server, os.environ["CATCHMENT_TOKEN"])
    at.write("figure.json", client.about("parks", chain.park, "figure"))
    at.ok("sign", "figure.json", "--key", key, "--out", "figure.jws")
    at.ok("submit", "figure.jws")
    assert len(list(chain.factory.standing().statements("figure"))) == 1
