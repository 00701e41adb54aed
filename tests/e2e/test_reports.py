"""Reports and the park's page in a real browser: read under their policy, and printed on A4."""

from __future__ import annotations

import re
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.app import create_app
from api.keys.tokens import Tokens
from api.services import Services
from api.settings import Settings
from graph.engine import Engine
from tests.factory import Factory
from tests.patience import HANG_SECONDS
from tests.reported import YEAR, Reported
from tests.serving import served

pytestmark = pytest.mark.only_on("sqlite", "it is about pages, wherever the log lies")

CHROMIUM = shutil.which("chromium")
A4 = b"/MediaBox [0 0 594.95996 841.91998]"
PRINTED_WIDTH = 688
"""What lies between the margins of A4, 182 mm, in CSS pixels of 1/96 inch."""
MEASURE = """
<script>
  document.body.style.width = "%(width)dpx";
  const tables = [...document.querySelectorAll("table")];
  const clipped = tables.filter((each) => each.getBoundingClientRect().width > %(width)d + 1);
  const cells = [...document.querySelectorAll("th, td")];
  const over = cells.filter((each) => each.scrollWidth > each.clientWidth + 1);
  document.title = `${tables.length} tables, ${clipped.length} clipped, ${over.length} cells over`;
</script>
"""


@pytest.fixture
def reported(factory: Factory) -> Reported:
    made = Reported(factory)
    made.publish()
    made.host.disclose("figure", made.park)
    return made


@pytest.fixture
def server(factory: Factory) -> Iterator[str]:
    settings = Settings()
    tokens = Tokens(factory.engine, factory.clock)
    log, engine = factory.log, factory.engine
    services = Services(log, Engine(log), tokens, settings, engine, factory.clock)
    with served(create_app(settings, services=services)) as address:
        yield address


def browser(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            str(CHROMIUM),
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            f"--user-data-dir={folder}/browser",
            "--enable-logging=stderr",
            "--virtual-time-budget=5000",
            *arguments,
        ],
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        check=True,
    )


def as_printed(html: str) -> str:
    """The page as its rules for paper make it, on a screen as wide as the paper."""
    return html.replace("@media print", "@media all") + MEASURE % {"width": PRINTED_WIDTH}


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")
@pytest.mark.parametrize(("language", "words"), [("en", "Scope 1"), ("zh", "范围一")])
def test_a_report_is_read_and_printed_whole(
    server: str, reported: Reported, tmp_path: Path, language: str, words: str
) -> None:
    address = f"{server}/v1/parks/{reported.park}/report.html?year={YEAR}&lang={language}"
    page = browser(tmp_path, "--dump-dom", address)
    assert words in page.stdout
    assert "Content Security Policy" not in page.stderr

    with urllib.request.urlopen(address) as answered:
        html = answered.read().decode("utf-8")
    (tmp_path / "printed.html").write_text(as_printed(html), encoding="utf-8")
    size = f"--window-size={PRINTED_WIDTH},1000"
    measured = browser(tmp_path, size, "--dump-dom", (tmp_path / "printed.html").as_uri())
    (title,) = re.findall(r"<title>(.*?)</title>", measured.stdout)
    tables = html.count("<table")
    assert tables > 10
    assert title == f"{tables} tables, 0 clipped, 0 cells over"

    browser(tmp_path, f"--print-to-pdf={tmp_path}/report.pdf", address)
    printed = (tmp_path / "report.pdf").read_bytes()
    pages = len(re.findall(rb"/Type /Page\b", printed))
    assert pages > 1
    assert printed.count(A4) == pages, set(re.findall(rb"MediaBox .*", printed))


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_park_s_page_keeps_to_its_policy_and_prints(
    server: str, reported: Reported, tmp_path: Path, language: str
) -> None:
    address = f"{server}/parks/{reported.park}?year={YEAR}&lang={language}"
    page = browser(tmp_path, "--dump-dom", address)
    assert 'class="offsets"' in page.stdout
    assert "Content Security Policy" not in page.stderr
    browser(tmp_path, f"--print-to-pdf={tmp_path}/park.pdf", address)
    assert (tmp_path / "park.pdf").read_bytes().startswith(b"%PDF")
