"""When the registrar's key or the signing key is lost or stolen: the offline keys name new ones.

recovery keygen   an offline key, made before the log begins; its public half goes into “init”
recovery draft    on the server's machine: new keys, and a file that says what is to be approved
recovery approve  wherever an offline key is, without a network: what is approved, and a yes
recovery apply    on the server's machine, once enough of them have approved
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, cast

import click
import sqlalchemy as sa

from api.cli.local import REGISTRAR_FILE, TRUST_FILE, existing, registrar_path
from api.cli.options import passphrase_of, yes_option
from api.cli.speaking import MOMENT, ask, iso
from api.cli.speech import Speech, json_option, pass_speech
from api.cli.supplier import key_path, new_passphrase
from api.errors import FileRefused, NoRecoveryKeys, WouldOverwrite
from api.keys import keyfile
from api.keys.keyfile import KeyFile
from api.keys.signing import signed
from api.settings import Settings
from ledger import jws, strict_json
from ledger.authority import registrar_keys
from ledger.draft import Draft
from ledger.errors import CatchmentError, LogNotFound
from ledger.high_water import HighWater
from ledger.keys import PrivateKey, PublicKey
from ledger.log import Log, checkpoint_key
from ledger.note import SignerKey
from ledger.recent import Recent
from ledger.referents import approved_members
from ledger.schema import load
from ledger.statements import Genesis, NaturalKey, Recovery, Statement, read
from ledger.store import open_engine, reading
from ledger.tables import entry
from ledger.trust import Trust

PUBLIC_SUFFIX: Final = ".pub.json"
DRAFT_FILE: Final = "recovery.json"
SIGNING_FILE: Final = "signing-key.pem"
APPROVAL_SUFFIX: Final = ".approval"
_MOST_BYTES: Final = 64 * 1024


@click.group()
def recovery() -> None:
    """Replace a lost or stolen registrar's key or signing key by the offline recovery keys."""


# --- An offline key --------------------------------------------------------------------------


