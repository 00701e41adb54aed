"""Commands of whoever speaks: make a key, sign statements, submit them."""

from __future__ import annotations

import json
import secrets
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from api.cli.examples import EXAMPLES
from api.cli.options import key_options, read_passphrase, server_option
from api.cli.speech import Speech, json_option, pass_speech
from api.client import Client, Refused, Submitted
from api.errors import FileRefused, WouldOverwrite
from api.keys import keyfile
from api.keys.keyfile import KeyFile
from ledger import jws, strict_json
from ledger.errors import ForeignLog
from ledger.keys import PrivateKey
from ledger.schema import dump, load
from ledger.statements import ROLES, VERSION, Consent, Enterprise, read
from ledger.trust import Trust

_RECEIPT_SUFFIX: Final = ".tlog-proof"
_JTI_BYTES = 18
_MOST_FILE_BYTES = jws.MAX_COMPACT_BYTES + 1024
"""With room for the blanks and line ends around an envelope."""


@click.command()
@click.option("--name", required=True, help="Legal name of the enterprise.")
@click.option("--country", help="Country, such as CN.")
@click.option("--identifier", "identifiers", multiple=True, metavar="URN", help="urn:uscc:… or so.")
@click.option("--role", "roles", multiple=True, type=click.Choice(ROLES), default=["supplier"],
              show_default=True, help="What the key is to be used for.")  # fmt: skip
@click.option("--alg", type=click.Choice(["EdDSA", "ES256"]), default="EdDSA", show_default=True)
@click.option("--enterprise", help="Its id, for a further key of an enterprise.")
@click.option("--passphrase-prompt", is_flag=True, help="Ask for a passphrase for the key file.")
@click.option("--passphrase-file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--log", "log", required=True, metavar="URL|FILE", help="The server, or trust.json.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="acme for acme.key.")
@json_option
@pass_speech
def keygen(
    speech: Speech,
    name: str,
    country: str | None,
    identifiers: tuple[str, ...],
    roles: tuple[str, ...],
    alg: str,
    enterprise: str | None,
    passphrase_prompt: bool,
    passphrase_file: Path | None,
    log: str,
    out: Path,
) -> None:
    """Make a signing key, and the request that the log's registrar admits.

    Writes OUT.key (keep it secret, and a copy of it safe), OUT.json and OUT.request.json (send it
    to the registrar), and trust.json beside them where a server is named.
    """
    trust = _trusted(log, out.parent, speech)
    passphrase = new_passphrase(passphrase_prompt, passphrase_file)
    private = PrivateKey.generate(alg)
    key = KeyFile(private, enterprise or str(uuid.uuid4()), trust.origin, trust.genesis)
    members = {"id": key.enterprise, "name": name, "country": country,
               "identifiers": list(identifiers)}  # fmt: skip
    load(Enterprise, {name: value for name, value in members.items() if value})
    request_path = out.with_name(f"{out.name}.request.json")
    if request_path.exists():
        raise WouldOverwrite(path=str(request_path))
    keyfile.write(key_path(out), key, passphrase)
    request = _request(key, name, country, identifiers, roles)
    request_path.write_text(json.dumps(request, indent=2, ensure_ascii=False) + "\n", "utf-8")
    if speech.as_json:
        speech.json({"enterprise": key.enterprise, "kid": key.kid, "key": str(key_path(out)),
                     "request": str(request_path)})  # fmt: skip
        return
    speech.say("The key is in %(path)s: keep it secret, and a copy of it safe.",
               path=key_path(out))  # fmt: skip
    speech.say("Send %(path)s to the registrar. Your key id is %(kid)s.",
               path=request_path, kid=key.kid)  # fmt: skip


@click.command()
@click.argument("document", required=False, metavar="STATEMENT.json",
                type=click.Path(path_type=Path, exists=True, allow_dash=True))  # fmt: skip
@click.option("--new", type=click.Choice(sorted(EXAMPLES)), help="Print an example to begin with.")
@key_options
@click.option("--trust", "trust_file", type=click.Path(path_type=Path, exists=True),
              help="Refuse to sign for another log than this one.")  # fmt: skip
@click.option("--prev", help="Digest of the statement that this one corrects or withdraws.")
@click.option("--on-behalf-of", "subject", help="The enterprise spoken for, under a delegation.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Otherwise printed.")
@pass_speech
def sign(
    speech: Speech,
    document: Path | None,
    new: str | None,
    key: KeyFile | None,
    trust_file: Path | None,
    prev: str | None,
    subject: str | None,
    out: Path | None,
) -> None:
    """Sign a statement: a JSON document with its type and what it says.

    v, log, jti, iat, iss and subject are filled in where they are absent. Whatever the statement
    would be refused for by its form is said now, and nothing is written.
    """
    if new is not None:
        speech.json(EXAMPLES[new])
        return
    if document is None or key is None:
        raise click.UsageError("A statement and --key are needed, or --new.")
    if trust_file is not None:
        check_log(Trust.read(trust_file).log, key)
    envelope = jws.sign(filled(_document(document), key, prev, subject), key.private)
    read(jws.parse(envelope))
    if out is None:
        click.echo(envelope.decode("ascii"))
    else:
        out.write_bytes(envelope)
        speech.say("%(path)s is signed.", path=out)


@click.command()
@click.option("--park", required=True, help="Id of the park that may read.")
@click.option("--site", required=True, help="Id of your site that may be read.")
@click.option("--from", "start", required=True, help="First day, such as 2025-01-01.")
@click.option("--to", "end", help="First day no longer, if it ends.")
@click.option("--small-aggregates", is_flag=True,
              help="The park may also see sums over fewer than three tenants.")  # fmt: skip
@key_options
def consent(
    park: str, site: str, start: str, end: str | None, small_aggregates: bool, key: KeyFile | None
) -> None:
    """Sign the consent that lets a park read your site's inventory, and print it.

    Send it to the park: it becomes part of the membership that the park states.
    """
    if key is None:
        raise click.UsageError("--key is needed.")
    members: dict[str, Any] = {
        "log": _log_of(key),
        "park": park,
        "site": site,
        "from": start,
        "smallAggregates": small_aggregates,
        **({"to": end} if end else {}),
    }
    said = load(Consent, members)
    click.echo(jws.sign({**dump(said), "log": members["log"]}, key.private, jws.CONSENT_TYP))


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE.jws...",
                type=click.Path(path_type=Path, exists=True, dir_okay=False))  # fmt: skip
