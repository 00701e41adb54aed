"""Keys in time, from the command line: ended, handed on, and what a thief signed said again."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from api.cli.examples import EXAMPLES
from api.cli.keys import revoke
from api.keys import keyfile
from ledger.keys import PrivateKey
from tests.cli_world import ORIGIN, Terminal, admitted, served, terminal
from tests.patience import HANG_SECONDS, until

pytestmark = pytest.mark.only_on("sqlite", "about commands; a worked example runs on both kinds")

LONG_AGO = "2020-01-01T00:00:00Z"


@pytest.fixture
def at(
    database_setting: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Terminal]:
    """A terminal at a served log, with the admitted enterprise Acme and its token."""
    made = terminal(tmp_path, monkeypatch, database_setting)
    made.ok("init", "--origin", ORIGIN)
    with served() as address:
        monkeypatch.setenv("CATCHMENT_SERVER", address)
        monkeypatch.setenv("CATCHMENT_TOKEN", admitted(made, address, "acme"))
        yield made


def kid(name: str) -> str:
    return keyfile.read(Path(f"{name}.key"), production=False).kid


def enterprise(name: str) -> str:
    return keyfile.read(Path(f"{name}.key"), production=False).enterprise


def state(at: Terminal, kind: str, by: str = "acme", *options: str, **members: Any) -> str:
    """Sign and submit an example with some members changed; the digest."""
    at.write("said.json", {**EXAMPLES[kind], **members})
    at.ok("sign", "said.json", "--key", f"{by}.key", "--out", "said.jws", *options)
    digest: str = at.ok("submit", "said.jws", "--json").json[0]["digest"]
    return digest


def further_key(at: Terminal, name: str, of: str = "acme") -> None:
    at.ok("keygen", "--name", "Acme", "--log", "trust.json", "--out", name,
          "--enterprise", enterprise(of))  # fmt: skip
    at.ok("admit", f"{name}.request.json", "--yes")


def now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


# --- rotate ---


def test_a_key_hands_on_to_the_next_and_signs_nothing_more(at: Terminal) -> None:
    said = at.ok("rotate", "--key", "acme.key", "--out", "acme2", typed="y\n")
    assert kid("acme2") in said.out
    state(at, "site", "acme2")
    at.write("product.json", EXAMPLES["product"])
    at.ok("sign", "product.json", "--key", "acme.key", "--out", "late.jws")
    refused = at.run("submit", "late.jws")
    assert refused.code == 1
    assert f"was replaced by {kid('acme2')}" in refused.err


def test_a_rotation_that_is_not_wanted_leaves_no_key_behind(at: Terminal) -> None:
    assert at.run("rotate", "--key", "acme.key", "--out", "acme2", typed="n\n").code == 1
    assert not Path("acme2.key").exists()


def test_a_key_that_nobody_admitted_rotates_nothing(at: Terminal) -> None:
    at.ok("keygen", "--name", "B", "--log", "trust.json", "--out", "b")
    said = at.run("rotate", "--key", "b.key", "--out", "b2", "--role", "supplier", "--yes")
    assert said.code == 1
    assert "is registered in this log" in said.err
    assert not Path("b2.key").exists()


def test_without_a_token_the_roles_of_the_old_key_have_to_be_said(
    at: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CATCHMENT_TOKEN")
    assert at.run("rotate", "--key", "acme.key", "--out", "acme2", "--yes").code == 2
    at.ok("rotate", "--key", "acme.key", "--out", "acme2", "--yes", "--role", "supplier")


# --- revoke, suspects, reattest: the timeline of a stolen key ---


def test_what_a_stolen_key_signed_falls_until_it_is_said_again(at: Terminal) -> None:
    site, last = state(at, "site"), now()
    until(lambda: now() > last)
    stolen = now()
    forged = state(at, "site", "acme", "--prev", site, name="Thief's works")
    state(at, "product")
    further_key(at, "sound")

    said = at.run("revoke", kid("acme"), "--reason", "compromised", "--since", stolen,
                  "--key", "sound.key", typed="n\n")  # fmt: skip
    assert said.code == 1
    assert "Statements that become suspect: 2, " in said.err
    assert at.ok("suspects").out == "Nothing is suspect.\n"

    at.ok("revoke", kid("acme"), "--reason", "compromised", "--since", stolen,
          "--key", "sound.key", "--yes")  # fmt: skip
    listed = at.ok("suspects", "--json").json
    assert [(each["type"], each["reattested"]) for each in listed] == [
        ("site", False),
        ("product", False),
    ]
    assert shown(forged)["state"] == "suspect"
    assert shown(site)["state"] == "in-force"

    # The name of the site is the thief's; the product is right.
    said = at.ok("reattest", "--key", "sound.key", typed="n\ny\n")
    assert "Thief's works" in said.err
    assert "Said again: 1 of 2 suspect statements." in said.out
    listed = at.ok("suspects", "--json").json
    assert [each["reattested"] for each in listed] == [False, True]


def shown(digest: str) -> Any:
    address, token = os.environ["CATCHMENT_SERVER"], os.environ["CATCHMENT_TOKEN"]
    url, headers = f"{address}/v1/statements/{digest}", {"Authorization": f"Bearer {token}"}
    return requests.get(url, headers=headers, timeout=HANG_SECONDS).json()


def test_everything_is_said_again_at_once_and_only_once(at: Terminal) -> None:
    state(at, "site")
    state(at, "product")
    footprint = state(at, "footprint")
    at.write("gone.json", {"type": "withdrawal", "prev": footprint, "reason": "Wrong year."})
    at.ok("sign", "gone.json", "--key", "acme.key", "--out", "gone.jws")
    at.ok("submit", "gone.jws")
    further_key(at, "sound")
    at.ok("revoke", kid("acme"), "--reason", "compromised", "--since", LONG_AGO,
          "--key", "acme.key", "--yes")  # fmt: skip
    assert at.ok("reattest", "--key", "sound.key", "--yes", "--json").json == {
        "said": 2,
        "refused": [],
    }
    assert at.ok("reattest", "--key", "sound.key", "--yes", "--json").json["said"] == 0
    assert shown(footprint)["state"] == "suspect"


def test_the_stolen_key_cannot_say_it_again(at: Terminal) -> None:
    state(at, "site")
    at.ok("revoke", kid("acme"), "--reason", "compromised", "--since", LONG_AGO,
          "--key", "acme.key", "--yes")  # fmt: skip
    said = at.run("reattest", "--key", "acme.key", "--yes")
    assert said.code == 1
    assert "was revoked (compromised)" in said.err


def test_a_lost_key_leaves_what_it_signed(at: Terminal) -> None:
    state(at, "site")
    said = at.ok("revoke", kid("acme"), "--reason", "lost", "--yes")
    assert "stays as it is" in said.err
    assert at.ok("suspects").out == "Nothing is suspect.\n"


@pytest.mark.parametrize(("seed", "start"), [(33, "-d"), (1885, "--N")])
def test_a_key_is_revoked_though_its_id_begins_like_an_option(
    at: Terminal, monkeypatch: pytest.MonkeyPatch, seed: int, start: str
) -> None:
    secret = PrivateKey(Ed25519PrivateKey.from_private_bytes(seed.to_bytes(32, "big")))
    with monkeypatch.context() as made:
        made.setattr(PrivateKey, "generate", lambda alg: secret)
        further_key(at, "hyphen")
    assert kid("hyphen").startswith(start)
    said = at.ok("revoke", kid("hyphen"), "--reason", "lost", "--yes")
    assert f"The key {kid('hyphen')} is revoked" in said.out


@pytest.mark.parametrize("form", [["ID"], ["--", "ID"], ["--reason", "lost", "ID", "--yes"]])
@pytest.mark.parametrize("begun", ["-7", "--"])
def test_a_key_id_is_found_wherever_it_stands_and_a_misspelt_option_still_refused(
    form: list[str], begun: str
) -> None:
    taken = begun + "x" * (43 - len(begun))
    args = [each.replace("ID", taken) for each in form]
    if "--reason" not in args:
        args = ["--reason", "lost", *args]
    assert revoke.make_context("revoke", args).params["kid"] == taken
    assert revoke.make_context("revoke", ["--token", taken, *args]).params["token"] == taken
    with pytest.raises(click.NoSuchOption):
        revoke.make_context("revoke", ["--reson", "lost", taken])


def test_a_key_is_not_revoked_by_somebody_else(
    at: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    mallory = admitted(at, os.environ["CATCHMENT_SERVER"], "mallory")
    monkeypatch.setenv("CATCHMENT_TOKEN", mallory)
    said = at.run("revoke", kid("acme"), "--reason", "compromised", "--since", LONG_AGO,
                  "--key", "mallory.key", "--yes")  # fmt: skip
    assert said.code == 1
    assert "belongs to another enterprise" in said.err


def test_a_revocation_is_corrected_by_the_registrar_alone(at: Terminal) -> None:
    state(at, "site")
    further_key(at, "sound")
    lost = ("revoke", kid("acme"), "--reason", "lost", "--yes")
    at.ok(*lost, "--key", "sound.key")
    said = at.run(*lost, "--key", "sound.key")
    assert (said.code, "revoked already" in said.err) == (1, True)
    at.ok("revoke", kid("acme"), "--reason", "compromised", "--since", LONG_AGO, "--yes")
    assert len(at.ok("suspects", "--json").json) == 1


def test_the_registrars_own_key_ends_by_the_recovery_keys_alone(at: Terminal) -> None:
    said = at.run("revoke", kid("var/registrar"), "--reason", "lost", "--yes")
    assert said.code == 1
    assert "only the recovery keys replace the registrar's" in said.err


def test_a_key_that_the_log_does_not_know_is_not_revoked(at: Terminal) -> None:
    said = at.run("revoke", "x" * 43, "--reason", "lost", "--yes")
    assert (said.code, "There is no key" in said.err) == (1, True)
    said = at.run("revoke", "x" * 43, "--reason", "lost", "--key", "acme.key", "--yes")
    assert (said.code, "is in force in this log" in said.err) == (1, True)
    said = at.run("revoke", "mistyped", "--reason", "lost", "--key", "acme.key", "--yes")
    assert (said.code, "thumbprint is expected" in said.err) == (1, True)


@pytest.mark.parametrize(
    "options",
    [
        ("--reason", "compromised"),
        ("--reason", "lost", "--since", LONG_AGO),
        ("--reason", "compromised", "--since", "2026-01-01T00:00:00"),
        ("--reason", "compromised", "--since", "yesterday"),
    ],
)
def test_a_compromise_has_a_time_with_its_zone(at: Terminal, options: tuple[str, ...]) -> None:
    assert at.run("revoke", kid("acme"), *options, "--key", "acme.key", "--yes").code == 2


def test_a_compromise_does_not_begin_tomorrow(at: Terminal) -> None:
    said = at.run("revoke", kid("acme"), "--reason", "compromised", "--since",
                  "2999-01-01T00:00:00Z", "--key", "acme.key", "--yes")  # fmt: skip
    assert (said.code, "lies in the future" in said.err) == (1, True)


def test_others_do_not_see_what_is_suspect(at: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    state(at, "site")
    at.ok("revoke", kid("acme"), "--reason", "compromised", "--since", LONG_AGO,
          "--key", "acme.key", "--yes")  # fmt: skip
    token = admitted(at, os.environ["CATCHMENT_SERVER"], "other")
    assert at.ok("suspects", "--token", token, "--json").json == []
    assert len(at.ok("suspects", "--here", "--json").json) == 1


# --- a lost key ---


def test_a_lost_key_is_replaced_by_the_registrar(at: Terminal) -> None:
    state(at, "site")
    at.ok("keygen", "--name", "Typed otherwise", "--log", "trust.json", "--out", "found",
          "--enterprise", enterprise("acme"))  # fmt: skip
    said = at.ok("admit", "found.request.json", "--lost", kid("acme"), typed="y\n")
    assert f"Its lost key {kid('acme')} ends." in said.err
    state(at, "product", "found")
    at.write("late.jws", late(at))
    refused = at.run("submit", "late.jws")
    assert refused.code == 1
    assert "was revoked (lost)" in refused.err


def late(at: Terminal) -> str:
    at.write("park.json", EXAMPLES["site"] | {"id": EXAMPLES["park"]["id"]})
    return at.ok("sign", "park.json", "--key", "acme.key").out.strip()


def test_the_registrar_sees_the_keys_that_an_enterprise_has_already(at: Terminal) -> None:
    at.ok("keygen", "--name", "Acme", "--log", "trust.json", "--out", "more",
          "--enterprise", enterprise("acme"))  # fmt: skip
    said = at.run("admit", "more.request.json", typed="n\n")
    assert f"It has the key {kid('acme')} already, which goes on." in said.err


def test_only_a_registered_enterprise_can_have_lost_a_key(at: Terminal) -> None:
    at.ok("keygen", "--name", "New", "--log", "trust.json", "--out", "new")
    said = at.run("admit", "new.request.json", "--lost", kid("acme"), "--yes")
    assert (said.code, "There is no enterprise" in said.err) == (1, True)


def test_the_key_of_another_enterprise_is_not_lost_by_this_one(at: Terminal) -> None:
    admitted(at, os.environ["CATCHMENT_SERVER"], "other")
    at.ok("keygen", "--name", "Acme", "--log", "trust.json", "--out", "more",
          "--enterprise", enterprise("acme"))  # fmt: skip
    said = at.run("admit", "more.request.json", "--lost", kid("other"), "--yes")
    assert (said.code, "belongs to another enterprise" in said.err) == (1, True)


# --- a weak key, which its owner could later disown ---


@pytest.mark.parametrize(
    "x",
    [
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",  # y = 0: a point of order 4
        "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",  # y = 1: the neutral element
        "7v_______________________________________38",  # y = p + 1: not canonical
    ],
)
def test_a_weak_public_key_is_not_admitted(at: Terminal, x: str) -> None:
    at.ok("keygen", "--name", "Weak", "--log", "trust.json", "--out", "weak")
    request = json.loads(Path("weak.request.json").read_text())
    request["jwk"]["x"] = x
    at.write("weak.request.json", request)
    said = at.run("admit", "weak.request.json", "--yes")
    assert said.code == 1
    assert "has not proved" not in said.err
