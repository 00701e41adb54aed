"""Publishing: every so often the latest checkpoint goes to the witnesses, and is shown cosigned.

Whom to ask is said in a file (``CATCHMENT_WITNESSES``)::

    {"witnesses": [{"url": "https://witness.example", "vkey": "witness.example+…"}], "quorum": 1}

``quorum`` is how many cosignatures make it worth publishing before the rest have answered; what a
reader demands is said in the reader's own trust file. Witnesses are asked side by side, each with
the proof from the tree it knows (C2SP tlog-witness). None is believed: a cosignature is verified
before it is kept, and who is slow, absent or wrong costs its own cosignature and nobody's time.
The log itself waits for none of this. Without witnesses the log's own note is published.
"""

from __future__ import annotations

import logging
import queue
import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import requests
import sqlalchemy as sa

from api.errors import WitnessesRefused, WitnessUnhelpful
from api.opening import clock_ms
from api.services import Services
from api.serving.leases import lease
from api.settings import Settings
from ledger import strict_json
from ledger.checkpoint import Checkpoint
from ledger.errors import CatchmentError, KeyRefused
from ledger.log import Log
from ledger.note import Cosignature, Kind, VerifierKey, open_note, text_of
from ledger.published import Published
from ledger.store import open_engine
from ledger.witness import Submission

ROUND_SECONDS: Final = 8
"""How long a round waits for witnesses: less than the shortest time between two rounds."""
_TIMEOUT: Final = (3, 5)
_LEASE_MS = 2 * ROUND_SECONDS * 1000
_MOST_ANSWER_BYTES = 16 * 1024
_MOST_FILE_BYTES = 64 * 1024
_SIZE_TYPE = "text/x.tlog.size"
_LOG = logging.getLogger("catchment.publishing")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a witness is asked, and the key it answers with."""

    url: str
    key: VerifierKey


@dataclass(frozen=True, slots=True)
class Witnesses:
    """Whom to ask, and how many cosignatures are worth publishing at once."""

    addresses: tuple[Address, ...] = ()
    quorum: int = 0

    @classmethod
    def read(cls, path: Path) -> Witnesses:
        """Read the file; raises WitnessesRefused."""
        try:
            with path.open("rb") as file:
                members = strict_json.loads(file.read(_MOST_FILE_BYTES))
        except OSError as failed:
            reason = failed.strerror or "it cannot be read"
            raise WitnessesRefused(path=str(path), reason=reason) from None
        except CatchmentError:
            raise WitnessesRefused(path=str(path), reason="it is not strict JSON") from None
        try:
            return cls._of(members)
        except KeyRefused:
            reason = "the vkey of a witness is malformed"
            raise WitnessesRefused(path=str(path), reason=reason) from None
        except ValueError as refused:
            raise WitnessesRefused(path=str(path), reason=str(refused)) from None

    @classmethod
    def _of(cls, members: Any) -> Witnesses:
        """Raises ValueError or KeyRefused."""
        if not isinstance(members, dict) or members.keys() != {"witnesses", "quorum"}:
            raise ValueError("its members are not witnesses and quorum")
        witnesses, quorum = members["witnesses"], members["quorum"]
        if not isinstance(witnesses, list):
            raise ValueError("its witnesses are not a list")
        addresses = tuple(map(_address, witnesses))
        if len({each.key.public for each in addresses}) < len(addresses):
            raise ValueError("two of its witnesses have the same key")
        if type(quorum) is not int or not 0 <= quorum <= len(addresses):
            raise ValueError("its quorum is more than it has witnesses")
        return cls(addresses, quorum)


@dataclass
class Asked:
    """One witness, what it is known to have cosigned, and the question that is under way."""

    address: Address
    size: int = 0
    thread: threading.Thread | None = None
    session: requests.Session = field(default_factory=requests.Session)

    @property
    def is_busy(self) -> bool:
        return self.thread is not None and self.thread.is_alive()

    def cosign(self, log: Log, signed: bytes) -> Cosignature:
        """The witness's cosignature of ``signed``, verified.

        One that knows another tree than expected says so, and is asked once more from there.
        Raises WitnessUnhelpful, OutsideTree for one that has seen more than there is, NoteRefused,
        and what the connection does.
        """
        size = Checkpoint.parse(text_of(signed)).size
        status, body = self._post(log, signed, size)
        if status == HTTPStatus.CONFLICT:
            self.size = _size(body, self.address.url)
            status, body = self._post(log, signed, size)
        if status != HTTPStatus.OK:
            raise WitnessUnhelpful(url=self.address.url, status=status)
        opened = open_note(signed + body, [log.verifier, self.address.key])
        if not opened.cosignatures:
            raise WitnessUnhelpful(url=self.address.url, status=status)
        self.size = size
        return opened.cosignatures[0]

    def _post(self, log: Log, signed: bytes, size: int) -> tuple[int, bytes]:
        """Status and body; a body of a conflict that does not state a size is no conflict's."""
        proof = log.consistency(self.size, size) if self.size else []
        with self.session.post(
            f"{self.address.url}/add-checkpoint",
            Submission(self.size, tuple(proof), signed).encode(),
            headers={"Content-Type": "text/plain; charset=utf-8", "Accept-Encoding": "identity"},
            timeout=_TIMEOUT,
            allow_redirects=False,
            stream=True,
        ) as response:
            body = response.raw.read(_MOST_ANSWER_BYTES)
            if response.status_code == HTTPStatus.CONFLICT and (
                response.headers.get("Content-Type") != _SIZE_TYPE
            ):
                return HTTPStatus.BAD_GATEWAY, body
            return response.status_code, body


