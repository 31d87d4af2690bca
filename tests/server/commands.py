"""The command line, run in this process on an installation of its own."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from server.cli import main
from server.cli.terminal import console

Run = Callable[..., Result]


def commands(home: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`run("form", "list")` is the result of one command; its tables are wide enough to fold nothing."""
    monkeypatch.setenv("AFTERSHEET_HOME", str(home))
    monkeypatch.delenv("AFTERSHEET_DATABASE_URL", raising=False)
    # Not by COLUMNS: that is read once, when whichever test comes first imports the module.
    monkeypatch.setattr(console, "width", 200)

    def run(*arguments: object, text: str | None = None) -> Result:
        return CliRunner().invoke(main, [str(argument) for argument in arguments], input=text, catch_exceptions=False)

    return run
