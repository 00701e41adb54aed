"""The examples in docs/examples do what they say, in each language, against a real server."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from api.subscriptions import signatures
from tests.e2e.deployment import COMMAND, Deployment, Member, free_port
from tests.patience import HANG_SECONDS, until
from tests.processes import running

EXAMPLES = Path(__file__).parents[2] / "docs/examples"
LANGUAGES = {
    "python": ([sys.executable], ".py"),
    "curl": (["sh"], ".sh"),
    "javascript": (["node"], ".mjs"),
}
KINDS = ("product", "footprint", "disclosure")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NEEDS = {"python": (), "curl": ("curl", "openssl"), "javascript": ("node",)}

pytestmark = pytest.mark.only_on("sqlite", "about programs that call, not about the database")


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    deployment = Deployment(tmp_path_factory.mktemp("here"), starts_commands=False)
    deployment.run("init", "--origin", "log.example/examples")
    with deployment.serving():
        yield deployment


def command(language: str, name: str, *arguments: str) -> list[str]:
    """How an example is begun; skips where the machine lacks its language."""
    if missing := [each for each in NEEDS[language] if shutil.which(each) is None]:
        pytest.skip(f"not installed here: {', '.join(missing)}")
    interpreter, suffix = LANGUAGES[language]
    return [*interpreter, str(EXAMPLES / language / f"{name}{suffix}"), *arguments]


def ended(
    language: str, name: str, *arguments: str, folder: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    """An example that has run."""
    return subprocess.run(
        command(language, name, *arguments),
        cwd=folder,
        env=os.environ | {"WAIT_SECONDS": str(HANG_SECONDS)} | environment,
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
    )


def run(language: str, name: str, *arguments: str, folder: Path, **environment: str) -> str:
    """What an example prints that does what it is for."""
    done = ended(language, name, *arguments, folder=folder, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def statements(folder: Path, *more: Path) -> list[str]:
    """The example statements, about products that nobody else has declared."""
    files = [f"{name}.json" for name in KINDS]
    copied(folder, *(EXAMPLES / "statements" / name for name in files), *more)
    return files


def copied(folder: Path, *files: Path) -> None:
    """Copies of files; ids of products and footprints are others, but the same in all of them."""
    fresh: dict[str, str] = defaultdict(lambda: str(uuid.uuid4()))
    for file in files:
        text = UUID.sub(lambda known: fresh[known.group()], file.read_text("utf-8"))
        (folder / file.name).write_text(text, "utf-8")


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
        [*checked, "--trust", trust],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def buyer(here: Deployment) -> dict[str, str]:
    """The credentials of a buyer's program, and something for it to read: 12 public footprints."""
    supplier = here.admitted("Supplier of many")
    many = [here.folder / f"many-{number}" for number in range(12)]
    for folder in many:
        folder.mkdir()
    files = [str(folder / name) for folder in many for name in statements(folder)]
    key = str(here.folder / supplier.key)
    run("python", "declare", here.address, key, *files, folder=here.folder)
    member = here.admitted("Delta Motors", role="supplier")
    return credentials(here, member)


def credentials(here: Deployment, member: Member, role: str = "procurement") -> dict[str, str]:
    made = here.run_json("client", "add", "Program", "--role", role, "--enterprise", member.id)
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


# --- Comparing ---


@pytest.fixture(scope="module")
def offers(here: Deployment) -> Path:
    """The example offers, of products whose footprints stand."""
    supplier = here.admitted("Two Strips")
    folder = here.folder / "offers"
    folder.mkdir()
    more = [EXAMPLES / f"statements/galvanised-{name}.json" for name in KINDS]
    files = statements(folder, *more, EXAMPLES / "offers.json")
    files += [each.name for each in more]
    run("python", "declare", here.address, str(here.folder / supplier.key), *files, folder=folder)
    return folder / "offers.json"


@pytest.mark.parametrize("language", ["python", "javascript"])
def test_offers_are_compared_and_verdicts_have_reasons(
    here: Deployment, buyer: dict[str, str], offers: Path, tmp_path: Path, language: str
) -> None:
    """1.92 kg CO2e per kg are 1920 per tonne, within 2000; 2.31 are not."""
    told = run(language, "compare", here.address, str(offers), folder=tmp_path, **buyer)
    lines = told.splitlines()
    assert lines[0] == "Cold-rolled: passed, 1920 kg CO2e per TNE"
    assert lines[1] == "Galvanised: failed, 2310 kg CO2e per TNE"
    assert lines[2].startswith("  above-limit: ")
    assert lines[3] == "Unheard of: refused, –"
    assert lines[4].startswith("  not-registered: ")
    assert lines[5] == "First of those that pass: Cold-rolled"


def test_offers_are_compared_with_curl(
    here: Deployment, buyer: dict[str, str], offers: Path, tmp_path: Path
) -> None:
    compared = json.loads(
        run("curl", "compare", here.address, str(offers), folder=tmp_path, **buyer)
    )
    assert [each["verdict"] for each in compared["offers"]] == ["passed", "failed", "refused"]
    assert compared["first"] == "Cold-rolled"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_question_that_is_refused_says_why_and_ends_with_an_error(
    here: Deployment, buyer: dict[str, str], offers: Path, tmp_path: Path, language: str
) -> None:
    asked = json.loads(offers.read_text("utf-8")) | {"unit": "furlong"}
    (tmp_path / "offers.json").write_text(json.dumps(asked))
    done = ended(language, "compare", here.address, "offers.json", folder=tmp_path, **buyer)
    assert done.returncode != 0
    assert "furlong" in done.stdout + done.stderr


