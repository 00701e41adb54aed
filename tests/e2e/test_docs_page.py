"""The documentation page in a real browser, under the policy it is served with."""

from __future__ import annotations

import shutil
import subprocess
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
from tests.serving import served

CHROMIUM = shutil.which("chromium")


@pytest.fixture
def address(factory: Factory) -> Iterator[str]:
    settings = Settings()
    tokens = Tokens(factory.engine, factory.clock)
    log, engine = factory.log, factory.engine
    services = Services(log, Engine(log), tokens, settings, engine, factory.clock)
    with served(create_app(settings, services=services)) as address:
        yield address


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")
def test_the_docs_page_lists_the_operations_without_breaking_its_policy(
    address: str, tmp_path: Path
) -> None:
    page = subprocess.run(
        [
            str(CHROMIUM),
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            f"--user-data-dir={tmp_path}/browser",
            "--enable-logging=stderr",
            "--virtual-time-budget=10000",
            "--dump-dom",
            f"{address}/docs",
        ],
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        check=True,
    )
    assert 'data-path="/v1/statements"' in page.stdout
    assert "Submit one signed statement" in page.stdout
    assert "Content Security Policy" not in page.stderr
