"""Making keys, signing, submitting and verifying from the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.cli.examples import EXAMPLES
from api.cli.supplier import filled
from api.cli.verification import NAMES, checks
from api.keys import keyfile
from ledger import jws, strict_base64
from ledger.schema import load
from ledger.statements import BODIES, Consent, Product, read
from ledger.trust import Trust
from tests.cli_world import ORIGIN, Terminal, served, terminal
from tests.factory import Factory
from tests.patience import HANG_SECONDS

pytestmark = pytest.mark.only_on("sqlite", "about commands; a worked example runs on both kinds")

ROOT = Path(__file__).parents[2]


@pytest.fixture
def at(database_setting: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal with a log that nobody serves, and a key that nobody has admitted."""
    made = terminal(tmp_path, monkeypatch, database_setting)
    made.ok("init", "--origin", ORIGIN)
    made.ok("keygen", "--name", "Acme", "--log", "var/trust.json", "--out", "acme")
    return made


@pytest.fixture
def address(at: Terminal) -> Iterator[str]:
    with served() as made:
        yield made


def site(**members: Any) -> dict[str, Any]:
    return {**EXAMPLES["site"], **members}


# --- keygen ---


def test_a_request_proves_itself_and_shows_no_secret(at: Terminal) -> None:
    text = Path("acme.request.json").read_text()
    request = json.loads(text)
    assert set(request) == {"enterprise", "name", "jwk", "roles", "proof"}
    assert "d" not in request["jwk"]
    proof = jws.parse(request["proof"].encode(), jws.KEY_PROOF_TYP)
    assert proof.payload["enterprise"] == request["enterprise"]


def test_keygen_leaves_existing_files_alone(at: Terminal) -> None:
    before = Path("acme.key").read_bytes()
    said = at.run("keygen", "--name", "Acme", "--log", "var/trust.json", "--out", "acme")
    assert said.code == 1
    assert Path("acme.key").read_bytes() == before


def test_a_mistyped_identifier_is_refused_before_a_key_is_made(at: Terminal) -> None:
    said = at.run("keygen", "--name", "B", "--identifier", "urn:uscc:91320594MA1MY8EM5X",
                  "--log", "var/trust.json", "--out", "b")  # fmt: skip
    assert said.code == 1
    assert "check digit" in said.err
    assert not Path("b.key").exists()


def test_keygen_fetches_the_log_and_shows_its_fingerprint(at: Terminal, address: str) -> None:
    said = at.ok("keygen", "--name", "B", "--log", address, "--out", "b", "--alg", "ES256")
    trust = Trust.read(Path("trust.json"))
    assert trust == Trust.read(Path("var/trust.json"))
    assert trust.fingerprint in said.out


def test_a_server_of_another_log_does_not_replace_what_is_trusted(
    at: Terminal, address: str
) -> None:
    changed = json.loads(Path("var/trust.json").read_text()) | {"genesis": "0" * 64}
    other = at.write("trust.json", changed)
    said = at.run("keygen", "--name", "B", "--log", address, "--out", "b")
    assert said.code == 1
    assert json.loads(other.read_text()) == changed


def test_a_passphrase_protects_the_key(at: Terminal) -> None:
    at.write("secret", "correct horse\n")
    at.write("wrong", "battery staple\n")
    at.ok("keygen", "--name", "B", "--log", "var/trust.json", "--out", "b",
          "--passphrase-file", "secret")  # fmt: skip
    at.write("site.json", site())
    at.ok("sign", "site.json", "--key", "b.key", "--passphrase-file", "secret")
    assert at.run("sign", "site.json", "--key", "b.key", "--passphrase-file", "wrong").code == 1
    at.ok("sign", "site.json", "--key", "b.key", typed="correct horse\n")


# --- sign ---


def test_there_is_an_example_of_every_type() -> None:
    assert EXAMPLES.keys() == BODIES.keys()


@pytest.mark.parametrize("kind", sorted(BODIES))
def test_the_example_of_each_type_can_be_signed(at: Terminal, kind: str) -> None:
    at.write("new.json", at.ok("sign", "--new", kind).out)
    compact = at.ok("sign", "new.json", "--key", "acme.key").out.strip()
    assert read(jws.parse(compact.encode())).type == kind


def test_what_is_left_out_is_filled_in(at: Terminal) -> None:
    at.write("site.json", site())
    at.ok("sign", "site.json", "--key", "acme.key", "--prev", "a" * 64, "--out", "site.jws")
    said = read(jws.parse(Path("site.jws").read_bytes()))
    trust = Trust.read(Path("var/trust.json"))
    assert (said.common.log.origin, said.common.log.genesis) == (trust.origin, trust.genesis)
    assert said.common.iss == said.subject
    assert said.common.prev == "a" * 64


