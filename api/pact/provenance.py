"""Where a footprint that is handed out comes from, so that its reader need not believe anybody."""

from __future__ import annotations

from typing import Any

from api.services import Services
from ledger.entry import Entry


def of_statement(services: Services, entry: Entry, kind: str) -> dict[str, Any]:
    """The provenance of a footprint that was declared here, or read from another host."""
    genesis = services.log.genesis
    return {
        "kind": kind,
        "log": {"origin": genesis.common.log.origin, "genesis": genesis.digest},
        "digest": entry.leaf.signed,
        "index": entry.index,
        "receipt": services.log.receipt(entry.index).encode().decode(),
    }
