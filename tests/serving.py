"""Servers in threads of this process, over real HTTP.

The system picks their ports as it binds them: nobody can come between.
"""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import TYPE_CHECKING

from werkzeug.serving import make_server

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


@contextmanager
def running(server: socketserver.BaseServer) -> Iterator[str]:
    """The address of a server that answers while the block runs."""
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def served(app: WSGIApplication) -> AbstractContextManager[str]:
    """The address of an application, each request to which has a thread."""
    return running(make_server("127.0.0.1", 0, app, threaded=True))


@contextmanager
def dripping(head: bytes) -> Iterator[str]:
    """The address of a server that sends ``head``, then a letter every now and then, for ever."""
    over = threading.Event()

    class Drip(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):  # whoever is answered has hung up
                self.request.sendall(head)
                while not over.wait(0.05):
                    self.request.sendall(b"x")

    with running(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Drip)) as address:
        try:
            yield address
        finally:
            over.set()
