"""Starting from a snapshot of what stands, and writing one anew as the log grows.

A log of some thousand entries is read in moments, and has none. A longer one is read as a whole
once; from then on a server starts from the file (``ledger.snapshot``) and reads what was said
since. Every so many entries one of the processes writes the file anew.
"""

from __future__ import annotations

import fcntl
import logging
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import Progress

from api.services import Services
from api.settings import Settings
from graph.keeping.running import Running
from graph.keeping.year_snapshots import YearSnapshots
from ledger.entry import Filed
from ledger.errors import SnapshotRefused
from ledger.log import Log
from ledger.snapshot import Snapshots
from ledger.standing import Standing

_LOOK_SECONDS: Final = 60
_SHOW_AFTER_SECONDS: Final = 1.0
_SHOWN_EVERY: Final = 10_000
_LOG = logging.getLogger("catchment")


def snapshots_of(settings: Settings) -> Snapshots:
    return Snapshots(settings.snapshot_file if settings.snapshot_entries else None)


def begin(log: Log, settings: Settings) -> Standing | None:
    """What stands, or stood not long ago; None where the log is short enough to be read anyway."""
    size, snapshots = log.size(), snapshots_of(settings)
    if (standing := _loaded(snapshots, log)) is not None:
        return standing
    if snapshots.path is None or size < settings.snapshot_entries:
        return None
    standing = Standing.after(_Watched(log), size)
    # The file is mapped and shared with other processes, where memory would be each one's own.
    return (_loaded(snapshots, log) if _dumped(snapshots, standing, log) else None) or standing


def begin_years(log: Log, standing: Standing | None, settings: Settings) -> list[Running]:
    """The years that were written when this stood."""
    if standing is None:
        return []
    years = []
    try:
        for each in YearSnapshots(snapshots_of(settings).path).load(log, standing):
            years.append(each)
    except (SnapshotRefused, OSError) as refused:
        _LOG.warning("%s", refused)
    return years


def start(services: Services) -> threading.Event:
    """Keep the snapshot up to date in the background of a server; setting the event ends it."""
    stop = threading.Event()
    if services.settings.snapshot_entries:
        threading.Thread(target=_run, args=(services, stop), daemon=True, name="snapshots").start()
    return stop


def keep(services: Services) -> bool:
    """Write the snapshot anew if enough was said since; whether it was written."""
    if not services.settings.snapshot_entries:
        return False
    snapshots, entries = snapshots_of(services.settings), services.settings.snapshot_entries
    with _alone(snapshots) as is_alone:
        if not is_alone or services.engine.standing().size - snapshots.size() < entries:
            return False
        standing, years = services.engine.calendar_years()
        if not _dumped(snapshots, standing, services.log):
            return False
        return YearSnapshots(snapshots.path).dump(years, services.log)


def _run(services: Services, stop: threading.Event) -> None:
    while not stop.wait(_LOOK_SECONDS):
        try:
            keep(services)
        except Exception:
            _LOG.exception("The snapshot was not written")


@contextmanager
def _alone(snapshots: Snapshots) -> Iterator[bool]:
    """Whether no other process writes the snapshot at this time."""
    with open(f"{snapshots.path}.lock", "a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _loaded(snapshots: Snapshots, log: Log) -> Standing | None:
    try:
        return snapshots.load(log)
    except (SnapshotRefused, OSError) as refused:
        _LOG.warning("%s", refused)
        return None


def _dumped(snapshots: Snapshots, standing: Standing, log: Log) -> bool:
    try:
        return snapshots.dump(standing, log)
    except OSError as failed:
        _LOG.warning("The snapshot %s was not written: %s", snapshots.path, failed)
        return False


class _Watched:
    """A log that shows a person how far reading it has come, once that takes longer."""

    def __init__(self, log: Log) -> None:
        self.heads_at, self.suspects_at = log.heads_at, log.suspects_at
        self.soundness_at = log.soundness_at
        self._log = log

    def filed_at(self, size: int) -> Iterator[Filed]:
        started = time.monotonic()
        with Progress(console=Console(stderr=True), transient=True, auto_refresh=False) as bar:
            task = bar.add_task("Reading the log", total=size, visible=False)
            for filed in self._log.filed_at(size):
                if filed.index % _SHOWN_EVERY == 0 and sys.stderr.isatty():
                    shown = time.monotonic() - started > _SHOW_AFTER_SECONDS
                    bar.update(task, completed=filed.index, visible=shown, refresh=shown)
                yield filed
