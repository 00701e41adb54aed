"""``catchment verify figure.zip``: what a person reads, what a program gets, and the exit code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from api.access.access import Access
from api.callers import Caller
from api.publication.bundles import Bundler
from ledger.statements import Figure
from ledger.trust import Trust
from tests.audited import bundled, packed, publish, trust_of
from tests.chain import build_chain
from tests.cli_world import Terminal, terminal
from tests.factory import Factory
from tests.patience import HANG_SECONDS

pytestmark = pytest.mark.only_on("sqlite", "about commands; a worked example runs on both kinds")

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    return terminal(tmp_path, monkeypatch)


@pytest.fixture
def trust(at: Terminal, factory: Factory) -> Trust:
    """A folder with ``figure.zip`` and ``trust.json``."""
    chain = build_chain(factory)
    figure = publish(chain.manager, "park", chain.park)
    (at.folder / "figure.zip").write_bytes(packed(bundled(factory.log, figure.index)))
    trust_of(factory.log).write(at.folder / "trust.json")
    return trust_of(factory.log)


def test_a_valid_bundle_shows_each_check_and_the_numbers_side_by_side(
    at: Terminal, trust: Trust
) -> None:
    said = at.ok("verify", "figure.zip", "--trust", "trust.json")
    assert said.out.count("✓") == 11 + 14
    assert "✓ t0 585.75 585.75" in " ".join(said.out.split())
    assert said.out.splitlines()[-1] == "Valid."


def test_a_program_gets_the_same_as_json(at: Terminal, trust: Trust) -> None:
    found = at.ok("verify", "figure.zip", "--trust", "trust.json", "--json").json
    assert found["verdict"] == "valid"
    assert [check["verdict"] for check in found["checks"]] == ["valid"] * 11
    t0 = {"name": "t0", "published": "585.75", "computed": "585.75", "agrees": True}
    assert t0 in found["numbers"]


def test_a_damaged_bundle_is_refused_by_the_name_of_the_check(at: Terminal, trust: Trust) -> None:
    data = (at.folder / "figure.zip").read_bytes()
    (at.folder / "figure.zip").write_bytes(b"X" + data[1:])
    said = at.run("verify", "figure.zip", "--trust", "trust.json")
    assert said.code == 1
    assert "✗ sizes" in " ".join(said.out.split())
    assert said.out.splitlines()[-1] == "Invalid."


def test_without_a_trust_file_nothing_is_decided(at: Terminal, trust: Trust) -> None:
    said = at.run("verify", "figure.zip")
    assert said.code == 3
    assert "Nothing says which log to believe" in said.out


@pytest.mark.parametrize("content", ["", "{}", "not json"])
def test_a_trust_file_that_cannot_be_read_decides_nothing_and_is_named(
    at: Terminal, trust: Trust, content: str
) -> None:
    at.write("mine.json", content)
    said = at.run("verify", "figure.zip", "--trust", "mine.json")
    assert said.code == 3
    assert "mine.json" in said.err


def test_a_trust_file_that_is_not_there_decides_nothing(at: Terminal, trust: Trust) -> None:
    said = at.run("verify", "figure.zip", "--trust", "elsewhere.json", "--json")
    assert said.code == 3
    assert said.json["code"] == "trust-refused"


def test_a_bundle_is_known_by_what_it_is_whatever_its_name(at: Terminal, trust: Trust) -> None:
    (at.folder / "figure.zip").rename(at.folder / "downloaded")
    at.ok("verify", "downloaded", "--trust", "trust.json")


def test_verifying_a_bundle_loads_no_web_framework_and_no_database(
    at: Terminal, trust: Trust
) -> None:
    program = (
        "import sys; from api.cli import main\n"
        "try: main(['verify', 'figure.zip', '--trust', 'trust.json'])\n"
        "except SystemExit as ended: assert ended.code == 0, ended.code\n"
        "loaded = {'flask', 'sqlalchemy'} & sys.modules.keys()\n"
        "assert not loaded, loaded\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": str(ROOT), "LANG": "C.UTF-8"},
        capture_output=True, text=True, check=False, timeout=HANG_SECONDS,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("role", "code"), [("auditor", 0), ("enterprise", 2), ("anonymous", 3)])
def test_what_the_server_bundles_is_as_valid_as_its_reader_may_see(
    at: Terminal, factory: Factory, role: str, code: int
) -> None:
    """Everything for an auditor; for the park itself some inputs are withheld, for others all."""
    chain = build_chain(factory)
    chain.firms["P1"].correct(chain.recipes["P1"])
    chain.firms["T4"].transfer("site", chain.sites["T4"], chain.firms["E3"])
    figure = publish(chain.manager, "park", chain.park)
    trust_of(factory.log).write(at.folder / "trust.json")
    reader = Caller(role, chain.manager.id if role == "enterprise" else None)
    body = figure.statement.body
    assert isinstance(body, Figure)
    with (at.folder / "mine.zip").open("wb") as target:
        Bundler(factory.log, Access(factory.standing(), reader)).write(target, figure.index, body)
    said = at.run("verify", "mine.zip", "--trust", "trust.json")
    assert said.code == code
    assert "✗" not in said.out
    assert ("withheld" in said.out) == (code != 0)


def test_what_is_no_bundle_and_no_receipt_is_called_so(at: Terminal) -> None:
    at.write("notes.txt", "a shopping list")
    said = at.run("verify", "notes.txt", "--trust", "trust.json")
    assert (said.code, "it is neither a receipt nor a bundle" in said.err) == (1, True)
    at.write("figure.zip", "whatever")
    said = at.run("verify", "figure.zip", "--statement", "notes.txt", "--trust", "trust.json")
    assert (said.code, "--statement belongs to a receipt" in said.err) == (2, True)
