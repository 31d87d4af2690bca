"""Workbooks and saved mails in files and folders, for taking in many at once."""

from collections.abc import Iterable, Iterator
from pathlib import Path

# Old and foreign formats too: each gets a finding that says what to do.
SUFFIXES = frozenset({".xlsx", ".xlsm", ".xltx", ".xltm", ".xls", ".xlsb", ".et", ".ods"})
MAIL_SUFFIX = ".eml"


def workbooks_in(paths: Iterable[Path]) -> list[Path]:
    """
    The files among *paths*, and the workbooks in the folders among them, however deep.

    A file named by itself is taken whatever it is called. Hidden files and the lock
    files of an open Excel (~$…) are left out. Each file comes once, folders in order of name.

    Raises:
        FileNotFoundError: One of *paths* does not exist.
    """
    return _files_in(paths, SUFFIXES)


def mails_in(paths: Iterable[Path]) -> list[Path]:
    """
    The saved mails (.eml) among *paths* and in the folders among them, found like `workbooks_in`.

    Raises:
        FileNotFoundError: One of *paths* does not exist.
    """
    return [path for path in _files_in(paths, frozenset({MAIL_SUFFIX})) if path.suffix.lower() == MAIL_SUFFIX]


def contents(files: Iterable[Path], unread: list[OSError]) -> Iterator[tuple[str, bytes]]:
    """(file name, bytes) of each file, read when its turn comes; why one could not be read goes to *unread*."""
    for file in files:
        try:
            content = file.read_bytes()
        except OSError as error:
            unread.append(error)
        else:
            yield file.name, content


def _files_in(paths: Iterable[Path], suffixes: frozenset[str]) -> list[Path]:
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            found |= dict.fromkeys(sorted(file for file in path.rglob("*") if _is_meant(file, path, suffixes)))
        elif path.exists():
            found[path] = None
        else:
            raise FileNotFoundError(path)
    return list(found)


def _is_meant(file: Path, root: Path, suffixes: frozenset[str]) -> bool:
    hidden = any(part.startswith((".", "~$")) for part in file.relative_to(root).parts)
    return not hidden and file.suffix.lower() in suffixes and file.is_file()
