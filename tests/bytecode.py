"""Bytecode of what is imported, where none may be written beside the sources."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def kept_elsewhere() -> Iterator[None]:
    """Keep it in a folder of its own while the block runs, for all processes started meanwhile.

    Each of them would compile everything anew, which takes longer than all else most of them do.
    """
    if not os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
        yield
        return
    with tempfile.TemporaryDirectory(
        prefix="catchment-bytecode-", ignore_cleanup_errors=True
    ) as compiled:
        os.environ["PYTHONPYCACHEPREFIX"] = compiled
        yield
