"""Who may verify, and what its opinion is worth over time, from the command line."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from api.cli.examples import EXAMPLES
from api.keys import keyfile
from api.statements.attestations import attestations_of
from ledger.statements import Attestation
from tests.cli_world import ORIGIN, Said, Terminal, admitted, served, terminal
from tests.factory import Factory, day
from tests.patience import HANG_SECONDS

pytestmark = pytest.mark.only_on("sqlite", "about commands; a worked example runs on both kinds")

STANDARD = "ISO 14064-3"


@pytest.fixture
def at(
    database_setting: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Terminal]:
    """A served log with Acme, whose token is the default, and the admitted verifier Surely."""
    made = terminal(tmp_path, monkeypatch, database_setting)
    made.ok("init", "--origin", ORIGIN)
    with served() as address:
        monkeypatch.setenv("CATCHMENT_SERVER", address)
        made.write("surely.token", admitted(made, address, "surely", "--role", "verifier"))
        monkeypatch.setenv("CATCHMENT_TOKEN", admitted(made, address, "acme"))
        yield made


def enterprise(name: str) -> str:
    return keyfile.read(Path(f"{name}.key"), production=False).enterprise


def accredit(at: Terminal, name: str = "surely", *options: str) -> Said:
    chosen = options or ("--until", "2099-12-31")
    return at.ok("accredit", enterprise(name), "--standard", STANDARD, "--scope", "inventory",
                 *chosen, "--yes")  # fmt: skip


def attest(at: Terminal, digest: str, name: str = "surely", **options: str) -> Said:
    chosen = {
        "standard": STANDARD,
        "level": "limited",
        "scope": "Meters and invoices.",
        "until": "2099-06-30",
        "token": Path("surely.token").read_text(),
        **options,
    }
    flags = [part for option, value in chosen.items() for part in (f"--{option}", value)]
    return at.run("attest", digest, *flags, "--key", f"{name}.key", "--yes")


def sent(at: Terminal, kind: str, *options: str, **members: Any) -> str:
    at.write("said.json", {**EXAMPLES[kind], **members})
    at.ok("sign", "said.json", "--key", "acme.key", "--out", "said.jws", *options)
    digest: str = at.ok("submit", "said.jws", "--json").json[0]["digest"]
    return digest


@pytest.fixture
def inventory(at: Terminal) -> str:
    sent(at, "site")
    return sent(at, "inventory")


def shown(digest: str) -> Any:
    headers = {"Authorization": f"Bearer {os.environ['CATCHMENT_TOKEN']}"}
    address = f"{os.environ['CATCHMENT_SERVER']}/v1/statements/{digest}"
    return requests.get(address, headers=headers, timeout=HANG_SECONDS).json()


def test_a_statement_shows_who_verified_it(at: Terminal, inventory: str) -> None:
    assert shown(inventory)["attestations"] == []
    assert "is accredited" in accredit(at).out
    said = attest(at, inventory)
    assert said.code == 0, said.err
    (opinion,) = shown(inventory)["attestations"]
    assert opinion.pop("digest")
    assert opinion == {
        "verifier": enterprise("surely"),
        "name": "Surely",
        "standard": STANDARD,
        "level": "limited",
        "scope": "Meters and invoices.",
        "until": "2099-06-30",
        "state": "in-force",
    }


def test_an_opinion_falls_silent_when_what_it_is_about_is_corrected(
    at: Terminal, inventory: str
) -> None:
    accredit(at)
    attest(at, inventory)
    corrected = sent(at, "inventory", "--prev", inventory, emissions=[])
    assert [each["state"] for each in shown(inventory)["attestations"]] == ["superseded"]
    assert shown(corrected)["attestations"] == []
    said = attest(at, inventory)
    assert (said.code, "is not in force" in said.err) == (1, True)


def test_an_opinion_signed_with_a_stolen_key_is_silent(at: Terminal, inventory: str) -> None:
    accredit(at)
    attest(at, inventory)
    kid = keyfile.read(Path("surely.key"), production=False).kid
    at.ok("revoke", kid, "--reason", "compromised", "--since", "2020-01-01T00:00:00Z", "--yes")
    assert [each["state"] for each in shown(inventory)["attestations"]] == ["suspect"]


def test_a_verifier_changes_its_opinion(at: Terminal, inventory: str) -> None:
    accredit(at)
    attest(at, inventory)
    assert attest(at, inventory, level="reasonable").code == 0
    assert [each["level"] for each in shown(inventory)["attestations"]] == ["reasonable"]


def test_nobody_verifies_without_an_accreditation(at: Terminal, inventory: str) -> None:
    said = attest(at, inventory)
    assert said.code == 1
    assert "Ask the registrar for an accreditation" in said.err


@pytest.mark.parametrize(
    "options",
    [
        ("--from", "2020-01-01", "--until", "2020-12-31"),
        ("--from", "2098-01-01", "--until", "2099-01-01"),
    ],
)
def test_an_accreditation_counts_between_its_days(
    at: Terminal, inventory: str, options: tuple[str, ...]
) -> None:
    accredit(at, "surely", *options)
    said = attest(at, inventory)
    assert (said.code, "accredit" in said.err) == (1, True)
    accredit(at)
    assert attest(at, inventory).code == 0


def test_an_accreditation_is_for_standards_and_types(at: Terminal, inventory: str) -> None:
    accredit(at)
    assert attest(at, inventory, standard="ISO 9001").code == 1
    at.ok("accredit", enterprise("surely"), "--standard", "ISO 9001", "--scope", "recipe",
          "--until", "2099-12-31", "--serial", "1", "--yes")  # fmt: skip
    assert attest(at, inventory).code == 1


def test_nobody_verifies_itself(at: Terminal, inventory: str) -> None:
    at.ok("keygen", "--name", "Acme", "--log", "trust.json", "--out", "acme-verifier",
          "--enterprise", enterprise("acme"), "--role", "verifier")  # fmt: skip
    at.ok("admit", "acme-verifier.request.json", "--yes")
    accredit(at, "acme")
    said = attest(at, inventory, "acme-verifier")
    assert said.code == 1
    assert "cannot verify what it said itself" in said.err


def test_a_suppliers_key_does_not_attest(at: Terminal, inventory: str) -> None:
    admitted(at, os.environ["CATCHMENT_SERVER"], "mallory")
    accredit(at, "mallory")
    said = attest(at, inventory, "mallory")
    assert (said.code, "lacks the role “verifier”" in said.err) == (1, True)


def test_what_the_log_does_not_hold_cannot_be_verified(at: Terminal) -> None:
    accredit(at)
    said = attest(at, "0" * 64)
    assert (said.code, "is in force in this log" in said.err) == (1, True)


def test_only_an_enterprise_of_the_log_is_accredited(at: Terminal) -> None:
    stranger = EXAMPLES["enterprise"]["id"]
    said = at.run("accredit", stranger, "--standard", STANDARD, "--scope", "inventory",
                  "--until", "2099-12-31", "--yes")  # fmt: skip
    assert (said.code, "There is no enterprise" in said.err) == (1, True)


def test_an_opinion_ends_after_its_last_day(factory: Factory) -> None:
    acme, surely = factory.enterprise("Acme"), factory.enterprise("Surely", roles=("verifier",))
    said = acme.inventory(acme.site())
    factory.operator.accredit(surely)
    surely.say(
        Attestation(
            digest=said.digest,
            standard=STANDARD,
            level="limited",
            scope="Meters.",
            until=day("2026-06-30"),
        )
    )
    states = [
        [each.state for each in attestations_of(said.digest, True, factory.standing(), today)]
        for today in (dt.date(2026, 6, 30), dt.date(2026, 7, 1))
    ]
    assert states == [["in-force"], ["expired"]]


def test_what_cannot_be_an_accreditation_or_a_digest_is_told_in_a_sentence(at: Terminal) -> None:
    named = ("--standard", STANDARD, "--scope", "inventory", "--yes")
    wrong = at.run("accredit", "surely.json", "--until", "2027-12-31", *named)
    assert (wrong.code, "surely.json is not an id" in wrong.err) == (2, True)
    past = at.run("accredit", enterprise("surely"), "--until", "2020-12-31", *named)
    assert (past.code, "The accreditation ends before it starts. (/until)" in past.err) == (1, True)
    cut = at.run("erase", "0659", "--reason", "forged", "--key", "acme.key")
    assert (cut.code, "0659 is not a digest" in cut.err) == (2, True)
