"""Workbooks in files and folders, for taking in many at once."""

from collections.abc import Iterable, Iterator
from pathlib import Path

# Old and foreign formats too: each gets a finding that says what to do.
SUFFIXES = frozenset({".xlsx", ".xlsm", ".xltx", ".xltm", ".xls", ".xlsb", ".et", ".ods"})


def workbooks_in(paths: Iterable[Path]) -> list[Path]:
    """
    The files among *paths*, and the workbooks in the folders among them, however deep.

    A file named by itself is taken whatever it is called. Hidden files and the lock
    files of an open Excel (~$…) are left out. Each file comes once, folders in order of name.

    Raises:
        FileNotFoundError: One of *paths* does not exist.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            found |= dict.fromkeys(sorted(file for file in path.rglob("*") if _is_workbook(file, path)))
        elif path.exists():
            found[path] = None
        else:
            raise FileNotFoundError(path)
    return list(found)


def contents(files: Iterable[Path], unread: list[OSError]) -> Iterator[tuple[str, bytes]]:
    """(file name, bytes) of each file, read when its turn comes; why one could not be read goes to *unread*."""
    for file in files:
        try:
            content = file.read_bytes()
        except OSError as error:
            unread.append(error)
        else:
            yield file.name, content


def _is_workbook(file: Path, root: Path) -> bool:
    hidden = any(part.startswith((".", "~$")) for part in file.relative_to(root).parts)
    return not hidden and file.suffix.lower() in SUFFIXES and file.is_file()
