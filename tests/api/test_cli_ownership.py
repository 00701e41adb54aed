"""Sites and products change hands, rules change, and payloads go, from the command line."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import re
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from api.cli.examples import EXAMPLES
from api.keys import keyfile
from ledger import strict_base64
from tests.cli_world import ORIGIN, Terminal, admitted, served, terminal
from tests.patience import HANG_SECONDS

SITE, PRODUCT = EXAMPLES["site"]["id"], EXAMPLES["product"]["id"]


@pytest.fixture
def at(
    database_setting: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Terminal]:
    """A served log with Acme, whose token is the default, and Buyer."""
    made = terminal(tmp_path, monkeypatch, database_setting)
    made.ok("init", "--origin", ORIGIN)
    with served() as address:
        monkeypatch.setenv("CATCHMENT_SERVER", address)
        made.write("buyer.token", admitted(made, address, "buyer"))
        monkeypatch.setenv("CATCHMENT_TOKEN", admitted(made, address, "acme"))
        yield made


def enterprise(name: str) -> str:
    return keyfile.read(Path(f"{name}.key"), production=False).enterprise


def sent(at: Terminal, kind: str, by: str = "acme", *options: str, **members: Any) -> str:
    """Sign and submit an example with some members changed; the digest."""
    at.write("said.json", {**EXAMPLES[kind], **members})
    at.ok("sign", "said.json", "--key", f"{by}.key", "--out", "said.jws", *options)
    digest: str = at.ok("submit", "said.jws", "--json").json[0]["digest"]
    return digest


def got(path: str, token: str | None = None) -> requests.Response:
    bearer = token or os.environ["CATCHMENT_TOKEN"]
    url, headers = f"{os.environ['CATCHMENT_SERVER']}{path}", {"Authorization": f"Bearer {bearer}"}
    return requests.get(url, headers=headers, timeout=HANG_SECONDS)


# --- transfer ---


def drafted(at: Terminal, kind: str = "site", thing: str = SITE, **options: str) -> None:
    chosen = {"to": enterprise("buyer"), "from": "2026-02-01", **options}
    flags = [part for name, value in chosen.items() for part in (f"--{name}", value)]
    Path("transfer.json").unlink(missing_ok=True)
    at.ok("transfer", "draft", kind, thing, *flags, "--trust", "trust.json",
          "--out", "transfer.json")  # fmt: skip


@pytest.mark.parametrize(("kind", "thing"), [("site", SITE), ("product", PRODUCT)])
def test_what_changed_hands_is_continued_by_its_new_owner(
    at: Terminal, kind: str, thing: str
) -> None:
    first = sent(at, kind)
    drafted(at, kind, thing)
    at.ok("transfer", "accept", "transfer.json", "--key", "buyer.key", typed="y\n")
    said = at.ok("transfer", "submit", "transfer.json", "--key", "acme.key", typed="y\n")
    assert "is handed over" in said.out
    shown = got(f"/v1/{kind}s/{thing}").json()
    assert (shown["owner"], shown["ownedSince"]) == (enterprise("buyer"), "2026-02-01")

    sent(at, kind, "buyer", "--prev", first, name="Renamed")
    assert got(f"/v1/{kind}s/{thing}").json()["name"] == "Renamed"
    at.write("said.json", {**EXAMPLES[kind], "name": "Still mine"})
    at.ok("sign", "said.json", "--key", "acme.key", "--prev", first, "--out", "said.jws")
    refused = at.run("submit", "said.jws")
    assert (refused.code, "belongs to another enterprise" in refused.err) == (1, True)


def test_who_registered_a_thing_owns_it_since_then(at: Terminal) -> None:
    sent(at, "site")
    assert got(f"/v1/sites/{SITE}").json()["ownedSince"] is None


def test_a_transfer_is_accepted_only_by_the_enterprise_it_names(at: Terminal) -> None:
    drafted(at)
    said = at.run("transfer", "accept", "transfer.json", "--key", "acme.key", "--yes")
    assert said.code == 1
    assert "it hands over to another enterprise than yours" in said.err


def test_an_acceptance_by_another_enterprise_does_not_hold(at: Terminal) -> None:
    """The file is altered after it was accepted: so that somebody else receives the site."""
    sent(at, "site")
    admitted(at, os.environ["CATCHMENT_SERVER"], "other")
    drafted(at)
    at.ok("transfer", "accept", "transfer.json", "--key", "buyer.key", "--yes")
    document = json.loads(Path("transfer.json").read_text())
    at.write("transfer.json", document | {"to": enterprise("other")})
    said = at.run("transfer", "submit", "transfer.json", "--key", "acme.key", "--yes")
    assert said.code == 1
    assert "the new owner did not sign it" in said.err
    at.write("transfer.json", document | {"from": "2026-01-01"})
    said = at.run("transfer", "submit", "transfer.json", "--key", "acme.key", "--yes")
    assert "it is for another transfer" in said.err


def test_nobody_is_handed_a_site_without_accepting_it(at: Terminal) -> None:
    sent(at, "site")
    drafted(at)
    said = at.run("transfer", "submit", "transfer.json", "--key", "acme.key", "--yes")
    assert (said.code, "there is none" in said.err) == (1, True)


def test_a_transfer_is_final(at: Terminal) -> None:
    sent(at, "site")
    drafted(at)
    at.ok("transfer", "accept", "transfer.json", "--key", "buyer.key", "--yes")
    at.ok("transfer", "submit", "transfer.json", "--key", "acme.key", "--yes")
    said = at.run("transfer", "submit", "transfer.json", "--key", "acme.key", "--yes")
    assert said.code == 1
    assert "let the new owner transfer the object back" in said.err or "another" in said.err


def test_a_transfer_that_became_suspect_is_said_again(at: Terminal) -> None:
    sent(at, "site")
    drafted(at)
    at.ok("transfer", "accept", "transfer.json", "--key", "buyer.key", "--yes")
    at.ok("transfer", "submit", "transfer.json", "--key", "acme.key", "--yes")
    at.ok("keygen", "--name", "Acme", "--log", "trust.json", "--out", "sound",
          "--enterprise", enterprise("acme"))  # fmt: skip
    at.ok("admit", "sound.request.json", "--yes")
    kid = keyfile.read(Path("acme.key"), production=False).kid
    at.ok("revoke", kid, "--reason", "compromised", "--since", "2020-01-01T00:00:00Z",
          "--key", "sound.key", "--yes")  # fmt: skip
    assert got(f"/v1/sites/{SITE}").status_code == 404
    at.ok("reattest", "--key", "sound.key", "--yes")
    assert got(f"/v1/sites/{SITE}").json()["owner"] == enterprise("buyer")


def test_the_registrar_hands_over_by_a_mandate_on_paper(at: Terminal) -> None:
    sent(at, "site")
    drafted(at)
    scan = at.write("contract.pdf", "The site is sold.")
    done = at.ok("transfer", "submit", "transfer.json", "--mandate", scan, "--yes", "--json").json
    auditor = at.ok("token", "issue", "--role", "auditor", "--json").json["token"]
    payload = got(f"/v1/statements/{done['digest']}", auditor).json()["payload"]
    assert payload["mandate"] == hashlib.sha256(scan.read_bytes()).hexdigest()
    assert got(f"/v1/sites/{SITE}").json()["owner"] == enterprise("buyer")


def test_a_transfer_of_what_is_not_registered_says_so(at: Terminal) -> None:
    drafted(at)
    scan = at.write("contract.pdf", "The site is sold.")
    said = at.run("transfer", "submit", "transfer.json", "--mandate", scan, "--yes")
    assert (said.code, f"There is no site “{SITE}”" in said.err) == (1, True)
    assert at.run("transfer", "submit", "transfer.json").code == 2


def test_a_draft_is_not_taken_for_a_transfer_of_another_log(at: Terminal) -> None:
    drafted(at)
    document = json.loads(Path("transfer.json").read_text())
    document["log"]["genesis"] = "0" * 64
    at.write("transfer.json", document)
    said = at.run("transfer", "accept", "transfer.json", "--key", "buyer.key", "--yes")
    assert (said.code, "another log" in said.err) == (1, True)


# --- policy ---


def test_the_registrar_changes_the_name_of_the_log_and_how_late_statements_arrive(
    at: Terminal,
) -> None:
    at.ok("policy", "--name", "Eastern parks", typed="y\n")
    at.ok("policy", "--past-seconds", "86400", "--yes")
    shown = got("/v1/log").json()
    assert (shown["name"], shown["pastSeconds"], shown["futureSeconds"]) == (
        "Eastern parks",
        86400,
        300,
    )
    late = int(dt.datetime.now(dt.UTC).timestamp()) - 90_000
    at.write("late.json", EXAMPLES["site"] | {"iat": late})
    at.ok("sign", "late.json", "--key", "acme.key", "--out", "late.jws")
    assert "lies" in at.run("submit", "late.jws").err
    page = requests.get(os.environ["CATCHMENT_SERVER"], timeout=HANG_SECONDS)
    assert "Eastern parks" in page.text


def test_a_window_nobody_could_meet_is_refused(at: Terminal) -> None:
    said = at.run("policy", "--past-seconds", "-1", "--yes")
    assert said.code == 1
    assert "pastSeconds" in said.err
    assert at.run("policy").code == 2


# --- erase: a payload that leaked, or should never have been said ---

SECRET = "Neptunium4711"


def leak(at: Terminal) -> str:
    """A purchase that tells a secret, among enough others that pages of the file split."""
    sent(at, "site")
    lines = [
        {"ref": {"classification": "urn:cpc:17100", "region": SECRET}, "amount": "1",
         "unit": "KWH", "category": 3}
    ]  # fmt: skip
    digest = sent(at, "purchases", inputs=lines * 30)
    for _ in range(3):
        at.write("more.json", {**EXAMPLES["product"], "id": new_id(), "identifiers": []})
        at.ok("sign", "more.json", "--key", "acme.key", "--out", "more.jws")
        at.ok("submit", "more.jws")
    return digest


def new_id() -> str:
    return str(uuid.uuid4())


def test_what_is_erased_is_in_no_answer(at: Terminal) -> None:
    digest = leak(at)
    auditor = at.ok("token", "issue", "--role", "auditor", "--json").json["token"]
    assert SECRET in got("/v1/statements?type=purchases").text
    said = at.ok("erase", digest, "--reason", "Told too much.", "--key", "acme.key", typed="y\n")
    assert "Backups and exports made before keep it" in said.err
    entries = [got(f"/v1/log/entries/{index}", auditor) for index in range(10)]
    (index,) = [each.json()["index"] for each in entries if each.json().get("envelope") == ""]
    assert got(f"/v1/log/entries/{index}").status_code == 404
    assert got(f"/v1/log/receipts/{index}", auditor).status_code == 200
    for token in (os.environ["CATCHMENT_TOKEN"], auditor):
        for path in (
            f"/v1/statements/{digest}",
            "/v1/statements",
            f"/v1/log/entries/{index}",
            f"/v1/enterprises/{enterprise('acme')}/inventory?year=2025",
            f"/v1/enterprises/{enterprise('acme')}/inventory?year=2025&at={index + 1}",
        ):
            answer = got(path, token)
            assert answer.status_code < 500, path
            assert SECRET not in answer.text, path
    gone = got(f"/v1/statements/{digest}")
    assert (gone.status_code, gone.json()["code"]) == (410, "payload-erased")


@pytest.mark.only_on("sqlite", "a database server has files of its own")
def test_what_is_erased_is_in_no_byte_of_the_database_and_its_log(at: Terminal) -> None:
    digest = leak(at)
    envelope = bytes(got(f"/v1/statements/{digest}").json()["envelope"], "ascii")
    payload = strict_base64.from_url(envelope.split(b".")[1].decode("ascii"))
    places = [each.start() for each in re.finditer(SECRET.encode(), payload)]
    start = envelope.index(b".") + 1
    pieces = [envelope[start + place * 4 // 3 + 1 :][:14] for place in places]
    assert len(pieces) == 30
    assert all(piece in stored() for piece in pieces)
    at.ok("erase", digest, "--reason", "Told too much.", "--key", "acme.key", "--yes")
    assert not [piece for piece in pieces if piece in stored()]


def stored() -> bytes:
    return b"".join(path.read_bytes() for path in sorted(Path("var").glob("catchment.db*")))


def test_an_export_made_afterwards_does_not_hold_it(at: Terminal) -> None:
    digest = leak(at)
    envelope = bytes(got(f"/v1/statements/{digest}").json()["envelope"], "ascii")
    at.ok("log", "export", "before.zip")
    at.ok("erase", digest, "--reason", "Told too much.", "--key", "acme.key", "--yes")
    at.ok("log", "export", "after.zip")
    assert envelope in unzipped("before.zip")
    assert envelope[100:200] not in unzipped("after.zip")


def unzipped(path: str) -> bytes:
    with zipfile.ZipFile(path) as archive:
        return b"".join(archive.read(name) for name in archive.namelist())


def test_the_operator_erases_what_an_owner_no_longer_can(at: Terminal) -> None:
    digest = leak(at)
    operator = keyfile.read(Path("var/registrar.key"), production=False).enterprise
    at.ok("keygen", "--name", "Operator", "--log", "trust.json", "--out", "operator",
          "--enterprise", operator, "--role", "operator")  # fmt: skip
    at.ok("admit", "operator.request.json", "--yes")
    at.ok("erase", digest, "--reason", "By order.", "--key", "operator.key", "--here", "--yes")
    assert got(f"/v1/statements/{digest}").status_code == 410


def test_a_stranger_erases_nothing_and_learns_nothing(at: Terminal) -> None:
    digest = leak(at)
    said = at.run("erase", digest, "--reason", "Why not.", "--key", "buyer.key", "--token",
                  Path("buyer.token").read_text(), "--yes")  # fmt: skip
    assert (said.code, "There is no statement" in said.err) == (1, True)
    said = at.run("erase", digest, "--reason", "Why not.", "--key", "buyer.key", "--yes")
    assert said.code == 1
    assert SECRET in got(f"/v1/statements/{digest}").text


def test_what_others_rest_on_is_not_erased(at: Terminal) -> None:
    site = sent(at, "site")
    said = at.run("erase", site, "--reason", "Gone.", "--key", "acme.key", "--yes")
    assert said.code == 1
    assert "The payload of a statement of type site cannot be erased" in said.err
    assert "correct or withdraw it instead" in said.err


def test_a_withdrawal_is_erased_with_the_key_of_what_it_ended(at: Terminal) -> None:
    digest = leak(at)
    at.write("gone.json", {"type": "withdrawal", "prev": digest, "reason": SECRET})
    at.ok("sign", "gone.json", "--key", "acme.key", "--out", "gone.jws")
    gone = at.ok("submit", "gone.jws", "--json").json[0]["digest"]
    at.ok("erase", gone, "--reason", "Told too much.", "--key", "acme.key", "--yes")
    assert got(f"/v1/statements/{gone}").status_code == 410
    assert got(f"/v1/statements/{digest}").json()["state"] == "withdrawn"


def test_without_a_yes_nothing_is_erased(at: Terminal) -> None:
    digest = leak(at)
    said = at.run("erase", digest, "--reason", "Hm.", "--key", "acme.key", typed="n\n")
    assert said.code == 1
    assert got(f"/v1/statements/{digest}").status_code == 200
