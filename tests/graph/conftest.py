"""Fixtures of the graph floor: published tables, read from beside the project."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of tables made by others; the project carries no copy of them."""
    if not SHARED.is_dir():
        pytest.skip("published tables are absent: expected in ../shared/data")
    return SHARED
