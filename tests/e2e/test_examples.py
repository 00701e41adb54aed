"""The examples in docs/examples do what they say, in each language, against a real server."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.deployment import COMMAND, Deployment, Member

EXAMPLES = Path(__file__).parents[2] / "docs/examples"
LANGUAGES = {
    "python": ([sys.executable], ".py"),
    "curl": (["sh"], ".sh"),
    "javascript": (["node"], ".mjs"),
}
NEEDS = {"python": (), "curl": ("curl", "openssl"), "javascript": ("node",)}

pytestmark = pytest.mark.only_on("sqlite", "about programs that call, not about the database")


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    deployment = Deployment(tmp_path_factory.mktemp("here"), starts_commands=False)
    deployment.run("init", "--origin", "log.example/examples")
    with deployment.serving():
        yield deployment


def run(language: str, name: str, *arguments: str, folder: Path, **environment: str) -> str:
    """What an example of a language prints; skips where the machine lacks the language."""
    if missing := [each for each in NEEDS[language] if shutil.which(each) is None]:
        pytest.skip(f"not installed here: {', '.join(missing)}")
    interpreter, suffix = LANGUAGES[language]
    command = [*interpreter, str(EXAMPLES / language / f"{name}{suffix}"), *arguments]
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def statements(folder: Path) -> list[str]:
    """The example statements, about a product that nobody else has declared."""
    fresh = {
        "3f0c6a52-7f0e-4f4b-9c5e-52a0a5b7d101": str(uuid.uuid4()),
        "8d3f2c10-5b7a-4c1e-9a64-2f1d7f0a9b02": str(uuid.uuid4()),
    }
    for name in ("product", "footprint", "disclosure"):
        text = (EXAMPLES / f"statements/{name}.json").read_text("utf-8")
        for known, new in fresh.items():
            text = text.replace(known, new)
        (folder / f"{name}.json").write_text(text, "utf-8")
    return ["product.json", "footprint.json", "disclosure.json"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_supplier_declares_a_footprint(here: Deployment, tmp_path: Path, language: str) -> None:
    supplier = here.admitted(f"Strip Works {language}")
    files = statements(tmp_path)
    key = str(here.folder / supplier.key)
    told = run(language, "declare", here.address, key, *files, folder=tmp_path)
    assert [line.partition(":")[0] for line in told.splitlines()] == files
    found = here.get("/v1/statements", supplier.token, type="footprint", subject=supplier.id)
    (mine,) = found["items"]
    assert mine["payload"]["pact"] == json.loads((tmp_path / files[1]).read_text())["pact"]
    trust = str(here.folder / "trust.json")
    checked = [COMMAND, "verify", "product.tlog-proof", "--statement", "product.jws"]
    done = subprocess.run(
        [*checked, "--trust", trust], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def buyer(here: Deployment) -> dict[str, str]:
    """The credentials of a buyer's program, and something for it to read: 12 public footprints."""
    supplier = here.admitted("Supplier of many")
    folder = here.folder / "many"
    folder.mkdir()
    for _ in range(12):
        run(
            "python", "declare", here.address, str(here.folder / supplier.key), *statements(folder),
            folder=folder,
        )  # fmt: skip
    member = here.admitted("Delta Motors", role="supplier")
    return credentials(here, member)


def credentials(here: Deployment, member: Member) -> dict[str, str]:
    made = here.run_json(
        "client", "add", "Delta", "--role", "procurement", "--enterprise", member.id
    )
    return {"CLIENT_ID": made["client_id"], "CLIENT_SECRET": made["client_secret"]}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_buyers_program_reads_every_page(
    here: Deployment, buyer: dict[str, str], tmp_path: Path, language: str
) -> None:
    told = run(
        language, "footprints", here.address, "productId=urn:gtin:6901234000016", "status=Active",
        "limit=5", folder=tmp_path, **buyer,
    )  # fmt: skip
    assert told.count("Cold-rolled strip") >= 12
    assert "1.92" in told
