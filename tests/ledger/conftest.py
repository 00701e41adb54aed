"""The public test vectors, where the checkout has them beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

VECTORS = Path(__file__).resolve().parents[2] / "../shared/data/vectors"


@pytest.fixture(scope="session")
def vectors() -> Path:
    if not VECTORS.is_dir():
        pytest.skip("public test vectors are absent: ../shared/data/vectors")
    return VECTORS