class Publisher:
    """Publishes the checkpoints of ``log``; of several on one database one at a time."""

    def __init__(self, log: Log, database: sa.Engine, witnesses: Witnesses) -> None:
        self._log, self._database, self._quorum = log, database, witnesses.quorum
        self._asked = [Asked(address) for address in witnesses.addresses]
        keys = [address.key for address in witnesses.addresses]
        self._published = Published(database, log.verifier, keys)
        self._name = secrets.token_hex(8)

    def publish_once(self, round_seconds: float = ROUND_SECONDS) -> bytes | None:
        """Publish the latest checkpoint; the note as published.

        Asks only who has not cosigned it. None if another process is at it.
        """
        signed = self._log.checkpoint()
        kept = self._published.cosignatures(signed)
        have = {each.witness for each in kept or ()}
        wanted = [each for each in self._asked if each.address.key not in have]
        if kept is not None and not wanted:
            return self._log.published()
        with lease(self._database, "publish", self._name, clock_ms, _LEASE_MS) as held:
            return self._round(signed, len(have), wanted, round_seconds) if held else None

    def run(self, seconds: float, stop: threading.Event) -> None:
        """Publish every so many ``seconds`` until stopped, whatever goes wrong in between."""
        while not stop.is_set():
            try:
                self.publish_once()
            except (CatchmentError, sa.exc.SQLAlchemyError, OSError):
                _LOG.exception("The checkpoint was not published")
            stop.wait(seconds)

    def _round(self, signed: bytes, have: int, wanted: list[Asked], seconds: float) -> bytes:
        new: list[Cosignature] = []
        for cosignature in self._answers(signed, wanted, seconds):
            new.append(cosignature)
            if have + len(new) == self._quorum:
                self._published.keep(signed, new)  # readers need not wait for the rest
        return self._published.keep(signed, new)

    def _answers(self, signed: bytes, asked: list[Asked], seconds: float) -> Iterator[Cosignature]:
        """Cosignatures as they come in, for so many ``seconds``.

        A witness that takes longer is left to its thread, and not asked again before that ends.
        """
        answers: queue.Queue[Cosignature | None] = queue.Queue()
        free = [each for each in asked if not each.is_busy]
        for each in free:
            each.thread = threading.Thread(
                target=lambda each=each: answers.put(_try(each, self._log, signed)), daemon=True
            )
            each.thread.start()
        deadline = time.monotonic() + seconds
        for _ in free:
            try:
                answer = answers.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                return
            if answer is not None:
                yield answer


def witnesses_of(settings: Settings) -> Witnesses:
    """Those that the settings name; raises WitnessesRefused."""
    return Witnesses.read(Path(settings.witnesses)) if settings.witnesses else Witnesses()


def start(services: Services) -> threading.Event:
    """Publish in the background of a server process; setting the event ends it.

    Raises WitnessesRefused.
    """
    settings, stop = services.settings, threading.Event()
    database = open_engine(settings.database)
    publisher = Publisher(services.log, database, witnesses_of(settings))
    threading.Thread(
        target=publisher.run, args=(settings.publish_seconds, stop), daemon=True, name="publisher"
    ).start()
    return stop


def _try(asked: Asked, log: Log, signed: bytes) -> Cosignature | None:
    """The cosignature, or None and a line in the server's log."""
    try:
        return asked.cosign(log, signed)
    except (CatchmentError, requests.RequestException, OSError) as failed:
        _LOG.warning("%s did not cosign: %s", asked.address.key.name, failed)
    except Exception:
        # A thread of its own: what nobody foresaw must not end unseen, nor keep a round waiting.
        _LOG.exception("%s did not cosign", asked.address.key.name)
    asked.size = 0  # what it said it had seen need not be so
    return None


def _address(members: Any) -> Address:
    if not isinstance(members, dict) or members.keys() != {"url", "vkey"}:
        raise ValueError("a witness is not url and vkey")
    url, vkey = members["url"], members["vkey"]
    if not isinstance(url, str) or not url.startswith(("https://", "http://")):
        raise ValueError("the url of a witness is not an http or https address")
    if not isinstance(vkey, str):
        raise ValueError("a witness is not url and vkey")
    return Address(url.rstrip("/"), VerifierKey.parse(vkey, Kind.COSIGNATURE))


def _size(body: bytes, url: str) -> int:
    """The size that a conflict states. Raises WitnessUnhelpful."""
    text = body.decode("latin-1")
    digits = text.removesuffix("\n")
    if not (text.endswith("\n") and digits.isascii() and digits.isdigit() and len(digits) <= 19):
        raise WitnessUnhelpful(url=url, status=int(HTTPStatus.CONFLICT))
    return int(digits)
