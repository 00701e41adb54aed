"""Connections that are cut after so many seconds, however slowly the other side answers.

A timeout is for each piece that comes: who sends one byte of a header at a time is never late.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class Timed(HTTPConnection):
    """A connection that lasts for ``seconds`` at most."""

    seconds: float
    _watch: threading.Timer | None = None

    def _new_conn(self) -> socket.socket:
        made = self._opened()
        self._watch = threading.Timer(self.seconds, self._hang_up)
        self._watch.daemon = True
        self._watch.start()
        return made

    def _opened(self) -> socket.socket:
        return super()._new_conn()

    def _hang_up(self) -> None:
        with suppress(OSError):
            if self.sock is not None:
                self.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
        super().close()


class TimedAdapter(HTTPAdapter):
    """Connects as usual, for so many seconds at most."""

    def __init__(self, seconds: float) -> None:
        self._pools = _pools(seconds)
        super().__init__(pool_connections=1, pool_maxsize=1)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> PoolManager:
        manager: PoolManager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = self._pools
        return manager


def _pools(lasts: float) -> dict[str, type[HTTPConnectionPool]]:
    class Plain(Timed):
        seconds = lasts

    class Secure(Timed, HTTPSConnection):
        seconds = lasts

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}
