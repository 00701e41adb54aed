"""From an empty folder to a figure that somebody else verifies offline: every step a command."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from api.importing.wanted import entity_id
from tests.e2e.deployment import COMMAND, Deployment, Member
from tests.e2e.test_worked_example import Rows, write_workbook
from tests.patience import HANG_SECONDS

YEAR = "2025"
PERIOD = {"period": YEAR, "site": "mill"}


def admitted(here: Deployment) -> Member:
    """An enterprise that makes something and runs a park."""
    here.run("keygen", "--name", "Mill", "--log", here.address, "--out", "mill")
    roles = ("--role", "supplier", "--role", "park")
    answer = here.run_json("admit", "mill.request.json", *roles, "--yes")
    enterprise = json.loads((here.folder / "mill.request.json").read_text())["enterprise"]
    return Member(here, enterprise, "mill.key", answer["token"])


def say(mill: Member, sheets: dict[str, Rows]) -> None:
    mill.imports(write_workbook(mill.deployment.folder / "said.xlsx", sheets))


def emitted(kg: str) -> Rows:
    return [{**PERIOD, "gas": "CO2", "amount": kg, "unit": "kg"}]


def say_everything(mill: Member) -> str:
    """A mill that emits 2 t in a park of its own, and buys nothing; gives the park's id."""
    place = {"latitude": "31.5", "longitude": "120.5", "time_zone": "Asia/Shanghai"}
    fence = "120 31; 121 31; 121 32; 120 32"
    site = entity_id(mill.id, "site", "mill")
    basis = {"basis_amount": "1000", "basis_unit": "kg", "line": "emission"}
    sheets = {
        "sites": [{"code": "mill", "name": "Mill", **place}],
        "products": [{"code": "bar", "name": "Bar", "unit": "kg"}],
        "production": [{"product": "bar", **PERIOD, "amount": "1000", "unit": "kg"}],
        "recipes": [{"product": "bar", **basis, **each} for each in emitted("2000")],
        "inventory": emitted("2000"),
        "parks": [{"code": "east", "name": "East park", "fence": fence}],
    }
    say(mill, sheets)
    say(mill, {"memberships": [{"park": "east", "site": site, "from": "2025-01-01"}]})
    return entity_id(mill.id, "park", "east")


def disclose(here: Deployment, park: str) -> None:
    """Let everybody read figures of the park."""
    said = {"type": "disclosure", "object": {"type": "figure", "id": park}, "level": "public"}
    (here.folder / "open.json").write_text(json.dumps(said))
    here.run("sign", "open.json", "--key", "mill.key", "--out", "open.jws")
    here.run("submit", "open.jws", "--server", here.address)


def verified(here: Deployment, bundle: str) -> tuple[int, Any]:
    """Exit code and report of somebody with the bundle and the trust file, and nothing else."""
    done = subprocess.run(
        [COMMAND, "verify", bundle, "--trust", "trust.json", "--json"],
        cwd=here.folder,
        env={name: text for name, text in os.environ.items() if name != "DATABASE_URL"},
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
    )
    return done.returncode, json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.only_on("sqlite", "is about commands; the worked example runs on both databases")
def test_a_published_figure_is_verified_by_whoever_has_its_bundle(
    database_setting: str, tmp_path: Path
) -> None:
    here = Deployment(tmp_path, database_setting)
    here.run("init", "--origin", "log.example.test")
    server = ("--server", here.address)
    with here.serving():
        mill = admitted(here)
        park = say_everything(mill)
        auditor = here.run_json("token", "issue", "--role", "auditor", "--label", "a")["token"]
        asked = ("publish", park, "--year", YEAR, "--key", mill.key)
        digest = here.run_json(*asked, *server, token=mill.token)["digest"]
        fetched = ("bundle", digest, *server, "--out")
        here.run(*fetched, "figure.zip", token=auditor)
        say(mill, {"inventory": emitted("3000")})
        disclose(here, park)
        here.run(*fetched, "later.zip", token=auditor)
        here.run(*fetched, "public.zip")
        shown = here.get(f"/v1/figures/{digest}", auditor)
    code, report = verified(here, "figure.zip")
    assert (code, report["verdict"]) == (0, "valid"), report
    numbers = {each["name"]: each["computed"] for each in report["numbers"]}
    assert (numbers["scope1"], numbers["t2"]) == ("2000", "2000")
    # What was corrected later does not make it wrong: it stands as of its prefix.
    assert shown["inputsSince"]["superseded"] == 1
    assert verified(here, "later.zip")[0] == 0
    # Everybody may read the figure, and only auditors what it was computed from.
    assert verified(here, "public.zip")[0] == 2
    altered = bytearray((tmp_path / "figure.zip").read_bytes())
    altered[len(altered) // 2] ^= 1
    (tmp_path / "altered.zip").write_bytes(altered)
    assert verified(here, "altered.zip")[0] == 1
