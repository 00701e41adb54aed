"""Years in files beside the snapshot of what stands, so that a server need not read them anew.

A file says which log it is of, and size and root of the prefix; one that is of another version or
log, of another prefix than what stands, or whose digest is wrong is not used. It is derived from
the log: whoever deletes it loses nothing but time. Once a payload is erased the file goes
(`ledger.snapshot.Snapshots.remove`), and whoever writes it at that moment removes it again.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from graph.findings import REGISTRY
from graph.keeping import filed
from graph.keeping.begun import BegunYear, written
from graph.keeping.running import Running
from graph.reading.current import CurrentYear
from graph.reading.network import FEEDS
from graph.terms import Rung
from graph.version import VERSION as ENGINE
from ledger.filed import PART, refused
from ledger.snapshot import BESIDE, Source
from ledger.standing import RULES, Standing

_FORMAT: Final = "2"
_MEANT: Final = repr((RULES, sorted(REGISTRY), FEEDS, tuple(Rung)))
VERSION: Final = f"{_FORMAT} {ENGINE} {hashlib.sha256(_MEANT.encode()).hexdigest()[:16]}"
"""Of the format, of the engine that made the figures, and of what the numbers in it mean."""


@dataclass(frozen=True, slots=True)
class YearSnapshots:
    """The years of one log beside its snapshot ``path``; without a path there never are any."""

    path: Path | None

    def load(self, log: Source, standing: Standing) -> Iterator[Running]:
        """Every year there is at the prefix of ``standing``.

        Raises ``SnapshotRefused`` for a file that cannot be used.
        """
        for file in self._files():
            header, arrays = filed.read(file)
            _check_fits(header, log, standing, file)
            begin = BegunYear(header, arrays)
            day = header["valid_on"] and dt.date.fromisoformat(header["valid_on"])
            current = CurrentYear(standing, header["year"], day, begin)
            yield Running(current, solved=begin.solved)

    def dump(self, years: Iterable[Running], log: Source) -> bool:
        """Write years in place of those that were there; whether they are there now."""
        if self.path is None:
            return False
        before = set(self._files())
        for running in years:
            file = self._file(running.current)
            before.discard(file)
            if not _write(file, running, log):
                return False  # an erasure took it away before it was there
            # Who erases looks for files after the commit, and we for the commit after the file.
            if log.erased_since(running.standing.size):
                self.remove()
                return False
        for file in before:
            file.unlink(missing_ok=True)
        return True

    def remove(self) -> None:
        for file in self._files():
            file.unlink(missing_ok=True)

    def _file(self, current: CurrentYear) -> Path:
        day = current.year.valid_on
        return Path(f"{self.path}{BESIDE}{day.isoformat() if day else current.year.year}")

    def _files(self) -> list[Path]:
        if self.path is None:
            return []
        beside = self.path.parent.glob(f"{self.path.name}{BESIDE}*")
        return sorted(file for file in beside if file.suffix != PART)


def _write(path: Path, running: Running, log: Source) -> bool:
    current = running.current
    header, arrays = written(current, running.solved())
    day, size = current.year.valid_on, running.standing.size
    told = {
        "version": VERSION,
        "origin": log.origin,
        "size": size,
        "root": log.root(size).hex(),
        "valid_on": day and day.isoformat(),
    }
    return filed.write(path, {**header, **told}, arrays)


def _check_fits(header: dict[str, Any], log: Source, standing: Standing, path: Path) -> None:
    size = standing.size
    if header.get("version") != VERSION:
        raise refused(path, "it is of another version")
    if header["origin"] != log.origin:
        raise refused(path, "it is of another log")
    if header["size"] != size or header["root"] != log.root(size).hex():
        raise refused(path, "it is of another prefix than what stands")
    if log.erased_since(size):
        path.unlink(missing_ok=True)
        raise refused(path, "a payload was erased since")
