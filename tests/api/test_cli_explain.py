"""Figures are taken apart in the terminal, and hypotheses asked, as the API answers them."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from api.cli.figures import BAR_WIDTH, Bar
from api.keys.keyfile import write_secret
from tests.chain import YEAR, Chain, build_chain
from tests.cli_world import Terminal, terminal
from tests.factory import Factory

pytestmark = pytest.mark.only_on("sqlite", "it is about what is said, and to whom")


@pytest.fixture
def chain(factory: Factory) -> Chain:
    return build_chain(factory)


@pytest.fixture
def at(factory: Factory, chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    made = terminal(tmp_path, monkeypatch)
    (tmp_path / "var").mkdir()
    write_secret(tmp_path / "var" / "signing-key.pem", factory.signer.private)
    monkeypatch.setenv("DATABASE_URL", factory.url)
    return made


def lines(said: str) -> list[list[str]]:
    return [line.split() for line in said.splitlines()]


def test_a_product_is_taken_apart_with_bars_and_a_total(at: Terminal) -> None:
    said = at.ok("explain", "product", "P2", "--year", YEAR).out
    assert "P1, P1 Works" in said
    assert "█" in said
    assert any(line[0] == "Total" and line[-1] == "%" for line in lines(said) if line)


@pytest.mark.parametrize("by", ["tier", "site", "enterprise", "gas", "category"])
def test_a_park_is_split_in_every_way(at: Terminal, by: str) -> None:
    said = at.ok("explain", "park", "Example Park", "--by", by).out
    assert any(line[:1] == ["Total"] and "330" in line for line in lines(said))


def test_paths_are_drawn_with_arrows(at: Terminal) -> None:
    said = at.ok("explain", "product", "P1", "--by", "path", "--most", 4).out
    assert "P1 ← E3" in said
    assert "all others" in said
    assert at.run("explain", "park", "Example Park", "--by", "path").code == 2


def test_levers_are_listed_by_kind(at: Terminal) -> None:
    said = at.ok("levers", "park", "Example Park").out
    assert "A tenth less bought across the fence" in said
    assert "-5.6" in said
    assert at.ok("levers", "park", "Example Park", "--json").json["less"] == "0.1"


def test_a_hypothesis_is_read_from_a_file(at: Terminal, chain: Chain) -> None:
    half = {"scaleEmissions": {"product": chain.products["E3"], "factor": "0.5"}}
    file = at.write("if.json", {"figure": {"park": chain.park}, "changes": [half]})
    said = at.ok("what-if", file).out
    assert "nobody has said this" in said
    assert any(line == ["T2", "330", "300", "-30"] for line in lines(said))
    assert at.ok("what-if", file, "--json").json["hypothetical"] is True
    assert at.run("what-if", at.write("no.json", "{")).code == 1


def test_trust_is_stressed_by_name(at: Terminal, chain: Chain) -> None:
    said = at.ok("stress", "--supplier", "T4 Works", "--figure", "park", "--of", "Example Park").out
    assert any(line == ["T2", "330", "306", "-24"] for line in lines(said))
    assert "Enterprises it rests on" in said
    assert chain.firms["P1"].key.public.kid in said
    assert at.run("stress").code == 2
    assert at.run("stress", "--supplier", "T4 Works", "--verifier", "P1 Works").code == 2


@pytest.mark.parametrize("width", [60, 80, 120])
def test_bars_keep_their_scale_on_one_line_in_a_narrow_terminal(width: int) -> None:
    table = Table("What", "", "kg CO2e", box=None)
    table.add_row("Primary aluminium " * 3, Bar(100, 100), "200,316,600")
    table.add_row("Diesel " * 9, Bar(50, 100), "100,158,300")
    console = Console(width=width, file=StringIO())
    console.print(table)
    assert isinstance(console.file, StringIO)
    whole, half = (line.count("█") for line in console.file.getvalue().splitlines() if "█" in line)
    assert whole <= BAR_WIDTH
    assert half == whole // 2