@recovery.command()
@click.option("--out", required=True, type=click.Path(path_type=Path), help="safe1 for safe1.key.")
@click.option("--alg", type=click.Choice(["EdDSA", "ES256"]), default="EdDSA", show_default=True)
@click.option("--passphrase-prompt", is_flag=True, help="Ask for a passphrase for the key file.")
@click.option("--passphrase-file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@json_option
@pass_speech
def keygen(
    speech: Speech, out: Path, alg: str, passphrase_prompt: bool, passphrase_file: Path | None
) -> None:
    """Make an offline recovery key, on a machine of its own.

    Writes OUT.key, to be kept where no server is, and OUT.pub.json for “catchment init”.
    """
    passphrase = new_passphrase(passphrase_prompt, passphrase_file)
    public_path = out.with_name(f"{out.name}{PUBLIC_SUFFIX}")
    if public_path.exists():
        raise WouldOverwrite(path=str(public_path))
    private = PrivateKey.generate(alg)
    keyfile.write_secret(key_path(out), private, passphrase)
    text = json.dumps({"kid": private.public.kid, "jwk": private.public.jwk}, indent=2)
    public_path.write_text(text + "\n", "utf-8")
    if speech.as_json:
        speech.json({"kid": private.public.kid, "key": str(key_path(out)),
                     "public": str(public_path)})  # fmt: skip
        return
    speech.say("The key is in %(path)s: keep it where no server is.", path=key_path(out))
    speech.say("Give %(path)s to whoever begins the log. Its key id is %(kid)s.",
               path=public_path, kid=private.public.kid)  # fmt: skip


def read_public(path: Path) -> PublicKey:
    """The public half of an offline key. Raises FileRefused or KeyRefused."""
    members = _members(path)
    jwk = members.get("jwk")
    if not isinstance(jwk, dict):
        raise FileRefused(path=str(path), reason="it holds no public key (jwk)")
    return PublicKey.from_jwk(jwk)


# --- What is to be approved --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Proposal:
    """A recovery that waits for approvals. What the recovery keys sign is ``members``.

    ``holders`` are the recovery keys of the log and ``threshold`` how many must approve, as whoever
    made the draft says: only the log itself decides.
    """

    body: Recovery
    log: Mapping[str, str]
    prev: str | None
    holders: tuple[str, ...]
    threshold: int

    @property
    def members(self) -> dict[str, object]:
        return approved_members(self.body, self.log, self.prev)

    def document(self) -> dict[str, Any]:
        return {
            "approve": self.members,
            "jwk": dict(self.body.registrar),
            "recoveryKeys": list(self.holders),
            "threshold": self.threshold,
        }

    @classmethod
    def read(cls, path: Path) -> Proposal:
        """Raises FileRefused for what is none, or whose parts are at odds."""
        document = _members(path)
        try:
            said = document["approve"]
            body = _unapproved(document["jwk"], said["checkpointKey"], said.get("compromisedSince"))
            made = cls(body, said["log"], said.get("prev"), tuple(document["recoveryKeys"]),
                       int(document["threshold"]))  # fmt: skip
        except (KeyError, TypeError, ValueError, AttributeError, CatchmentError):
            raise FileRefused(path=str(path), reason="it is no draft of a recovery") from None
        if made.members != said:
            raise FileRefused(path=str(path), reason="its key is not the one to be approved")
        return made


def _unapproved(jwk: Mapping[str, str], vkey: str, since: int | None) -> Recovery:
    members = {"registrar": jwk, "checkpointKey": vkey, "approvals": ["-"]}
    return load(Recovery, members | ({} if since is None else {"compromisedSince": since}))


@dataclass(frozen=True, slots=True)
class _State:
    """What the log says of its keys, read without any of them."""

    genesis: Statement
    prev: str | None
    vkey: str
    registrar: PublicKey

    @property
    def recovers(self) -> tuple[tuple[str, ...], int]:
        keys = cast(Genesis, self.genesis.body).recovery
        return tuple(PublicKey.from_jwk(jwk).kid for jwk in keys.keys), keys.threshold


def _state(database: sa.Engine) -> _State:
    with reading(database) as connection:
        first = sa.select(entry.c.envelope).where(entry.c.index == 0)
        envelope = connection.execute(first).scalar_one_or_none()
        if envelope is None:
            raise LogNotFound
        genesis = read(jws.parse(envelope))
        view = Draft(connection, genesis, Recent(1))
        head = view.head(NaturalKey(Recovery.TYPE, ()))
        return _State(
            genesis=genesis,
            prev=head.digest if head else None,
            vkey=str(checkpoint_key(view)),
            registrar=registrar_keys(view)[-1],
        )


@recovery.command()
@click.option("--new-registrar", is_flag=True, help="The registrar's key was lost or stolen.")
@click.option("--new-signing-key", is_flag=True, help="The signing key was lost or stolen.")
@click.option("--since", type=MOMENT, help="Since when others may have used the registrar's key, "
              "such as 2026-01-31T08:00:00Z.")  # fmt: skip
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False),
              help="Folder for the draft and the new keys.")  # fmt: skip
@json_option
@pass_speech
def draft(
    speech: Speech, new_registrar: bool, new_signing_key: bool, since: int | None, out: Path
) -> None:
    """Make new keys, and write what the holders of the recovery keys are to approve.

    On the server's machine. Nothing changes yet. Keep the folder: “apply” takes the keys from it.
    """
    if not (new_registrar or new_signing_key):
        raise click.UsageError("Say what is replaced: --new-registrar, --new-signing-key or both.")
    if since is not None and not new_registrar:
        raise click.UsageError("--since is about the registrar's key: give --new-registrar too.")
    state = _state(open_engine(existing(Settings.from_env()).database))
    holders, threshold = state.recovers
    if not threshold:
        raise NoRecoveryKeys
    _check_free(out)
    origin, genesis = state.genesis.common.log.origin, state.genesis.digest
    registrar, vkey = state.registrar, state.vkey
    if new_registrar:
        made = KeyFile(PrivateKey.generate("EdDSA"), state.genesis.subject, origin, genesis)
        keyfile.write(out / REGISTRAR_FILE, made)
        registrar = made.private.public
    if new_signing_key:
        signer = SignerKey(origin, PrivateKey.generate("EdDSA"))
        keyfile.write_secret(out / SIGNING_FILE, signer.private)
        vkey = str(signer.verifier)
    body = _unapproved(registrar.jwk, vkey, since)
    log = {"origin": origin, "genesis": genesis}
    proposal = Proposal(body, log, state.prev, holders, threshold)
    path = out / DRAFT_FILE
    path.write_text(json.dumps(proposal.document(), indent=2) + "\n", "utf-8")
    if speech.as_json:
        speech.json(proposal.document() | {"draft": str(path)})
        return
    _show(speech, proposal)
    speech.say("Take %(path)s to %(count)d of the recovery keys: “catchment recovery approve”.",
               path=path, count=threshold)  # fmt: skip


