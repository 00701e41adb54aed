"""Fixtures that every floor's tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.factory import Factory


@pytest.fixture
def factory(tmp_path: Path) -> Factory:
    """A fresh log that holds its genesis and nothing else."""
    return Factory(tmp_path)