# --- Requests ---


def test_a_supplier_answers_those_it_names_and_is_told_what_else_to_do(
    here: Deployment, tmp_path: Path
) -> None:
    supplier, first, second = (here.admitted(name) for name in ("Asked", "Named", "Not named"))
    key = str(here.folder / supplier.key)
    product, footprint, _ = statements(tmp_path)
    run("python", "declare", here.address, key, product, footprint, folder=tmp_path)
    asked = json.loads((tmp_path / product).read_text())["id"]
    for buyer in (first, second):
        here.run("requests", "ask", asked, "--server", here.address, token=buyer.token)
    program = credentials(here, supplier, "supplier")
    told = run("python", "answer", here.address, key, first.id, folder=tmp_path, **program)
    assert f"Named ({first.id}), Cold-rolled strip: answered" in told
    assert f"Not named ({second.id}), Cold-rolled strip: open\n  A footprint that" in told
    path = f"/v1/products/{asked}/footprint"
    assert here.get(path, first.token)["value"] == "1.92"
    url = f"{here.address}{path}"
    headers = {"Authorization": f"Bearer {second.token}"}
    assert requests.get(url, headers=headers, timeout=HANG_SECONDS).status_code == 403


# --- Webhooks ---


@contextmanager
def receiving(language: str, secret: str, port: int, told: Path) -> Iterator[str]:
    """An example that receives; what it prints goes to ``told``."""
    begun = command(language, "webhook", str(port))
    environment = os.environ | {"WEBHOOK_SECRET": secret}
    with (
        told.open("w") as output,
        running(begun, env=environment, stdout=output, stderr=output) as program,
    ):
        until(lambda: answers(port) or program.poll() is not None)
        assert program.poll() is None, told.read_text()
        yield f"http://127.0.0.1:{port}/"


def answers(port: int) -> bool:
    try:
        return bool(requests.post(f"http://127.0.0.1:{port}/", timeout=HANG_SECONDS).status_code)
    except requests.ConnectionError:
        return False


@pytest.mark.parametrize("language", ["python", "javascript"])
def test_what_the_server_sends_is_received_and_what_others_send_is_not(
    here: Deployment, tmp_path: Path, language: str
) -> None:
    supplier, port = here.admitted(f"Subscriber {language}"), free_port()
    key, (product, *_) = str(here.folder / supplier.key), statements(tmp_path)
    run("python", "declare", here.address, key, product, folder=tmp_path)
    asked = json.loads((tmp_path / product).read_text())["id"]
    there = ("--server", here.address)
    made = here.run_json(
        "subscribe", "product", asked, f"http://127.0.0.1:{port}/", *there, token=supplier.token
    )
    told = tmp_path / "told"
    with receiving(language, made["secret"], port, told) as url:
        here.run("subscriptions", "--test", made["id"], *there, token=supplier.token)
        until(lambda: "org.catchment.subscription.test.1" in told.read_text())
        forged = b'{"type": "forged", "data": {}}'
        stranger, own = signatures.new_secret(), made["secret"]

        def post(sent: bytes, *secrets: str, late: int = 0, signed: bytes = b"") -> int:
            now = int(time.time())
            headers = signatures.headers(secrets, "1", now + late, signed or sent)
            return requests.post(url, sent, headers=headers, timeout=HANG_SECONDS).status_code

        assert post(forged, stranger) == 401
        assert [post(forged, own, late=late) for late in (-86_400, 86_400)] == [401, 401]
        assert post(forged, own, signed=b"{}") == 401
        assert post(b'{"type": "both", "data": {}}', stranger, own) == 204
        until(lambda: "both {}" in told.read_text())
    assert "forged" not in told.read_text()


def test_a_saved_webhook_is_checked_with_openssl(tmp_path: Path) -> None:
    secret, body = signatures.new_secret(), b'{"data": {}}\n'
    signed = signatures.headers([signatures.new_secret(), secret], "an-id", 1_767_225_600, body)
    lines = "".join(f"{name.title()}: {value}\r\n" for name, value in signed.items())
    (tmp_path / "headers").write_text(lines)
    (tmp_path / "body").write_bytes(body)
    files = ("headers", "body")
    told = run("curl", "webhook", *files, folder=tmp_path, WEBHOOK_SECRET=secret)
    assert "Genuine: event an-id" in told
    (tmp_path / "body").write_bytes(body.rstrip())
    done = ended("curl", "webhook", *files, folder=tmp_path, WEBHOOK_SECRET=secret)
    assert done.returncode == 1
    assert "Not made with this secret" in done.stderr


def test_a_program_asks_by_event_and_is_answered_by_event(
    here: Deployment, buyer: dict[str, str], tmp_path: Path
) -> None:
    port, caller = str(free_port()), {"CALLER_ID": "catchment", "CALLER_SECRET": "its secret there"}
    here.run(
        "partner", "add", "Delta's system", "--url", f"http://127.0.0.1:{port}",
        "--enterprise", "Delta Motors", "--client", buyer["CLIENT_ID"],
        "--client-id", caller["CALLER_ID"], "--secret", caller["CALLER_SECRET"],
    )  # fmt: skip
    wanted = "productId=urn:gtin:6901234000016"
    told = run("python", "request", here.address, port, wanted, folder=tmp_path, **buyer, **caller)
    assert "fulfilled: Cold-rolled strip, 1.92 kg CO2e" in told
    asked = (here.address, port, "productId=urn:gtin:4006381333931")
    done = ended("python", "request", *asked, folder=tmp_path, **buyer, **caller)
    assert done.returncode == 1
    assert "rejected: " in done.stderr
