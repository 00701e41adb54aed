"""Whoever chooses Chinese is spoken to in Chinese, whatever the command."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.cli.examples import EXAMPLES
from api.cli.verification import NAMES
from api.importing.columns import SHEETS
from api.keys.keyfile import write_secret
from tests.cli_world import ORIGIN, Said, Terminal, admitted, served, terminal
from tests.factory import Factory

pytestmark = pytest.mark.only_on("sqlite", "about commands; a worked example runs on both kinds")

PARK = "East park"


class Chinese(Terminal):
    """A terminal whose user writes ``--lang zh``."""

    def run(self, *arguments: object, typed: str | None = None) -> Said:
        return super().run("--lang", "zh", *arguments, typed=typed)


@pytest.fixture
def at(database_setting: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Chinese:
    return Chinese(terminal(tmp_path, monkeypatch, database_setting).folder)


@pytest.fixture
def local(at: Chinese, factory: Factory, monkeypatch: pytest.MonkeyPatch) -> Chinese:
    """The database of a park with one mill, whose product has no production."""
    (at.folder / "var").mkdir()
    write_secret(at.folder / "var" / "signing-key.pem", factory.signer.private)
    monkeypatch.setenv("DATABASE_URL", factory.url)
    mill, operator = factory.enterprise("Mill"), factory.enterprise("Park company")
    works, park = mill.site("Mill works"), operator.park(PARK)
    operator.membership(park, works, consent_by=mill)
    steel = mill.product("Steel")
    inputs = [(factory.uuid(), "1", "KGM")]
    mill.recipe(steel, works, emissions=[("CO2", "fossil", "2")], inputs=inputs)
    mill.inventory(works, [("CO2", "fossil", "2000")])
    return at


@pytest.fixture
def served_log(at: Chinese) -> Iterator[str]:
    at.ok("init", "--origin", ORIGIN)
    with served() as address:
        yield address


def english_sentences(text: str) -> list[str]:
    """Runs of four English words; the park and the mill keep their names."""
    return re.findall(r"[a-z]+(?: [a-z]+){3,}", text)


def test_the_books_of_a_park_have_chinese_headings(local: Chinese) -> None:
    said = local.ok("park", PARK).out
    for heading in ("覆盖率", "范围一", "范围二", "范围三", "购买的商品和服务", "推演", "气体"):
        assert heading in said
    assert "依据前" in said
    assert not english_sentences(said)


def test_a_product_has_chinese_headings_and_gaps(local: Chinese) -> None:
    said = local.ok("product", "Steel").out
    for heading in ("足迹", "化石源", "缺口"):
        assert heading in said


def test_a_word_that_was_typed_is_quoted_as_it_was_typed(local: Chinese) -> None:
    assert "“site”" in local.run("product", "site").err


def test_an_empty_workbook_is_explained_in_chinese(at: Chinese) -> None:
    said = at.ok("import", "template", "book.xlsx").out
    assert all(heading in said for heading in ("工作表", "列", "必填", "含义"))
    assert all(column.doc not in said for sheet in SHEETS.values() for column in sheet.columns)


def test_an_import_is_reported_in_chinese(at: Chinese, served_log: str) -> None:
    token = admitted(at, served_log, "acme")
    keys = ("--key", "acme.key", "--server", served_log, "--token", token)
    at.write("products.csv", "code,name,unit\nsteel,Steel,kg\n")
    said = at.ok("import", "products.csv", *keys).out
    for text in ("位置", "处理", "新增", "产品 steel", "新增 1，更正 0", "已写入日志。"):
        assert text in said
    at.write("products.csv", "code,name,unit\nwire,,kg\n")
    assert "此单元格不能为空。" in at.run("import", "products.csv", *keys).err


def test_a_code_with_square_brackets_is_shown_as_it_is(at: Chinese, served_log: str) -> None:
    token = admitted(at, served_log, "acme")
    at.write("products.csv", "code,name,unit\n[/steel],Steel,kg\n")
    said = at.ok("import", "products.csv", "--key", "acme.key", "--server", served_log,
                 "--token", token)  # fmt: skip
    assert "产品 [/steel]" in said.out


def test_the_checks_of_a_receipt_are_named_in_chinese(at: Chinese, served_log: str) -> None:
    admitted(at, served_log, "acme")
    for name, latitude in (("site", "31"), ("other", "32")):
        at.write(f"{name}.json", {**EXAMPLES["site"], "latitude": latitude})
        at.ok("sign", f"{name}.json", "--key", "acme.key", "--out", f"{name}.jws")
    assert "是条目" in at.ok("submit", "site.jws", "--server", served_log).out
    evidence = ("verify", "site.tlog-proof", "--trust", "var/trust.json", "--statement")
    said = at.ok(*evidence, "site.jws").out
    assert said.count("✓") == len(NAMES)
    assert all(name in said for name in ("声明", "回执", "签名内容摘要", "检查点", "包含证明"))
    assert at.run(*evidence, "other.jws").out.count("✗") == 2


def test_a_check_that_fails_says_why_in_chinese(at: Chinese, served_log: str) -> None:
    admitted(at, served_log, "acme")
    at.write("site.jws", "nonsense")
    at.write("site.tlog-proof", "nonsense")
    said = at.run("verify", "site.tlog-proof", "--trust", "var/trust.json",
                  "--statement", "site.jws")  # fmt: skip
    assert "紧凑形式的 JWS 恰好有两个点；这里有 0 个。" in said.out
    assert said.code == 1