@server_option
@click.option("--receipt-dir", type=click.Path(path_type=Path, file_okay=False, exists=True),
              help="Where receipts are saved; otherwise beside the files.")  # fmt: skip
@json_option
@pass_speech
def submit(speech: Speech, files: tuple[Path, ...], server: str, receipt_dir: Path | None) -> None:
    """Submit signed statements, in order, and save the receipt of each.

    Stops at the first that is refused. Sent again, a statement gets its first index and a fresh
    receipt, with the cosignatures of witnesses where they have been given.
    """
    client = Client(server, language=speech.language)
    done: list[dict[str, Any]] = []
    with speech.progress() as bar:
        for file in bar.track(files, description=speech.text("Submitting")):
            held = _submitted(client, file)
            receipt = (receipt_dir or file.parent) / f"{file.stem}{_RECEIPT_SUFFIX}"
            receipt.write_bytes(held.receipt.encode("utf-8"))
            done.append({"file": str(file), "index": held.index, "new": held.new,
                         "digest": held.digest, "receipt": str(receipt)})  # fmt: skip
            if not speech.as_json:
                speech.say("%(file)s is entry %(index)d." if held.new
                           else "%(file)s is entry %(index)d already.",
                           file=file, index=held.index)  # fmt: skip
    if speech.as_json:
        speech.json(done)


def _submitted(client: Client, file: Path) -> Submitted:
    """Raises FileRefused for a statement nobody signed, and Refused with the file's name."""
    if file.stat().st_size > _MOST_FILE_BYTES:
        raise FileRefused(path=str(file), reason="it is too large for a signed statement")
    envelope = file.read_bytes().strip()
    if not envelope:
        raise FileRefused(path=str(file), reason="it is empty")
    if envelope.startswith(b"{"):
        raise FileRefused(path=str(file), reason="it is not signed; “catchment sign” does that")
    try:
        return client.submit(envelope)
    except Refused as refused:
        raise Refused({**refused.problem, "file": str(file)}) from None


@dataclass(frozen=True, slots=True)
class Saved:
    """A statement that the log holds, and the two files that “catchment verify” takes for it."""

    held: Submitted
    statement: Path
    receipt: Path


