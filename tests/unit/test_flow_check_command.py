"""`gateway flow check`: lines to click on, JSON for machines, and the exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from gateway.cli.flow_check import register
from tests.conversations.chat import ROOT

BROKEN = ROOT / "tests/data/broken"


@pytest.fixture(scope="module")
def app() -> typer.Typer:
    app = typer.Typer()

    @app.callback()
    def flow() -> None:
        """A group, as the command line has it."""

    register(app)
    return app


def run(app: typer.Typer, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["check", *arguments])
    return result.exit_code, result.output


def test_an_error_is_printed_with_its_position_and_fails(app: typer.Typer) -> None:
    file = BROKEN / "dangling_start.json"
    code, said = run(app, str(file))
    assert code == 1
    assert said.splitlines() == [
        f'{file}:2:17: error: start_node: there is no node "wellcome"; did you mean "welcome"?',
        f"{file}: 1 error.",
    ]


def test_a_warning_fails_only_when_strict(app: typer.Typer) -> None:
    file = str(BROKEN / "lint_unused_variable.json")
    assert run(app, file)[0] == 0
    code, said = run(app, file, "--strict")
    assert code == 1
    assert said.endswith(f"{file}: 1 warning.\n")


def test_a_flow_without_problems_says_so(app: typer.Typer) -> None:
    file = str(BROKEN / "json_byte_order_mark_is_fine.json")
    assert run(app, file, "--strict") == (0, f"{file}: no problem.\n")


def test_as_json_for_machines(app: typer.Typer) -> None:
    file = str(BROKEN / "lint_long_label.json")
    code, said = run(app, file, "--json", "--channel", "telegram")
    result = json.loads(said)
    assert (code, result["errors"], result["warnings"]) == (0, 0, 1)
    (problem,) = result["problems"]
    assert (problem["file"], problem["line"], problem["severity"]) == (file, 11, "warning")


def test_another_channel_is_refused(app: typer.Typer, tmp_path: Path) -> None:
    code, said = run(app, str(tmp_path), "--channel", "fax")
    assert (code, said) == (1, "Error: there is no channel fax; use telegram, web, whatsapp, slack\n")
