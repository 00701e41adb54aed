"""A year of readings goes to a server from the terminal, and comes back as a table by month."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from api.keys import keyfile
from ledger.statements import Readings
from tests.cli_world import ORIGIN, Said, Terminal, admitted, served, terminal

pytestmark = pytest.mark.only_on("sqlite", "what meters count is not about databases")

SITE = "6b1f0a52-6c1e-4c57-9d0b-0d8f4f0f3a01"
METER = {
    "type": "meter",
    "site": SITE,
    "meter": "E-01",
    "measures": "electricity",
    "flow": "bought",
    "source": "grid",
    "unit": "KWH",
    "reads": "register",
    "spacingSeconds": 3600,
}


@dataclass
class Mill:
    """A mill at its terminal, whose meter stands."""

    at: Terminal
    address: str
    token: str

    @property
    def to(self) -> tuple[str, ...]:
        return ("--server", self.address, "--token", self.token)

    def says(self, name: str, document: dict[str, Any]) -> None:
        self.at.write(f"{name}.json", document)
        self.at.ok("sign", f"{name}.json", "--key", "mill.key", "--out", f"{name}.jws")
        self.at.ok("submit", f"{name}.jws", "--server", self.address)

    def reads(self, rows: Iterable[tuple[str, str]], *options: str) -> Said:
        lines = "".join(f"{time},{value}\n" for time, value in rows)
        path = self.at.write("meter.csv", f"时间,读数\n{lines}")
        return self.at.run(
            "readings", path, "--site", SITE, "--meter", "E-01", "--key", "mill.key", *self.to,
            *options,
        )  # fmt: skip

    @property
    def enterprise(self) -> str:
        return keyfile.read(Path("mill.key"), production=False).enterprise


@pytest.fixture
def mill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mill]:
    at = terminal(tmp_path, monkeypatch)
    at.ok("init", "--origin", ORIGIN)
    with served() as address:
        mill = Mill(at, address, admitted(at, address, "mill"))
        place = {"latitude": "51.5", "longitude": "7.4", "timeZone": "Europe/Berlin"}
        mill.says("site", {"type": "site", "id": SITE, "name": "Mühle", **place})
        mill.says("meter", METER)
        yield mill


def hours(days: int, first: dt.datetime = dt.datetime(2025, 1, 1)) -> Iterator[tuple[str, str]]:
    """One kWh an hour, with offsets, so that summer time is no matter."""
    begun = first - dt.timedelta(hours=1)
    for k in range(24 * days + 1):
        yield f"{begun + dt.timedelta(hours=k):%Y-%m-%dT%H:%M}Z", f"{k}"


def test_a_year_of_hours_is_one_batch_of_twelve_months_and_a_table(mill: Mill) -> None:
    said = mill.reads(hours(365), "--json")
    assert said.code == 0, said.out
    stated = said.json["statements"]
    assert said.json["written"] is True
    assert [each["label"] for each in stated] == [f"E-01 2025-{m:02}" for m in range(1, 13)]
    assert {each["action"] for each in stated} == {"new"}
    first = stated[0]["index"]
    assert [each["index"] for each in stated] == list(range(first, first + 12))

    again = mill.reads(hours(365))
    assert "New: 0, corrections: 0, unchanged: 12, refused: 0." in again.out
    assert "Nothing was written." in again.out

    table = mill.at.ok("meters", "Mill", *mill.to)
    assert "2025, from meters" in table.out
    assert "All readings reach 2026-01-01 00:00+01:00." in table.out
    lines = {line.split()[0]: line for line in table.out.splitlines() if line.strip()}
    assert lines["2025-03"].split()[1:3] == ["743", "100.0"]
    assert lines["2025-10"].split()[1:3] == ["745", "100.0"]
    assert lines["Total"].split()[1] == "8,760"
    assert "█" in lines["2025-10"]
    assert "Not in the estimate" in table.out
    asked = mill.at.ok("meters", mill.enterprise, "--year", "2025", "--json", *mill.to)
    assert asked.json["rows"][0]["total"]["amount"] == "8760"


def test_a_correction_changes_its_month_alone_and_a_gap_is_flagged(mill: Mill) -> None:
    whole = list(hours(59))
    assert mill.reads(whole).code == 0
    changed = [(time, "5.5" if value == "5" else value) for time, value in whole]
    rehearsed = mill.reads(changed, "--dry-run")
    assert "corrections: 1, unchanged: 1" in rehearsed.out
    assert "Nothing was written." in rehearsed.out
    said = mill.reads(changed, "--json")
    assert [(each["label"], each["action"]) for each in said.json["statements"]] == [
        ("E-01 2025-01", "change"), ("E-01 2025-02", "unchanged"),
    ]  # fmt: skip
    later = mill.reads([("2025-04-01 00:00", "3000")])
    assert later.code == 0, later.err
    table = mill.at.ok("meters", "Mill", "--year", "2025", *mill.to)
    assert "gap, superseded" in table.out
    assert "Mühle, E-01: No reading from 2025-03-01 00:00+01:00 to 2025-04-01" in table.out
    assert "not read" in table.out


def test_nothing_is_sent_unless_every_row_is_fine(mill: Mill) -> None:
    rows = [("2025-03-29 12:00", "1"), ("2025-03-30 02:30", "2"), ("2025-10-26 02:30", "3")]
    said = mill.reads([*rows, ("2025-11-01 00:00", "x")])
    assert said.code == 1
    for words in (
        "meter!3 时间: There was no 2025-03-30 02:30 in Europe/Berlin",
        "meter!4 时间: There were two 2025-10-26 02:30 in Europe/Berlin",
        "by its offset from UTC, such as 2025-10-26T02:30:00+02:00 or 2025-10-26T02:30:00+01:00",
        "meter!5 读数: “x” is not a plain decimal.",
    ):
        assert words in said.err
    assert "refused: 3." in said.out
    again = mill.reads(rows[:1], "--json")
    assert [each["action"] for each in again.json["statements"]] == ["new"]


def test_what_overlaps_another_statement_is_refused_before_anything_is_written(
    mill: Mill,
) -> None:
    whole = {"at": "2025-01-01T00:00:00+01:00", "value": "1"}
    period = {"start": "2025-01-01", "end": "2026-01-01"}
    stated = {"type": "readings", "site": SITE, "meter": "E-01", "period": period}
    mill.says("year", {**stated, "readings": [whole]})
    said = mill.reads([("2025-05-01 00:00", "1")])
    assert said.code == 1
    assert "Nothing was written." in said.out


def test_a_month_that_was_withdrawn_is_stated_anew(mill: Mill) -> None:
    rows = [("2025-05-01 00:00", "1"), ("2025-05-02 00:00", "2")]
    said = mill.reads(rows, "--json")
    index = said.json["statements"][0]["index"]
    from api.client import Client

    client = Client(mill.address, mill.token)
    (stood,) = client.statements(subject=mill.enterprise, kind=Readings.TYPE, about=SITE)
    assert stood.index == index
    mill.at.write("end.json", {"type": "withdrawal", "reason": "Another meter."})
    mill.at.ok("sign", "end.json", "--key", "mill.key", "--prev", stood.digest, "--out", "end.jws")
    mill.at.ok("submit", "end.jws", "--server", mill.address)
    again = mill.reads(rows, "--json")
    assert again.code == 0, again.out
    assert again.json["written"] is True


def test_a_meter_a_site_or_a_file_that_is_none_is_named(mill: Mill) -> None:
    path = mill.at.write("meter.csv", "time,value\n2025-05-01,1\n")
    common = ["--key", "mill.key", *mill.to]
    said = mill.at.run("readings", path, "--site", "Mühle", "--meter", "E-99", *common)
    assert (said.code, "No meter E-99 is in force" in said.err) == (1, True)
    said = mill.at.run("readings", path, "--site", "Nowhere", "--meter", "E-01", *common)
    assert (said.code, "There is no site “Nowhere”." in said.err) == (1, True)
    path = mill.at.write("meter.csv", "when,what\n2025-05-01,1\n")
    said = mill.at.run("readings", path, "--site", "Mühle", "--meter", "E-01", *common)
    assert said.code != 0
    assert "no column called" in said.err
    assert mill.at.run("readings", path, "--site", SITE, "--meter", "E-01", *mill.to).code == 2
