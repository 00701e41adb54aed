"""What stands before a server in production: it ends TLS, and tells the server what it took off.

    with TlsProxy(folder, server.port) as proxy:
        requests.get(proxy.url, verify=str(proxy.certificate))

Bytes are forwarded as they are, but for the head of each request, which says from where, over what
and to which host it came. What a client says of that itself is thrown away, as a proxy must.
"""

from __future__ import annotations

import datetime as dt
import re
import socket
import ssl
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.patience import HANG_SECONDS

HOST = "localhost"
_ITS_OWN = re.compile(rb"\r\n(?:X-Forwarded-\w+|Connection):[^\r\n]*", re.IGNORECASE)
_PIECE = 65_536


class TlsProxy:
    """``https://localhost:<port>`` for the server on port ``backend``."""

    def __init__(self, folder: Path, backend: int) -> None:
        self.certificate = folder / "tls.pem"
        self._backend = backend
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(_certified(self.certificate, folder / "tls-key.pem"))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._accepting = threading.Thread(target=self._accept)
        self._serving: list[threading.Thread] = []

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self._listener.getsockname()[1]}"

    def __enter__(self) -> TlsProxy:
        self._accepting.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._listener.close()
        for each in self._serving:
            each.join()

    def _accept(self) -> None:
        with suppress(OSError):  # the listener is shut down
            while True:
                connection, _ = self._listener.accept()
                thread = threading.Thread(target=self._serve, args=(connection,))
                self._serving.append(thread)
                thread.start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(HANG_SECONDS)
        address = connection.getpeername()[0]
        with (
            suppress(OSError),
            connection,
            self._context.wrap_socket(connection, server_side=True) as client,
            socket.create_connection(("127.0.0.1", self._backend), HANG_SECONDS) as server,
        ):
            self._forward(client, server, address)

    def _forward(self, client: ssl.SSLSocket, server: socket.socket, address: str) -> None:
        head, body = _head_of(client)
        server.sendall(self._marked(head, address) + body)
        left = _length_of(head) - len(body)
        while left > 0 and (piece := client.recv(min(left, _PIECE))):
            server.sendall(piece)
            left -= len(piece)
        while piece := server.recv(_PIECE):
            client.sendall(piece)

    def _marked(self, head: bytes, address: str) -> bytes:
        host = self.url.removeprefix("https://")
        told = {
            "Connection": "close",
            "X-Forwarded-Proto": "https",
            "X-Forwarded-Host": host,
            "X-Forwarded-For": address,
        }
        lines = "".join(f"\r\n{name}: {value}" for name, value in told.items())
        return _ITS_OWN.sub(b"", head) + lines.encode() + b"\r\n\r\n"


def _head_of(client: ssl.SSLSocket) -> tuple[bytes, bytes]:
    """The head of a request without the empty line that ends it, and what came after."""
    received = b""
    while b"\r\n\r\n" not in received:
        piece = client.recv(_PIECE)
        if not piece:
            raise ConnectionError("the client went away")
        received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    return head, body


def _length_of(head: bytes) -> int:
    found = re.search(rb"\r\ncontent-length:\s*(\d+)", head, re.IGNORECASE)
    return int(found[1]) if found else 0


def _certified(certificate: Path, key_file: Path) -> Path:
    """Write a certificate for `HOST` that vouches for itself; the path of it with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    certificate.write_bytes(pem)
    key_file.write_bytes(pem + secret)
    return key_file