def test_nothing_is_written_for_a_statement_that_breaks_its_type(at: Terminal) -> None:
    at.write("site.json", site(latitude=31.5, timeZone="Mars"))
    said = at.run("sign", "site.json", "--key", "acme.key", "--out", "site.jws")
    assert said.code == 1
    assert not Path("site.jws").exists()
    at.write("site.json", site(latitude="95", timeZone="Mars"))
    said = at.run("sign", "site.json", "--key", "acme.key", "--out", "site.jws")
    assert "/latitude" in said.err
    assert "/timeZone" in said.err
    assert not Path("site.jws").exists()


def test_a_document_for_another_log_is_not_signed(at: Terminal) -> None:
    at.write("site.json", site(log={"origin": "other", "genesis": "0" * 64}))
    said = at.run("sign", "site.json", "--key", "acme.key")
    assert said.code == 1
    assert "another log (other, begun with 000" in said.err


def test_signing_refuses_a_key_of_a_log_that_is_not_trusted(at: Terminal, tmp_path: Path) -> None:
    trust = json.loads(Path("var/trust.json").read_text()) | {"genesis": "0" * 64}
    at.write("other.json", trust)
    at.write("site.json", site())
    said = at.run("sign", "site.json", "--key", "acme.key", "--trust", "other.json")
    assert said.code == 1
    assert "begun with 000" in said.err


def test_a_statement_is_read_from_standard_input(at: Terminal) -> None:
    at.ok("sign", "-", "--key", "acme.key", typed=json.dumps(site()))


def test_sign_without_a_document_is_a_usage_error(at: Terminal) -> None:
    assert at.run("sign", "--key", "acme.key").code == 2


def test_a_consent_is_signed_for_the_park(at: Terminal) -> None:
    park, place = EXAMPLES["park"]["id"], EXAMPLES["site"]["id"]
    said = at.ok("consent", "--park", park, "--site", place, "--from", "2025-01-01",
                 "--small-aggregates", "--key", "acme.key")  # fmt: skip
    envelope = jws.parse(said.out.strip().encode(), jws.CONSENT_TYP)
    consent = load(Consent, envelope.payload)
    assert (consent.park, consent.site, consent.small_aggregates) == (park, place, True)


# --- submit ---


def test_a_statement_is_submitted_once_and_its_receipt_verified(at: Terminal, address: str) -> None:
    at.ok("admit", "acme.request.json", "--yes")
    at.write("site.json", site())
    at.ok("sign", "site.json", "--key", "acme.key", "--out", "site.jws")
    assert "entry 4." in at.ok("submit", "site.jws", "--server", address).out
    assert "entry 4 already." in at.ok("submit", "site.jws", "--server", address).out
    at.ok("verify", "site.tlog-proof", "--statement", "site.jws", "--trust", "var/trust.json")


def test_a_refused_statement_says_why_in_the_servers_words(at: Terminal, address: str) -> None:
    at.write("site.json", site())
    at.ok("sign", "site.json", "--key", "acme.key", "--out", "site.jws")
    said = at.run("submit", "site.jws", "--server", address)
    assert said.code == 1
    assert "is registered in this log" in said.err
    assert at.run("submit", "site.jws", "--server", address, "--json").json["code"] == "unknown-key"


def test_of_several_files_the_refused_one_is_named(at: Terminal, address: str) -> None:
    for name in ("one", "two"):
        at.write(f"{name}.jws", f"{name}.two.three.four")
    said = at.run("submit", "one.jws", "two.jws", "--server", address)
    assert said.code == 1
    assert "one.jws: A JWS in compact form" in said.err
    assert at.run("submit", "one.jws", "--server", address, "--json").json["file"] == "one.jws"


def test_an_unsigned_statement_is_sent_nowhere(at: Terminal) -> None:
    at.write("site.json", site())
    said = at.run("submit", "site.json", "--server", "http://127.0.0.1:1")
    assert said.code == 1
    assert "site.json cannot be used: it is not signed" in said.err


def test_every_flaw_is_listed_whoever_found_it(at: Terminal, address: str) -> None:
    key = keyfile.read(Path("acme.key"), production=False)
    flawed = filled({**site(), "latitude": "1e5", "timeZone": "Mars"}, key, None, None)
    at.write("site.json", flawed)
    (at.folder / "site.jws").write_bytes(jws.sign(flawed, key.private))
    for command in (("sign", "site.json", "--key", "acme.key"),
                    ("submit", "site.jws", "--server", address)):  # fmt: skip
        said = at.run(*command)
        assert said.code == 1
        assert {line.split(":")[0].strip() for line in said.err.splitlines()} >= {
            "/latitude",
            "/timeZone",
        }


def test_a_server_that_does_not_answer_is_exit_code_3(at: Terminal) -> None:
    at.write("site.jws", "x")
    said = at.run("submit", "site.jws", "--server", "http://127.0.0.1:1")
    assert said.code == 3
    assert "no connection" in said.err


