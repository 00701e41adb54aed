"""Beginning a log, admitting enterprises, tokens and backups from the command line."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest

from api.cli.operator import checked_size
from api.cli.speech import language_of
from api.errors import InsecureDevelopmentKey, KeyFileRefused, WouldOverwrite
from api.keys import keyfile
from api.keys.keyfile import KeyFile
from api.opening import open_services
from api.settings import Settings
from ledger.errors import TreeDamaged
from ledger.keys import PrivateKey
from ledger.store import open_engine
from tests.cli_world import ORIGIN, Terminal, served, terminal


@pytest.fixture
def at(database_setting: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    return terminal(tmp_path, monkeypatch, database_setting)


@pytest.fixture
def begun(at: Terminal) -> Terminal:
    at.ok("init", "--origin", ORIGIN)
    return at


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# --- init ---


def test_a_log_begins_with_its_genesis_and_the_operator(begun: Terminal) -> None:
    services = open_services(Settings.from_env())
    standing = services.engine.standing()
    assert services.log.origin == ORIGIN
    assert [said.statement.subject for said in standing.enterprises.values()] == [
        services.log.genesis.subject
    ]


def test_private_keys_are_for_their_owner_alone(begun: Terminal) -> None:
    data = begun.folder / "var"
    assert {mode(data / name) for name in ("registrar.key", "signing-key.pem")} == {0o600}
    assert mode(data) == 0o700


def test_a_log_is_never_begun_over_another(begun: Terminal) -> None:
    before = {p.name: p.read_bytes() for p in (begun.folder / "var").glob("*key*")}
    said = begun.run("init")
    assert said.code == 1
    assert "holds a log already" in said.err
    assert before == {p.name: p.read_bytes() for p in (begun.folder / "var").glob("*key*")}


@pytest.mark.only_on("sqlite", "the file is taken away")
def test_a_key_without_its_log_is_not_overwritten(begun: Terminal) -> None:
    for database in (begun.folder / "var").glob("catchment.db*"):
        database.unlink()
    said = begun.run("init")
    assert said.code == 1
    assert "exists already" in said.err


# --- admit and token ---


def test_a_request_is_admitted_once_with_its_key_and_a_token(begun: Terminal) -> None:
    with served() as address:
        begun.ok("keygen", "--name", "Acme", "--country", "CN", "--log", address, "--out", "acme")
    said = begun.ok("admit", "acme.request.json", typed="y\n")
    assert "Acme" in said.err
    token = said.out.splitlines()[-1]
    services = open_services(Settings.from_env())
    caller = services.tokens.find(token)
    key = keyfile.read(Path("acme.key"), production=False)
    assert caller is not None
    assert (caller.role, caller.enterprise) == ("supplier", key.enterprise)
    assert {s.statement.subject for s in services.engine.standing().statements("key")} == {
        key.enterprise
    }


def test_saying_no_admits_nobody(begun: Terminal) -> None:
    begun.ok("keygen", "--name", "Acme", "--log", "var/trust.json", "--out", "acme")
    assert begun.run("admit", "acme.request.json", typed="n\n").code == 1
    assert open_services(Settings.from_env()).log.size() == 2


def test_a_request_whose_key_was_exchanged_is_refused(begun: Terminal) -> None:
    begun.ok("keygen", "--name", "Acme", "--log", "var/trust.json", "--out", "acme")
    begun.ok("keygen", "--name", "Mallory", "--log", "var/trust.json", "--out", "mallory")
    request = begun.folder / "acme.request.json"
    own, other = (
        PrivateKeyText(begun.folder / f"{name}.key").public_x for name in ("acme", "mallory")
    )
    request.write_text(request.read_text().replace(own, other))
    said = begun.run("admit", request, "--yes")
    assert said.code == 1
    assert "has not proved" in said.err


class PrivateKeyText:
    def __init__(self, path: Path) -> None:
        self.public_x = keyfile.read(path, production=False).private.public.jwk["x"]


def test_roles_identifiers_and_custody_are_the_registrars_to_decide(begun: Terminal) -> None:
    begun.ok("keygen", "--name", "Park", "--log", "var/trust.json", "--out", "park")
    begun.ok(
        "admit", "park.request.json", "--yes", "--role", "park", "--custody",
        "--admit-identifier", "urn:gtin:4006381333931",
    )  # fmt: skip
    standing = open_services(Settings.from_env()).engine.standing()
    (key,) = [s.statement.body for s in standing.statements("key")]
    assert (key.roles, key.custody) == (("park",), "operator")
    assert any(
        s.statement.body.admitted == ("urn:gtin:4006381333931",)
        for s in standing.enterprises.values()
    )


@pytest.mark.parametrize("other", [{"name": "Acme"}, {"type": "site", "id": "1", "name": "Works"}])
def test_what_is_not_a_request_is_refused(begun: Terminal, other: dict[str, str]) -> None:
    begun.write("other.json", other)
    said = begun.run("admit", "other.json", "--yes")
    assert said.code == 1
    assert "not a request" in said.err


def test_a_request_that_comes_again_needs_nothing(begun: Terminal) -> None:
    begun.ok("keygen", "--name", "Acme", "--log", "var/trust.json", "--out", "acme")
    begun.ok("admit", "acme.request.json", "--yes")
    said = begun.run("admit", "acme.request.json", "--yes")
    assert said.code == 1
    assert "registered already" in said.err
    assert "token issue" in said.err


@pytest.mark.parametrize("mistyped", ["banana", "6b1f0a52-6c1e-4c57-9d0b-0d8f4f0f3a01"])
def test_no_token_is_issued_to_an_enterprise_that_is_not_registered(
    begun: Terminal, mistyped: str
) -> None:
    said = begun.run("token", "issue", "--role", "supplier", "--enterprise", mistyped)
    assert said.code == 1
    assert "no enterprise of this id is registered" in said.err
    assert begun.ok("token", "list", "--json").json == []


def test_a_registered_enterprise_gets_a_token_for_whoever_buys_for_it(begun: Terminal) -> None:
    (enterprise,) = open_services(Settings.from_env()).engine.standing().enterprises
    issued = begun.ok("token", "issue", "--role", "procurement", "--enterprise", enterprise,
                      "--json").json  # fmt: skip
    caller = open_services(Settings.from_env()).tokens.find(issued["token"])
    assert caller is not None
    assert (caller.role, caller.enterprise) == ("procurement", enterprise)


def test_tokens_are_issued_listed_and_revoked(begun: Terminal) -> None:
    issued = begun.ok("token", "issue", "--role", "auditor", "--label", "Audit", "--days", 7,
                      "--json").json  # fmt: skip
    tokens = open_services(Settings.from_env()).tokens
    assert tokens.find(issued["token"]) is not None
    begun.ok("token", "revoke", issued["id"])
    assert tokens.find(issued["token"]) is None
    (listed,) = begun.ok("token", "list", "--json").json
    assert (listed["id"], listed["label"]) == (issued["id"], "Audit")
    assert listed["revoked_at"] is not None
    assert issued["token"] not in begun.ok("token", "list").out


# --- backup ---

ABOUT_FILES = pytest.mark.only_on("sqlite", "a server is copied by its own tools")


@pytest.mark.only_on("postgresql", "there the command does the copying")
def test_on_a_server_backup_says_what_to_run_instead(begun: Terminal) -> None:
    said = begun.run("backup", "copy.db")
    assert said.code == 1
    assert "the log is in postgresql" in said.err
    assert "pg_dump --format=custom" in said.err
    assert not Path("copy.db").exists()


@ABOUT_FILES
def test_a_backup_is_checked_and_holds_no_key(begun: Terminal) -> None:
    said = begun.ok("backup", "copy.db")
    assert "holds 2 entries" in said.out
    assert "keys are not in it" in said.out
    assert mode(Path("copy.db")) == 0o600
    copy = Path("copy.db").read_bytes()
    key = keyfile.read(Path("var/registrar.key"), production=False)
    assert key.private.to_pem() not in copy


@ABOUT_FILES
def test_a_backup_never_overwrites(begun: Terminal) -> None:
    begun.ok("backup", "copy.db")
    assert begun.run("backup", "copy.db").code == 1


@ABOUT_FILES
def test_a_backup_to_nowhere_is_one_sentence(begun: Terminal) -> None:
    said = begun.run("backup", "nowhere/copy.db")
    assert said.code == 1
    assert "nowhere/copy.db cannot be used" in said.err


@ABOUT_FILES
def test_a_backup_with_a_changed_entry_is_noticed(begun: Terminal) -> None:
    begun.ok("backup", "copy.db")
    connection = sqlite3.connect("copy.db")
    connection.execute(
        "UPDATE entry SET leaf = replace(leaf, 'enterprise', 'enterprisf') WHERE \"index\" = 1"
    )
    connection.execute("UPDATE entry SET leaf = CAST(leaf AS BLOB)")
    connection.commit()
    connection.close()
    with pytest.raises(TreeDamaged):
        checked_size(open_engine("sqlite:///copy.db"))


# --- key files ---


def test_a_key_file_reads_as_written(tmp_path: Path) -> None:
    key = KeyFile(PrivateKey.generate("ES256"), "e", "o", "0" * 64)
    keyfile.write(tmp_path / "a.key", key, b"secret")
    read = keyfile.read(tmp_path / "a.key", b"secret", production=True)
    assert (read.kid, read.enterprise, read.log) == (key.kid, "e", key.log)


def test_a_key_file_is_never_overwritten(tmp_path: Path) -> None:
    key = KeyFile(PrivateKey.generate("EdDSA"), "e", "o", "0" * 64)
    keyfile.write(tmp_path / "a.key", key)
    with pytest.raises(WouldOverwrite):
        keyfile.write(tmp_path / "a.key", key)


def test_an_insecure_key_refuses_to_load_in_production(tmp_path: Path) -> None:
    key = KeyFile(PrivateKey.generate("EdDSA"), "e", "o", "0" * 64, insecure=True)
    path = tmp_path / "demo.key"
    keyfile.write(path, key)
    assert keyfile.read(path, production=False).insecure
    with pytest.raises(InsecureDevelopmentKey):
        keyfile.read(path, production=True)


def test_an_insecure_key_is_known_by_either_file(tmp_path: Path) -> None:
    key = KeyFile(PrivateKey.generate("EdDSA"), "e", "o", "0" * 64, insecure=True)
    path = tmp_path / "demo.key"
    keyfile.write(path, key)
    side = keyfile.sidecar(path)
    side.write_text(side.read_text().replace('"insecure": true', '"insecure": false'))
    with pytest.raises(InsecureDevelopmentKey):
        keyfile.read(path, production=True)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda key, side: key.write_text("nonsense"), "not a PEM file"),
        (lambda key, side: key.write_text("-----BEGIN nonsense"), "cannot be read"),
        (lambda key, side: key.unlink(), "No such file"),
        (lambda key, side: side.unlink(), "the .json file of the same name is missing"),
        (lambda key, side: side.write_text("[]"), "not a JSON object"),
        (lambda key, side: side.write_text('{"kid": "x"}'), "is of another key"),
        (lambda key, side: side.write_text('{"kid": 1, "kid": 2}'), "not strict JSON"),
    ],
)
def test_a_broken_key_file_says_what_is_broken(tmp_path: Path, change: object, told: str) -> None:
    path = tmp_path / "a.key"
    keyfile.write(path, KeyFile(PrivateKey.generate("EdDSA"), "e", "o", "0" * 64))
    change(path, keyfile.sidecar(path))  # type: ignore[operator]  # a lambda of the table above
    with pytest.raises(KeyFileRefused, match=told):
        keyfile.read(path, production=False)


# --- the rest ---


def test_the_openapi_document_is_written_and_checked(at: Terminal) -> None:
    at.ok("openapi", "o.yaml")
    at.ok("openapi", "o.yaml", "--check")
    Path("o.yaml").write_text("else")
    assert at.run("openapi", "o.yaml", "--check").code == 1


@pytest.mark.parametrize(
    "command",
    [
        ("serve",),
        ("migrate",),
        ("demo",),
        ("backup", "copy.db"),
        ("token", "list"),
        ("admit", "request.json", "--yes"),
        ("park", "East"),
    ],
)
def test_without_a_log_commands_say_so_and_make_none(
    at: Terminal, command: tuple[str, ...]
) -> None:
    at.write("request.json", {})
    said = at.run(*command)
    assert said.code == 1
    assert "There is no log in this database." in said.err
    assert [path.name for path in at.folder.iterdir()] == ["request.json"]


def test_an_unreadable_file_is_told_in_a_sentence(begun: Terminal) -> None:
    said = begun.run("openapi", "absent/o.yaml")
    assert said.code == 1
    assert "absent/o.yaml cannot be used: No such file or directory." in said.err


def test_help_names_every_command_and_exit_code(at: Terminal) -> None:
    said = at.ok("--help").out
    assert all(name in said for name in ("init", "admit", "import", "verify"))
    assert all(f"\n    {code}  " in said for code in range(4))


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LC_MESSAGES": "zh_TW", "LANG": "en_GB"}, "zh"),
        ({}, "en"),
    ],
)
def test_the_locale_chooses_the_language(environ: dict[str, str], language: str) -> None:
    assert language_of(environ) == language
