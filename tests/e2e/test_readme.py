"""The README's commands are run as they stand there, beside the demonstration."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.e2e.deployment import Deployment
from tests.patience import HANG_SECONDS

ROOT = Path(__file__).parents[2]
LANGUAGES = {"README.md": "en", "README.zh-CN.md": "zh"}


def commands(readme: str) -> str:
    """Every ``sh`` block, in order: one script."""
    text = (ROOT / readme).read_text(encoding="utf-8")
    return "\n".join(re.findall(r"^```sh\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE))


def test_both_readmes_give_the_same_commands() -> None:
    first, second = map(commands, LANGUAGES)
    assert first
    assert first == second


@pytest.mark.slow
@pytest.mark.only_on("sqlite", "is about commands; the worked example runs on both databases")
def test_who_follows_the_readme_closes_the_gap_moves_the_park_and_buys(
    database_setting: str, tmp_path: Path
) -> None:
    here = Deployment(tmp_path, database_setting)
    here.run("init", "--origin", "demo.catchment.example")
    here.run("demo")
    with here.serving() as address:
        script = commands("README.md").replace("http://127.0.0.1:8000", address)
        done = subprocess.run(
            ["bash", "-eu", "-o", "pipefail", "-c", script],
            cwd=tmp_path,
            env=here.environment,
            capture_output=True,
            text=True,
            timeout=HANG_SECONDS,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    before, after = re.findall(r"^T2 .*?([\d,]{5,})", done.stdout, flags=re.MULTILINE)
    assert (before, after) == ("403,774", "403,987")
    told = (ROOT / "README.md").read_text(encoding="utf-8")
    assert before in told
    assert after in told
    assert "1.45384" in done.stdout
    gaps_before, gaps_after = done.stdout.split("Admitted.", maxsplit=1)
    assert "saltgrass.example:product-id:wsr-20, which nobody has registered" in gaps_before
    assert "which nobody has registered" not in gaps_after
    bought = gaps_after.partition("HTTP/1.1 200")[2]
    assert re.search(r'link: <http://[^>]+/3/footprints\?[^>]*cursor=[^>]+>; rel="next"', bought)
    assert '"status":"Active"' in bought
    assert "1 of 1 suppliers answered" in bought
    assert '"value":"1079.89' in bought
    verdicts = [line.rstrip() for line in bought.splitlines() if "CNY  " in line]
    assert len(verdicts) == 2
    for readme in LANGUAGES:
        assert all(each in (ROOT / readme).read_text(encoding="utf-8") for each in verdicts)


@pytest.mark.slow
@pytest.mark.only_on("sqlite", "is about commands; the worked example runs on both databases")
def test_the_table_the_readme_opens_with_is_what_the_demonstration_prints(
    database_setting: str, tmp_path: Path
) -> None:
    here = Deployment(tmp_path, database_setting)
    here.run("init", "--origin", "demo.catchment.example")
    here.run("demo")
    printed = here.run("park", "Heron Lake Zero-Carbon Park", "--year", "2025")
    figures = [line.rstrip() for line in printed.splitlines() if re.search(r"\d,\d{3} ", line)]
    assert len(figures) >= 7
    for readme in LANGUAGES:
        told = (ROOT / readme).read_text(encoding="utf-8")
        assert all(figure in told for figure in figures[:9])
