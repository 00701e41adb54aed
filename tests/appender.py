"""A process of its own that appends to a log, for tests of many writers and of crashes.

    python -m tests.appender <database URL> <signer PEM file> <envelopes file>

Appends the envelopes, one per line, one at a time, and prints each index once it is acknowledged.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from ledger.keys import PrivateKey
from ledger.log import Accepted, Log
from ledger.note import SignerKey
from ledger.store import open_engine
from tests.factory import ORIGIN, START_MS


def main(url: str, pem: str, envelopes: str) -> None:
    signer = SignerKey(ORIGIN, PrivateKey.from_pem(Path(pem).read_bytes()))
    began = time.monotonic_ns()
    log = Log(
        open_engine(url), signer, lambda: START_MS + (time.monotonic_ns() - began) // 1_000_000
    )
    for envelope in Path(envelopes).read_bytes().split():
        (outcome,) = log.append([envelope])
        assert isinstance(outcome, Accepted), outcome
        print(outcome.index, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