def sign_and_submit(
    client: Client, document: dict[str, Any], key: KeyFile, folder: Path, kind: str
) -> Saved:
    """Sign a statement, submit it, and save it and its receipt as KIND-DIGEST.

    Raises as `filled`, `read` and `Client.submit` do; nothing is saved then.
    """
    envelope = jws.sign(filled(document, key, None, None), key.private)
    read(jws.parse(envelope))
    held = client.submit(envelope)
    stem = f"{kind}-{held.digest[:12]}"
    saved = Saved(held, folder / f"{stem}.jws", folder / f"{stem}{_RECEIPT_SUFFIX}")
    saved.statement.write_bytes(envelope)
    saved.receipt.write_bytes(held.receipt.encode("utf-8"))
    return saved


def filled(
    document: dict[str, Any], key: KeyFile, prev: str | None, subject: str | None
) -> dict[str, Any]:
    """The payload to sign: what the document says, and what it leaves to be filled in.

    Raises ForeignLog for a document that is meant for another log than the key.
    """
    members = {
        "v": VERSION,
        "log": _log_of(key),
        "jti": secrets.token_urlsafe(_JTI_BYTES),
        "iat": int(time.time()),
        "iss": key.enterprise,
        "subject": subject or key.enterprise,
        **({"prev": prev} if prev else {}),
        **document,
    }
    check_log(members["log"], key)
    return members


def check_log(log: Any, key: KeyFile) -> None:
    """Raises ForeignLog unless ``log``, as a document names it, is the one that the key is for."""
    if log != _log_of(key):
        named = log if isinstance(log, dict) else {"origin": log}
        raise ForeignLog(
            "/log",
            named=named.get("origin"),
            begun=named.get("genesis"),
            origin=key.origin,
            genesis=key.genesis,
        )


def _log_of(key: KeyFile) -> dict[str, str]:
    return {"origin": key.origin, "genesis": key.genesis}


def _document(path: Path) -> dict[str, Any]:
    with click.open_file(str(path), "rb") as file:
        data = file.read(jws.MAX_COMPACT_BYTES)
    document = strict_json.loads(data)
    if not isinstance(document, dict):
        raise FileRefused(path=str(path), reason="it is not a JSON object")
    return dict(document)


def _trusted(log: str, folder: Path, speech: Speech) -> Trust:
    """The log to speak to; what a server says is saved, for people to compare."""
    if not log.startswith(("http://", "https://")):
        return Trust.read(Path(log))
    trust = Client(log).trust()
    path = folder / "trust.json"
    if not path.exists():
        trust.write(path)
    elif not Trust.read(path).same_log(trust):
        raise WouldOverwrite(path=str(path))
    speech.say("The log is %(origin)s. Compare its fingerprint with its operator, not by this "
               "connection:", origin=trust.origin)  # fmt: skip
    speech.say("  %(text)s", text=trust.fingerprint)
    return trust


def new_passphrase(prompt: bool, file: Path | None) -> bytes | None:
    if file is not None:
        return read_passphrase(file)
    if prompt:
        typed: str = click.prompt("Passphrase", hide_input=True, confirmation_prompt=True, err=True)
        return typed.encode("utf-8")
    return None


def key_path(out: Path) -> Path:
    return out.with_name(f"{out.name}{keyfile.SUFFIX}")


def _request(
    key: KeyFile,
    name: str,
    country: str | None,
    identifiers: tuple[str, ...],
    roles: tuple[str, ...],
) -> dict[str, Any]:
    """What the registrar is sent; ``proof`` shows that the sender holds the key."""
    members: dict[str, Any] = {
        "enterprise": key.enterprise,
        "name": name,
        "country": country,
        "identifiers": list(identifiers),
        "jwk": key.private.public.jwk,
        "roles": list(roles),
        "proof": key_proof(key),
    }
    return {name: value for name, value in members.items() if value}


def key_proof(key: KeyFile) -> str:
    """What shows that the sender holds the key, and whose it is to be."""
    promise = {
        "log": _log_of(key),
        "enterprise": key.enterprise,
        "thumbprint": key.kid,
    }
    return jws.sign(promise, key.private, jws.KEY_PROOF_TYP).decode("ascii")


@click.command()
def reference() -> None:
    """Print the reference of all statement types, in Markdown."""
    from ledger.reference import markdown

    click.echo(markdown(), nl=False)
