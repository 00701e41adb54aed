"""The log itself: what anybody may check, and what belongs to whom it concerns.

Checkpoints and proofs are hashes and signatures: public, and of no use for guessing what a leaf
says. Leaf records and receipts name chains and keys: for auditors, and for those whose statement
it is. An entry that the caller may not see and one that is not there are answered alike.

With the checkpoint, the tiles and (for auditors) the bundles of entries, the log lies under
``/v1/log`` as C2SP tlog-tiles has it, and clients written for such logs can mirror it.
"""

from __future__ import annotations

from typing import Any, cast

from flask import Response
from marshmallow import fields

from api.access.access import Access
from api.auth import current_caller, needs_token
from api.caching import latest_checkpoint
from api.services import services
from api.web.blueprint import Blueprint
from api.web.wire import Query, Wire, described, digest, whole
from ledger import export, strict_base64, tiles
from ledger.entry import Entry
from ledger.errors import EntryNotFound, TileNotFound
from ledger.keys import PublicKey
from ledger.merkle import HASH_BYTES
from ledger.statements import Genesis, NaturalKey, Policy, Recovery
from ledger.strict_json import MAX_INTEGER

CHECKPOINT_SECONDS = 2
"""How long a checkpoint may be kept: it is only ever outgrown, never wrong."""

TILE_SECONDS = 365 * 24 * 3600
"""Tiles and bundles never change: a wider one has another address."""

_TILE: dict[str, Any] = {"type": "string", "format": "binary"}
_BINARY = "application/octet-stream"
_LEVELS = frozenset(map(str, range(tiles.LEVELS)))
_INDEX = f"<int(max={MAX_INTEGER}):index>"

blueprint = Blueprint(
    "log",
    __name__,
    url_prefix="/v1/log",
    description="The transparency log: checkpoints, proofs and receipts to verify offline.",
)


class LogSchema(Wire):
    """Which log this is, and how far it has come."""

    origin = fields.String(required=True, metadata=described("Name the log signs under."))
    name = fields.String(required=True, metadata=described("What people call it."))
    genesis = digest(required=True, metadata=described("Digest of entry 0: the log's identity."))
    vkey = fields.String(
        required=True, metadata=described("C2SP verifier key of checkpoints and receipts.")
    )
    registrar = fields.String(
        required=True, metadata=described("Thumbprint of the registrar's key (RFC 7638).")
    )
    past_seconds = whole(required=True, metadata=described("How old `iat` may be on arrival."))
    future_seconds = whole(required=True, metadata=described("How far `iat` may lie ahead."))
    size = whole(required=True, metadata=described("How many entries the log has."))
    root = fields.String(
        required=True, metadata=described("Root hash of the tree over them, base64.")
    )


class LeafSchema(Wire):
    """What the log hashes for an entry."""

    v = fields.Integer(required=True, metadata=described("Version of the record."))
    envelope = digest(required=True, metadata=described("SHA-256 of the compact envelope."))
    signed = digest(required=True, metadata=described("SHA-256 of its signing input."))
    type = fields.String(required=True, metadata=described("The type of statement."))
    kid = fields.String(required=True, metadata=described("Thumbprint of the signing key."))
    chain = digest(required=True, metadata=described("`signed` of the chain's first statement."))
    time = whole(required=True, metadata=described("Ledger time, milliseconds since 1970 (UTC)."))


class EntrySchema(Wire):
    """An entry with its proof."""

    index = whole(required=True, metadata=described("Place in the log, from 0."))
    leaf = fields.Nested(LeafSchema, required=True, metadata=described("The leaf record."))
    envelope = fields.String(
        required=True, metadata=described("The signed bytes as sent; empty where they were erased.")
    )
    receipt = fields.String(required=True, metadata=described("Proof of the entry (tlog-proof)."))


class ProofSchema(Wire):
    """Hashes that lead from what a verifier has to a root it trusts (RFC 6962)."""

    size = whole(required=True, metadata=described("Size of the tree the proof leads to."))
    hashes = fields.List(
        fields.String(), required=True, metadata=described("32 bytes each, base64.")
    )


class InclusionQuery(Query):
    """Which entry, in the tree of which size."""

    index = whole(required=True, metadata=described("The entry."))
    size = whole(metadata=described("Tree size; by default the latest."))


class ConsistencyQuery(Query):
    """From which size to which."""

    older = whole(
        required=True, data_key="from", metadata=described("Size of the older tree, at least 1.")
    )
    newer = whole(
        data_key="to",
        metadata=described("Size of the newer tree; by default the latest."),
    )


@blueprint.route("", methods=["GET"])
@blueprint.response(200, LogSchema)
def about() -> dict[str, Any]:
    """Read which log this is

    Compare `origin`, `genesis` and `vkey` once with what you were given on another way; after that,
    checkpoints and receipts prove themselves.
    """
    log, checkpoint = services().log, latest_checkpoint()
    rules = rules_in_force()
    return {
        "origin": log.origin,
        "name": rules.name,
        "genesis": log.genesis.digest,
        "vkey": str(log.verifier),
        "registrar": _registrar().kid,
        "past_seconds": rules.past_seconds,
        "future_seconds": rules.future_seconds,
        "size": checkpoint.size,
        "root": strict_base64.to_standard(checkpoint.root),
    }


def rules_in_force() -> Genesis | Policy:
    """Those of the last policy, or of the genesis."""
    policy = services().engine.standing().find(NaturalKey(Policy.TYPE, ()))
    said = policy.statement if policy else services().log.genesis
    return cast(Genesis | Policy, said.body)


