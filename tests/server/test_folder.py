"""Files and folders: what is a workbook or a mail to be taken in, and what is not."""

from pathlib import Path

import pytest

from server.intake.ahead import ahead
from server.intake.folder import contents, mails_in, workbooks_in


def test_folders_are_searched_in_order(tmp_path: Path):
    """Sub-folders too; lock files, hidden files and other kinds are left out; each file comes once."""
    for name in ("b.xlsx", "sub/a.XLSM", "~$b.xlsx", ".hidden/c.xlsx", "notes.txt", "old.xls"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(name.encode())

    files = workbooks_in([tmp_path, tmp_path / "b.xlsx"])

    assert [file.name for file in files] == ["b.xlsx", "old.xls", "a.XLSM"]
    assert next(contents(files, [])) == ("b.xlsx", b"b.xlsx")


def test_mails_are_found_like_workbooks(tmp_path: Path):
    """In sub-folders too, not in hidden ones; a workbook that is named is no mail."""
    for name in ("b.eml", "sub/a.EML", ".Trash/c.eml", "._b.eml", "d.xlsx"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")

    assert [file.name for file in mails_in([tmp_path, tmp_path / "b.eml", tmp_path / "d.xlsx"])] == ["b.eml", "a.EML"]
    with pytest.raises(FileNotFoundError):
        mails_in([tmp_path / "none.eml"])


def test_named_file_is_taken_whatever_it_is_called(tmp_path: Path):
    """Whoever names a file means it; one that is missing is an error."""
    path = tmp_path / "report"
    path.write_bytes(b"x")

    assert workbooks_in([path]) == [path]
    with pytest.raises(FileNotFoundError):
        workbooks_in([tmp_path / "none.xlsx"])


def test_working_ahead_keeps_order_and_errors():
    """Everything before an error comes through, then the error; stopping early stops the worker."""

    def numbers():
        for number in range(1000):
            if number == 5:
                raise ZeroDivisionError
            yield number

    taken = []

    def take() -> None:
        for number in ahead(numbers(), 3):
            taken.append(number)

    with pytest.raises(ZeroDivisionError):
        take()
    assert taken == [0, 1, 2, 3, 4]

    early = ahead(iter(range(1000)), 3)
    assert next(early) == 0
    early.close()


def test_file_that_cannot_be_read_costs_the_others_nothing(tmp_path: Path):
    """It vanished between listing and reading: the others come, and it is named."""
    kept, gone = tmp_path / "a.xlsx", tmp_path / "b.xlsx"
    kept.write_bytes(b"a")
    unread: list[OSError] = []

    found = list(contents([gone, kept], unread))

    assert found == [("a.xlsx", b"a")]
    assert [error.filename for error in unread] == [str(gone)]
