"""A real server over a factory's log: granian in processes of its own, spoken to over HTTP/1.1."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from api.keys.keyfile import write_secret
from tests import processes
from tests.e2e.deployment import free_port
from tests.factory import Factory

ROOT = Path(__file__).parents[2]
_START = "from api.serving.server import serve; from api.settings import Settings; "


@contextmanager
def serving(
    factory: Factory, folder: Path, *, workers: int = 1, waits_for: int = 0, **settings: object
) -> Iterator[str]:
    """The address of a server while the block runs, once all its workers have started, or some.

    ``folder`` becomes its data directory; ``settings`` are environment variables by name. It reads
    the real clock: statements sent to it are signed after ``factory.clock`` was set to that.
    """
    write_secret(folder / "signing-key.pem", factory.signer.private)
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    environ = os.environ | {
        "CATCHMENT_DATA": str(folder),
        "DATABASE_URL": factory.url,
        "CATCHMENT_PORT": str(port),
        "CATCHMENT_WORKERS": str(workers),
        **{name: str(value) for name, value in settings.items()},
    }
    command = [sys.executable, "-c", _START + "serve(Settings.from_env())"]
    log = folder / "server.log"
    with processes.serving(
        command, address, log, workers=waits_for or workers, env=environ, cwd=ROOT
    ):
        yield address