# --- verify ---


@pytest.fixture
def evidence(factory: Factory) -> tuple[bytes, bytes, Trust]:
    """A receipt, its statement and the trusted log, with entries on both sides of it."""
    acme = factory.enterprise("Acme", alg="ES256")
    envelope = acme.sign(product())
    index = factory.append(envelope).index
    acme.product("Later")
    trust = Trust(ORIGIN, factory.log.genesis.digest, str(factory.signer.verifier))
    return factory.log.receipt(index).encode(), envelope, trust


def product() -> Product:
    return Product(id=EXAMPLES["product"]["id"], name="Steel", unit="KGM")


def failed(receipt: bytes, envelope: bytes, trust: Trust) -> list[str]:
    return [check.name for check in checks(receipt, envelope, trust) if check.passed is False]


def test_every_check_has_a_name_and_passes(evidence: tuple[bytes, bytes, Trust]) -> None:
    made = checks(*evidence)
    assert [check.name for check in made] == list(NAMES)
    assert all(check.passed for check in made)


def test_the_malleable_twin_is_the_same_statement_in_another_envelope(
    evidence: tuple[bytes, bytes, Trust],
) -> None:
    receipt, envelope, trust = evidence
    signing_input, _, signature = envelope.rpartition(b".")
    raw = strict_base64.from_url(signature.decode())
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    twin = raw[:32] + (order - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")
    other = signing_input + b"." + strict_base64.to_url(twin).encode()
    assert failed(receipt, other, trust) == ["envelope digest"]


def test_another_statement_of_the_same_key_does_not_pass(
    evidence: tuple[bytes, bytes, Trust], factory: Factory
) -> None:
    receipt, _, trust = evidence
    other = factory.operator.sign(product())
    assert failed(receipt, other, trust) == ["signed digest", "envelope digest", "key id"]


@pytest.mark.parametrize(
    ("part", "name"),
    [
        (b"c2sp.org", "receipt"),
        (b"\n\n" + ORIGIN.encode(), "checkpoint"),
        ("— ".encode(), "checkpoint"),
    ],
)
def test_a_broken_receipt_fails_by_name(
    evidence: tuple[bytes, bytes, Trust], part: bytes, name: str
) -> None:
    receipt, envelope, trust = evidence
    assert part in receipt
    made = checks(receipt.replace(part, part.swapcase() + b"x", 1), envelope, trust)
    assert [check.name for check in made if check.passed is False] == [name]
    assert made[-1].passed is None or name == "inclusion"


def test_a_forged_path_fails_at_inclusion(evidence: tuple[bytes, bytes, Trust]) -> None:
    receipt, envelope, trust = evidence
    head, _, note = receipt.partition(b"\n\n")
    lines = head.split(b"\n")
    lines[3], lines[4] = lines[4], lines[3]
    assert failed(b"\n".join(lines) + b"\n\n" + note, envelope, trust) == ["inclusion"]


def test_another_log_is_not_trusted(evidence: tuple[bytes, bytes, Trust]) -> None:
    receipt, envelope, trust = evidence
    other = Trust(trust.origin, "0" * 64, trust.vkey)
    assert failed(receipt, envelope, other) == ["statement"]


def test_verify_prints_each_check_and_exits_1_when_one_fails(
    at: Terminal, evidence: tuple[bytes, bytes, Trust]
) -> None:
    receipt, envelope, trust = evidence
    trust.write(at.folder / "t.json")
    Path("r.tlog-proof").write_bytes(receipt)
    Path("s.jws").write_bytes(envelope)
    said = at.ok("verify", "r.tlog-proof", "--statement", "s.jws", "--trust", "t.json")
    assert said.out.count("✓") == len(NAMES)
    Path("r.tlog-proof").write_bytes(receipt[:-10])
    said = at.run("verify", "r.tlog-proof", "--statement", "s.jws", "--trust", "t.json")
    assert said.code == 1
    assert "✗" in said.out


def test_verifying_loads_no_web_framework(
    at: Terminal, evidence: tuple[bytes, bytes, Trust]
) -> None:
    receipt, envelope, trust = evidence
    trust.write(at.folder / "t.json")
    Path("r.tlog-proof").write_bytes(receipt)
    Path("s.jws").write_bytes(envelope)
    program = (
        "import sys; from api.cli import main\n"
        "try: main(['verify', 'r.tlog-proof', '--statement', 's.jws', '--trust', 't.json'])\n"
        "except SystemExit as ended: assert ended.code == 0, ended.code\n"
        "loaded = {'flask', 'sqlalchemy', 'numpy', 'networkx'} & sys.modules.keys()\n"
        "assert not loaded, loaded\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": str(ROOT), "LANG": "C.UTF-8"},
        capture_output=True, text=True, check=False, timeout=HANG_SECONDS,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
