"""Serving: granian in front of the application, one process with several threads."""

from __future__ import annotations

from functools import partial

from flask import Flask
from granian.constants import Interfaces
from granian.server import Server

from api.app import create_app
from api.settings import Settings


def serve(settings: Settings, host: str | None = None, port: int | None = None) -> None:
    """Serve until interrupted.

    One process, because rates are counted in it; its threads wait for the database in turn. Opens
    the log once before it starts, so that what is wrong is told here and not by a worker.
    """
    create_app(settings)
    server = Server(
        "api.app:create_app",
        address=host or settings.host,
        port=port or settings.port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=settings.threads,
        websockets=False,
    )
    server.serve(target_loader=partial(_load, settings), wrap_loader=False)


def _load(settings: Settings) -> Flask:
    return create_app(settings)
