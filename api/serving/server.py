"""Serving: granian in front of the application, in processes with several threads each."""

from __future__ import annotations

import socket
from dataclasses import replace
from functools import partial

from flask import Flask
from granian.constants import Interfaces
from granian.server import Server

from api import snapshots
from api.app import create_app
from api.errors import AddressRefused
from api.serving import errands, publishing
from api.serving.ending import ENDING_SECONDS, end_when_told
from api.settings import Settings


def serve(settings: Settings, host: str | None = None, port: int | None = None) -> None:
    """Serve until interrupted.

    Each process opens the database for itself and follows what the others append; the database's
    lock orders their transactions. One that dies is replaced; where that dies at once too, the
    server ends. Rates that are kept in memory are counted in each, so that an
    address gets as many times the limit as there are processes. Opens the log once before they
    start, so that what is wrong is told here and not by a worker.
    Raises AddressRefused, WitnessesRefused, and as `create_app`.
    """
    settings = replace(settings, host=host or settings.host, port=port or settings.port)
    create_app(settings)
    publishing.witnesses_of(settings)
    server = Server(
        "api.app:create_app",
        address=free_address(settings.host, settings.port),
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=settings.workers,
        workers_kill_timeout=ENDING_SECONDS,
        respawn_failed_workers=True,
        blocking_threads=settings.threads,
        websockets=False,
    )
    server.serve(target_loader=partial(_load, settings), wrap_loader=False)


def free_address(host: str, port: int) -> str:
    """The IP address of ``host``, where nobody listens on ``port`` yet. Raises AddressRefused.

    The server itself would not notice: it shares its port (SO_REUSEPORT), so that two of them,
    perhaps of two logs, would answer in turn.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            # What a server that has ended leaves behind is in nobody's way.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as failed:
        reason = failed.strerror or "it cannot be used"
        raise AddressRefused(host=host, port=port, reason=reason) from None
    return str(address[0])


def _load(settings: Settings) -> Flask:
    end_when_told()
    app = create_app(settings)
    publishing.start(app.extensions["catchment"])
    errands.start(app.extensions["catchment"])
    snapshots.start(app.extensions["catchment"])
    return app
