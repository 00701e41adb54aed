"""docs/ledger.md names a test for every promise and every threat, and each test it names exists."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs/ledger.md").read_text("utf-8")
NAMED = re.compile(r"`(test_\w+)`")


def _rows(heading: str) -> list[str]:
    """The rows of the first table below a heading, without its head."""
    section = DOCUMENT.split(f"\n{heading}\n")[1].split("\n## ")[0]
    return [line for line in section.splitlines() if line.startswith("|")][2:]


def test_every_test_that_is_named_exists() -> None:
    sources = "\n".join(path.read_text("utf-8") for path in ROOT.glob("tests/**/test_*.py"))
    existing = set(re.findall(r"^def (test_\w+)\(", sources, re.MULTILINE))
    assert set(NAMED.findall(DOCUMENT)) - existing == set()


def test_every_promise_names_whom_it_needs_and_a_test() -> None:
    for row in _rows("## Promises"):
        _, promise, needs, shown, _ = row.split("|")
        assert promise.strip()
        assert needs.strip()
        assert NAMED.search(shown), promise


def test_all_22_threats_have_a_test() -> None:
    rows = [row.split("|") for row in _rows("## Threats")]
    assert [int(row[1]) for row in rows] == list(range(1, 23))
    assert all(NAMED.search(row[4]) for row in rows)
