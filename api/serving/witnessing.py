"""A witness on the web (C2SP tlog-witness), for whoever is not the log: a supplier association.

It needs a folder of its own with a key, a small database and its verifier key; nothing of the rest
of Catchment. ``POST /add-checkpoint`` is all it does. Answers are plain text in English: a log's
publisher reads them.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Final

import sqlalchemy.exc
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from api.errors import KeyFileRefused, WouldOverwrite, status_of
from api.keys import keyfile
from api.serving.ending import ENDING_SECONDS, end_when_told
from ledger.errors import (
    CatchmentError,
    KeyRefused,
    OldSizeDiffers,
    ProofMismatch,
    RootDiffers,
    WitnessUnprepared,
)
from ledger.keys import PrivateKey
from ledger.note import Kind, SignerKey, VerifierKey
from ledger.store import open_engine
from ledger.trust import Trust
from ledger.witness import MAX_SUBMISSION_BYTES, Store, Submission, Witness

SIZE_TYPE: Final = "text/x.tlog.size"

_TEXT_TYPE = "text/plain; charset=utf-8"
_KEY, _DATABASE, _VKEY = "witness-key.pem", "witness.db", "witness.vkey"
_THREADS = 4
_LOG = logging.getLogger("catchment.witness")


def init(folder: Path, name: str) -> VerifierKey:
    """Make a witness called ``name`` in ``folder``; the key that others will trust it by.

    Raises KeyRefused for a name that notes cannot carry, and WouldOverwrite.
    """
    signer = SignerKey(name, PrivateKey.generate("EdDSA"), Kind.COSIGNATURE)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in (folder / _DATABASE, folder / _VKEY):
        if path.exists():
            raise WouldOverwrite(path=str(path))
    keyfile.write_secret(folder / _KEY, signer.private)
    Store.create(open_engine(_url(folder)))
    (folder / _VKEY).write_text(f"{signer.verifier}\n", "utf-8")
    return signer.verifier


def open_witness(folder: Path, logs: Iterable[Trust]) -> Witness:
    """The witness in ``folder``, following ``logs``.

    Raises WitnessUnprepared where something is missing, and KeyFileRefused for another's key.
    """
    for name in (_KEY, _DATABASE, _VKEY):
        if not (folder / name).is_file():
            raise WitnessUnprepared(path=str(folder))
    keys: dict[str, list[VerifierKey]] = {}
    for trust in logs:  # a log whose key was replaced is named twice
        keys.setdefault(trust.origin, []).append(trust.verifier)
    return Witness(_signer(folder), keys, Store(open_engine(_url(folder))), _clock_s)


def create_app(witness: Witness) -> Flask:
    """The application of one witness."""
    app = Flask("witness", static_folder=None)
    # One byte more than is taken tells a stream that is too long from one that ends there.
    app.config["MAX_CONTENT_LENGTH"] = MAX_SUBMISSION_BYTES + 1
    app.add_url_rule(
        "/add-checkpoint", view_func=partial(_add_checkpoint, witness), endpoint="add",
        methods=["POST"],
    )  # fmt: skip
    app.add_url_rule("/health", view_func=_health, endpoint="health", methods=["GET"])
    app.register_error_handler(CatchmentError, _refusal)
    app.register_error_handler(OldSizeDiffers, _other_size)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(sqlalchemy.exc.OperationalError, _database)
    return app


def serve(folder: Path, logs: tuple[Path, ...], host: str, port: int) -> None:
    """Serve until interrupted. Raises AddressRefused, TrustRefused, and as `open_witness`."""
    from granian.constants import Interfaces
    from granian.server import Server

    from api.serving.server import free_address

    _load(folder, logs)
    server = Server(
        "api.serving.witnessing:create_app",
        address=free_address(host, port),
        port=port,
        interface=Interfaces.WSGI,
        workers=1,
        workers_kill_timeout=ENDING_SECONDS,
        blocking_threads=_THREADS,
        websockets=False,
    )
    server.serve(target_loader=partial(_load, folder, logs), wrap_loader=False)


def _load(folder: Path, logs: tuple[Path, ...]) -> Flask:
    end_when_told()
    return create_app(open_witness(folder, map(Trust.read, logs)))


def _add_checkpoint(witness: Witness) -> Response:
    body = request.get_data()
    try:
        return _text(witness.cosign(Submission.parse(body)).line)
    except (RootDiffers, ProofMismatch) as refused:
        # The log signed this, and it does not continue what it signed before.
        _LOG.warning("%s\n%s", refused, body.decode("utf-8", "backslashreplace"))
        raise


def _health() -> Response:
    return _text("ok\n")


def _refusal(error: CatchmentError) -> Response:
    return _text(f"{error}\n", status_of(error))


def _other_size(error: OldSizeDiffers) -> Response:
    return Response(f"{error.params['size']}\n", HTTPStatus.CONFLICT, content_type=SIZE_TYPE)


def _http(raised: HTTPException) -> Response:
    return _text(f"{raised.name}\n", raised.code or HTTPStatus.INTERNAL_SERVER_ERROR)


def _database(error: sqlalchemy.exc.OperationalError) -> Response:
    _LOG.error("The database failed", exc_info=error)
    return _text("The database does not answer.\n", HTTPStatus.SERVICE_UNAVAILABLE)


def _text(body: str | bytes, status: int = HTTPStatus.OK) -> Response:
    return Response(body, status, content_type=_TEXT_TYPE)


def _signer(folder: Path) -> SignerKey:
    path = folder / _KEY
    try:
        named = VerifierKey.parse((folder / _VKEY).read_text("utf-8").strip(), Kind.COSIGNATURE)
        private = PrivateKey.from_pem(path.read_bytes())
    except KeyRefused as refused:
        raise KeyFileRefused(path=str(path), reason=refused.params["reason"]) from None
    if private.public != named.public:
        raise KeyFileRefused(path=str(path), reason="witness.vkey is of another key")
    return SignerKey(named.name, private, Kind.COSIGNATURE)


def _url(folder: Path) -> str:
    return f"sqlite:///{folder / _DATABASE}"


def _clock_s() -> int:
    return int(time.time())