def _check_free(out: Path) -> None:
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in (DRAFT_FILE, SIGNING_FILE, REGISTRAR_FILE, "registrar.json"):
        if (out / name).exists():
            raise WouldOverwrite(path=str(out / name))


def _show(speech: Speech, proposal: Proposal) -> None:
    body, since = proposal.body, proposal.body.compromised_since
    rows = {
        speech.text("Log"): proposal.log["origin"],
        speech.text("Begun with"): proposal.log["genesis"],
        speech.text("Registrar's key from then on"): body.registrar_key.kid,
        speech.text("Signing key from then on"): body.checkpoint_key,
        speech.text("After the recovery"): proposal.prev or speech.text("none before"),
        speech.text("Registrar's key compromised since"): iso(since) if since is not None else "",
    }
    table = speech.table("", "")
    table.show_header = False
    for name, value in rows.items():
        if value:
            table.add_row(name, value)
    speech.err.print(table)


# --- Approving, offline ------------------------------------------------------------------------


@recovery.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--key", "key_file", required=True, help="The offline key, safe1.key.",
              type=click.Path(path_type=Path, exists=True, dir_okay=False))  # fmt: skip
@click.option("--passphrase-file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--trust", "trust_file", type=click.Path(path_type=Path, exists=True),
              help="Refuse to approve for another log than this one.")  # fmt: skip
@yes_option
@json_option
@pass_speech
def approve(
    speech: Speech,
    file: Path,
    key_file: Path,
    passphrase_file: Path | None,
    trust_file: Path | None,
    yes: bool,
) -> None:
    """Approve a draft with an offline recovery key; no network is needed.

    Compare the new key ids with the people who made the draft, by other means than the file.
    """
    proposal = Proposal.read(file)
    if trust_file is not None and dict(proposal.log) != Trust.read(trust_file).log:
        raise FileRefused(path=str(file), reason="it is for another log than the one trusted")
    key = keyfile.read_secret(key_file, passphrase_of(key_file, passphrase_file))
    if key.public.kid not in proposal.holders:
        reason = "it is not among the recovery keys that the draft names"
        raise FileRefused(path=str(key_file), reason=reason)
    _show(speech, proposal)
    ask(speech, speech.text("Approve it with the key %(kid)s?", {"kid": key.public.kid}), yes)
    path = file.with_name(f"{key_file.stem}{APPROVAL_SUFFIX}")
    if path.exists():
        raise WouldOverwrite(path=str(path))
    path.write_bytes(jws.sign(proposal.members, key, jws.RECOVERY_TYP) + b"\n")
    if speech.as_json:
        speech.json({"approval": str(path), "kid": key.public.kid})
        return
    speech.say("%(path)s is the approval: take it to the server's machine.", path=path)


# --- Applying ----------------------------------------------------------------------------------


@recovery.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.argument("approvals", nargs=-1, required=True, metavar="APPROVAL...",
                type=click.Path(path_type=Path, exists=True, dir_okay=False))  # fmt: skip
@yes_option
@json_option
@pass_speech
def apply(speech: Speech, file: Path, approvals: tuple[Path, ...], yes: bool) -> None:
    """Apply an approved draft: the log goes on with the new keys.

    On the server's machine, with the server stopped. The keys that are replaced stay beside the new
    ones under another name. Called again after an interruption, it finishes.
    """
    settings = existing(Settings.from_env())
    database = open_engine(settings.database)
    proposal = Proposal.read(file)
    body = replace(proposal.body, approvals=tuple(_compact(path) for path in approvals))
    registrar = _key_from(file.parent / REGISTRAR_FILE, registrar_path(settings), settings)
    signing = _secret_from(file.parent / SIGNING_FILE, settings.signing_key_file)
    _check_keys(file, proposal, registrar, signing)
    state = _state(database)
    before, done = state.vkey, _is_done(state, proposal)
    if not done:
        _show(speech, proposal)
        ask(speech, speech.text("Apply it? The keys that are replaced sign nothing more."), yes)
        _recover(settings, database, registrar, signing, body, proposal)
    _install(settings, file.parent)
    trust = _trusted_again(settings, proposal)
    _say_recovered(speech, settings, before, trust)