def _registrar() -> PublicKey:
    recovery = services().engine.standing().find(NaturalKey(Recovery.TYPE, ()))
    said = recovery.statement if recovery else services().log.genesis
    return cast(Genesis | Recovery, said.body).registrar_key


@blueprint.route("/checkpoint", methods=["GET"])
@blueprint.response(
    200, {"type": "string"}, content_type="text/plain", description="A C2SP signed note."
)
def checkpoint() -> Response:
    """Read the latest checkpoint

    The signed note (C2SP tlog-checkpoint) with origin, size and root of the log.
    """
    response = Response(services().log.checkpoint(), content_type="text/plain; charset=utf-8")
    response.cache_control.public = True
    response.cache_control.max_age = CHECKPOINT_SECONDS
    return response


@blueprint.route("/tile/<level>/<path:place>", methods=["GET"])
@blueprint.response(
    200, _TILE, content_type=_BINARY, description="The hashes of a tile, 32 bytes each."
)
def tile(level: str, place: str) -> Response:
    """Read a tile of the tree

    Its address is `tile/<L>/<N>[.p/<W>]` of C2SP tlog-tiles: level, index in groups of three digits
    (`x001/067`), and the width of one that is not full. A width is served once there are as many
    hashes, and never changes.
    """
    index, width = _place(f"tile/{level}/{place}", level, place)
    hashes = services().log.tile(int(level), index)[: width * HASH_BYTES]
    return _kept_for_good(hashes, "public")


@blueprint.route("/tile/entries/<path:place>", methods=["GET"])
@needs_token
@blueprint.response(200, _TILE, content_type=_BINARY, description="A C2SP entry bundle.")
def entry_bundle(place: str) -> Response:
    """Read the leaf records below a tile

    Those that the tile of level 0 at the same place hashes, each led by its length in two bytes;
    for auditors.
    """
    path = f"tile/entries/{place}"
    if not current_caller().is_auditor:
        raise TileNotFound(path=path)
    index, width = _place(path, "0", place)
    start = index * tiles.WIDTH
    entries = services().log.entries(start, start + width)
    records = (entry.leaf.encode() for entry in entries)
    return _kept_for_good(export.LEAVES.join(records), "private")


@blueprint.route(f"/entries/{_INDEX}", methods=["GET"])
@needs_token
@blueprint.response(200, EntrySchema)
def entry(index: int) -> dict[str, Any]:
    """Read the leaf record of an entry

    With its envelope and receipt; for auditors, and for the statement's issuer and subject.
    """
    found = readable(index)
    return {
        "index": index,
        "leaf": found.leaf,
        "envelope": found.envelope.decode("ascii"),
        "receipt": services().log.receipt(index).encode().decode("utf-8"),
    }


@blueprint.route(f"/receipts/{_INDEX}", methods=["GET"])
@needs_token
@blueprint.response(
    200, {"type": "string"}, content_type="text/plain", description="A C2SP tlog-proof."
)
def receipt(index: int) -> Response:
    """Read the receipt of an entry

    Against the latest checkpoint; for auditors, and for the statement's issuer and subject.
    """
    text = services().log.receipt(readable(index).index).encode()
    return Response(text, content_type="text/plain; charset=utf-8")


@blueprint.route("/proofs/inclusion", methods=["GET"])
@blueprint.query(InclusionQuery)
@blueprint.response(200, ProofSchema)
def inclusion(query: dict[str, Any]) -> dict[str, Any]:
    """Prove that an entry is in a tree

    From the leaf's sibling to the root's child (RFC 6962 section 2.1.1).
    """
    log = services().log
    size = query["size"] if "size" in query else log.size()
    return _proof(size, log.inclusion(query["index"], size))


@blueprint.route("/proofs/consistency", methods=["GET"])
@blueprint.query(ConsistencyQuery)
@blueprint.response(200, ProofSchema)
def consistency(query: dict[str, Any]) -> dict[str, Any]:
    """Prove that a tree continues an older one

    Nothing was changed or removed in between (RFC 6962 section 2.1.2). Every tree continues the
    empty one, so nothing is proved from size 0, and it is refused.
    """
    log = services().log
    newer = query["newer"] if "newer" in query else log.size()
    return _proof(newer, log.consistency(query["older"], newer))


def readable(index: int) -> Entry:
    """The entry, if its leaf may be shown to the caller. Raises EntryNotFound.

    Of one that was erased nobody can tell any more whose it was: it is for auditors.
    """
    found = services().log.entry(index)
    access = Access(services().engine.standing(), current_caller())
    if found.is_erased and not access.caller.is_auditor:
        raise EntryNotFound(entry=index)
    if not access.may_read_entry(found):
        raise EntryNotFound(entry=index)
    return found


def _proof(size: int, hashes: list[bytes]) -> dict[str, Any]:
    return {"size": size, "hashes": [strict_base64.to_standard(each) for each in hashes]}


def _place(path: str, level: str, place: str) -> tuple[int, int]:
    """Index and width of a tile that the latest checkpoint covers. Raises TileNotFound."""
    found = tiles.parse_place(place)
    if found is None or level not in _LEVELS:
        raise TileNotFound(path=path)
    index, width = found
    hashes = services().log.size() >> tiles.HEIGHT * int(level)
    if index * tiles.WIDTH + width > hashes:
        raise TileNotFound(path=path)
    return index, width


def _kept_for_good(data: bytes, by: str) -> Response:
    response = Response(data, content_type=_BINARY)
    response.headers["Cache-Control"] = f"{by}, max-age={TILE_SECONDS}, immutable"
    return response
