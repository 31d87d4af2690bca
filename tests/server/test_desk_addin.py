"""Where `aftersheet desk addin` puts the add-in."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from server.cli.desk import desk as command
from server.desk.addin import places, remove_addin, write_addin
from workbooks.desk import DeskError


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person's own folder."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("APPDATA", str(tmp_path / "AppData" / "Roaming"))
    return tmp_path


@pytest.mark.parametrize(
    ("platform", "files"),
    [
        ("win32", ["AppData/Roaming/Microsoft/Excel/XLSTART/Aftersheet.xlam"]),
        (
            "darwin",
            [
                "Library/Application Scripts/com.microsoft.Excel/xlwings-*.applescript",
                "Library/Group Containers/*.Office/User Content.localized/Startup.localized/Excel/Aftersheet.xlam",
            ],
        ),
    ],
)
def test_it_goes_where_excel_looks(home: Path, platform: str, files: list[str]):
    """Written over an older one, and taken away again; a Mac also needs the script that may start programs."""
    where = places(platform)
    write_addin(where, "zh")
    write_addin(where, "en")
    written = [[path.stat().st_size > 1000 for path in home.glob(pattern)] for pattern in files]

    assert written == [[True]] * len(files)
    assert (remove_addin(where), remove_addin(where)) == (True, False)


def test_elsewhere_it_is_written_to_a_file(home: Path):
    """A system without Excel builds it all the same, for another machine to look at."""
    with pytest.raises(DeskError):
        places("linux")
    nowhere = CliRunner().invoke(command, ["addin", "--lang", "en"])
    done = CliRunner().invoke(command, ["addin", "--out", str(home / "mine.xlam")])
    removed = CliRunner().invoke(command, ["addin", "--remove", "--out", str(home / "mine.xlam")])

    assert (nowhere.exit_code, "--out" in nowhere.output) == (1, True)
    assert (done.exit_code, removed.exit_code) == (0, 0)
    assert not (home / "mine.xlam").exists()


def test_a_file_excel_holds_is_said(home: Path, monkeypatch: pytest.MonkeyPatch):
    """Windows lets nobody write a file that is open: told to quit Excel, without a traceback."""

    def held(path: Path, content: bytes) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("server.desk.addin.write_private", held)
    done = CliRunner().invoke(command, ["addin", "--lang", "en", "--out", str(home / "mine.xlam")])

    assert done.exit_code == 1
    assert "Quit Excel" in done.output
