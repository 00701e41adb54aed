"""Options that several commands have."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from api.keys import keyfile
from api.keys.keyfile import KeyFile
from api.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])

_ENCRYPTED = b"BEGIN ENCRYPTED PRIVATE KEY"
DEFAULT_SERVER = "http://127.0.0.1:8000"
_KEY_ID_LIKE_AN_OPTION: Final = re.compile(r"-[A-Za-z0-9_-]{42}", re.ASCII)


class KeyIdCommand(click.Command):
    """A command whose argument is a key id, also one that begins with ``-`` or ``--``.

    A key id is an RFC 7638 thumbprint: 43 base64url characters, and one in 64 begins with a
    hyphen. Whoever pastes it need not know that ``--`` ends the options. No option has a name
    of that form, so it is never taken for one that is merely misspelt.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ended = args.index("--") if "--" in args else len(args)
        ids = set(self._key_ids(args[:ended]))
        options = [each for at, each in enumerate(args[:ended]) if at not in ids]
        given = [args[at] for at in sorted(ids)]
        return super().parse_args(ctx, [*options, "--", *given, *args[ended + 1 :]])

    def _key_ids(self, args: list[str]) -> Iterator[int]:
        """Where a key id begins with a hyphen and is not the value of the option before it."""
        valued = set(_options_with_a_value(self.params))
        for at, (before, each) in enumerate(zip(["", *args], args, strict=False)):
            if _KEY_ID_LIKE_AN_OPTION.fullmatch(each) and before not in valued:
                yield at


def _options_with_a_value(params: Iterable[click.Parameter]) -> Iterator[str]:
    for param in params:
        if isinstance(param, click.Option) and not param.is_flag and not param.count:
            yield from param.opts


def server_option(command: F) -> F:
    return click.option(
        "--server",
        envvar="CATCHMENT_SERVER",
        default=DEFAULT_SERVER,
        show_default=True,
        show_envvar=True,
        help="Address of the server.",
    )(command)


def token_option(command: F) -> F:
    """A token on the command line is seen by other users of the machine; the variable is not."""
    return click.option(
        "--token", envvar="CATCHMENT_TOKEN", show_envvar=True, help="Token for reading."
    )(command)


def here_option(command: F) -> F:
    """For whoever has the database: its contents are open to them anyway."""
    return click.option(
        "--here", is_flag=True, help="On the server's machine: use its database directly."
    )(command)


def yes_option(command: F) -> F:
    return click.option("--yes", is_flag=True, help="Do not ask.")(command)


def receipt_dir_option(command: F) -> F:
    """For commands that sign and submit at once."""
    return click.option(
        "--receipt-dir",
        type=click.Path(path_type=Path, file_okay=False, exists=True),
        default=".",
        help="Where the statement and its receipt are saved.",
    )(command)


def key_options(command: F) -> F:
    """``--key`` and ``--passphrase-file``; the command is given ``key``, a KeyFile or None."""

    @wraps(command)
    def opened(*args: Any, key: Path | None, passphrase_file: Path | None, **kwargs: Any) -> Any:
        return command(*args, key=key and open_key(key, passphrase_file), **kwargs)

    for option in (
        click.option(
            "--passphrase-file", type=click.Path(path_type=Path, exists=True, dir_okay=False)
        ),
        click.option(
            "--key",
            type=click.Path(path_type=Path, exists=True, dir_okay=False),
            help="Your key file, acme.key.",
        ),
    ):
        opened = option(opened)
    return opened  # type: ignore[return-value]  # click adds the two parameters


def open_key(path: Path, passphrase_file: Path | None) -> KeyFile:
    """Read a key file, asking for the passphrase where it needs one and none is given."""
    production = Settings.from_env().is_production
    return keyfile.read(path, passphrase_of(path, passphrase_file), production=production)


def passphrase_of(path: Path, passphrase_file: Path | None) -> bytes | None:
    """The passphrase of a key: from a file, asked for where the key has one, or none."""
    if passphrase_file is not None:
        return read_passphrase(passphrase_file)
    if _ENCRYPTED in path.read_bytes()[:1024]:
        typed: str = click.prompt(f"Passphrase of {path}", hide_input=True, err=True)
        return typed.encode("utf-8")
    return None


def read_passphrase(file: Path) -> bytes:
    """A file's only line, as editors and shells write it."""
    return file.read_bytes().rstrip(b"\r\n")
