"""``catchment witness``: cosign the checkpoints of logs that others run."""

from __future__ import annotations

from pathlib import Path

import click

from api.cli.speech import Speech, json_option, pass_speech

_FOLDER = click.Path(path_type=Path, file_okay=False)
_TRUST = click.Path(path_type=Path, exists=True, dir_okay=False)
_folder_option = click.option(
    "--folder", type=_FOLDER, default="witness", show_default=True, help="Where the witness lives."
)


@click.group()
def witness() -> None:
    """Witness logs that others run, so that none can show different people different histories.

    A witness remembers the latest checkpoint of each log and cosigns a new one only if it continues
    it. Run it elsewhere than the log, by somebody else.
    """


@witness.command()
@click.option("--name", required=True, help="Name it signs under, such as witness.example.")
@_folder_option
@json_option
@pass_speech
def init(speech: Speech, name: str, folder: Path) -> None:
    """Make the key and the database of a witness, and print its verifier key.

    Nothing that exists is overwritten. Never restore the database from a backup: a witness that has
    forgotten what it cosigned has to be retired, and a new one made under a new name.
    """
    from api.serving import witnessing

    vkey = str(witnessing.init(folder, name))
    if speech.as_json:
        speech.json({"name": name, "vkey": vkey, "folder": str(folder)})
        return
    speech.say("The witness %(name)s is made in %(folder)s. Its verifier key:",
               name=name, folder=folder)  # fmt: skip
    speech.say("  %(text)s", text=vkey)


@witness.command()
@click.option(
    "--log",
    "logs",
    required=True,
    multiple=True,
    type=_TRUST,
    help="trust.json of a log to witness; once for each.",
)
@_folder_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=7380, show_default=True)
def serve(logs: tuple[Path, ...], folder: Path, host: str, port: int) -> None:
    """Answer add-checkpoint requests (C2SP tlog-witness) until interrupted."""
    from api.serving import witnessing

    witnessing.serve(folder, logs, host, port)