def _compact(path: Path) -> str:
    with path.open("rb") as file:
        data = file.read(_MOST_BYTES).strip()
    if not data.isascii() or data.count(b".") != 2:
        raise FileRefused(path=str(path), reason="it is no approval of “catchment recovery”")
    return data.decode("ascii")


def _key_from(new: Path, current: Path, settings: Settings) -> KeyFile:
    path = new if new.exists() else current
    return keyfile.read(path, production=settings.is_production)


def _secret_from(new: Path, current: Path) -> PrivateKey:
    return keyfile.read_secret(new if new.exists() else current)


def _check_keys(file: Path, proposal: Proposal, registrar: KeyFile, signing: PrivateKey) -> None:
    """The private halves of what is approved must be at hand, or the log could not go on."""
    if registrar.kid != proposal.body.registrar_key.kid:
        raise FileRefused(path=str(file), reason="the registrar's key it names is not beside it")
    signer = SignerKey(proposal.log["origin"], signing)
    if str(signer.verifier) != proposal.body.checkpoint_key:
        raise FileRefused(path=str(file), reason="the signing key it names is not beside it")


def _is_done(state: _State, proposal: Proposal) -> bool:
    """Whether this very recovery is in the log: interrupted, it only has to be finished."""
    named = (state.registrar, state.vkey)
    return state.prev != proposal.prev and named == (
        proposal.body.registrar_key,
        proposal.body.checkpoint_key,
    )


def _recover(
    settings: Settings,
    database: sa.Engine,
    registrar: KeyFile,
    signing: PrivateKey,
    body: Recovery,
    proposal: Proposal,
) -> None:
    from api.opening import clock_ms

    envelope = signed(registrar, body, registrar.enterprise, proposal.prev)
    signer = SignerKey(proposal.log["origin"], signing)
    Log.recover(database, envelope, signer, clock_ms, HighWater(settings.high_water_file))


def _install(settings: Settings, folder: Path) -> None:
    """Put the new keys in place; the old ones step aside first, so that none is ever lost."""
    registrar = registrar_path(settings)
    pairs = (
        (folder / SIGNING_FILE, settings.signing_key_file),
        (folder / REGISTRAR_FILE, registrar),
        (keyfile.sidecar(folder / REGISTRAR_FILE), keyfile.sidecar(registrar)),
    )
    for new, place in pairs:
        if new.exists():
            if place.exists():
                os.replace(place, _aside(place))
            os.replace(new, place)


def _aside(path: Path) -> Path:
    names = (path.with_name(f"{path.name}.replaced{number or ''}") for number in range(1000))
    return next(name for name in names if not name.exists())


def _trusted_again(settings: Settings, proposal: Proposal) -> Trust:
    """The trust file with the new verifier key, and the witnesses that it named before."""
    path = settings.data / TRUST_FILE
    trust = Trust(proposal.log["origin"], proposal.log["genesis"], proposal.body.checkpoint_key)
    if path.exists():
        trust = replace(Trust.read(path), vkey=proposal.body.checkpoint_key)
    trust.write(path)
    return trust


def _say_recovered(speech: Speech, settings: Settings, before: str, trust: Trust) -> None:
    path = settings.data / TRUST_FILE
    if speech.as_json:
        speech.json(trust.members | {"trust": str(path), "replaced": before})
        return
    speech.say("The log %(origin)s goes on with the new keys.", origin=trust.origin)
    speech.say("Start the server again, and keep copies of the new keys in a safe place.")
    if before != trust.vkey:
        speech.say("The verifier key changed to %(vkey)s.", vkey=trust.vkey)
        speech.say("Give %(path)s to everybody who verifies, not by this server: its fingerprint "
                   "is %(text)s. Receipts that the old key signed are fetched anew.",
                   path=path, text=trust.fingerprint)  # fmt: skip


def _members(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            members = strict_json.loads(file.read(_MOST_BYTES))
    except CatchmentError:
        raise FileRefused(path=str(path), reason="it is not strict JSON") from None
    if not isinstance(members, dict):
        raise FileRefused(path=str(path), reason="it is not a JSON object")
    return dict(members)
