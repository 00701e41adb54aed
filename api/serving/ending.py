"""How servers end: what is being answered is answered, and nobody waits for ever."""

from __future__ import annotations

import signal
from typing import Final

ENDING_SECONDS: Final = 30
"""How long workers have for what they are answering when their server is told to end."""


def end_when_told() -> None:
    """Let a worker that is told to end while it starts do so.

    It inherits handlers that set a flag of the server's and nothing else: it would go on, and the
    server would wait for it.
    """
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_DFL)
