"""The forms of an installation: those that come with Aftersheet, and those kept in its data folder."""

import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

from workbooks.form import FormDefinition, Text
from workbooks.library import LOOK, library, load_folder

FOLDER = "forms"
FORM = "form.yaml"


class FormRefused(Exception):
    """A form is not installed, or not removed; *why* says it for people."""

    def __init__(self, why: Text) -> None:
        super().__init__(why)
        self.why = why


def installed(home: Path) -> dict[str, FormDefinition]:
    """
    The forms kept in the data folder *home*, by form_id.

    Raises:
        DefinitionError: One of them cannot be used; the text names file, line and key.
    """
    folder = home / FOLDER
    return load_folder(folder) if folder.is_dir() else {}


def known(home: Path) -> Mapping[str, FormDefinition]:
    """
    All forms there are, those that come along first.

    Raises:
        DefinitionError: An installed one cannot be used.
    """
    return {**library(), **installed(home)}


def stamp(home: Path) -> int:
    """A number that changes when a form is put into *home* or taken out of it."""
    try:
        return (home / FOLDER).stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def contents(folder: Path) -> dict[str, bytes]:
    """The files that make up the form in *folder*, by name."""
    return {name: path.read_bytes() for name in (FORM, LOOK) if (path := folder / name).is_file()}


def keep(home: Path, form_id: str, files: Mapping[str, bytes]) -> None:
    """
    Put a form's *files* into *home*, in place of those that are there under this id.

    The definition comes last: if power fails before, what was installed is still in force
    and can be installed over.
    """
    folder = home / FOLDER / form_id
    folder.mkdir(parents=True, exist_ok=True)
    for name in sorted(files, key=lambda name: name == FORM):
        temporary = folder / f".{name}"
        with temporary.open("wb") as file:
            file.write(files[name])
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(folder / name)
    for name in {FORM, LOOK} - files.keys():
        (folder / name).unlink(missing_ok=True)
    _touch(home / FOLDER)


def forget(home: Path, form_id: str) -> None:
    """Take the form out of *home*."""
    folder = home / FOLDER / form_id
    (folder / FORM).unlink()
    shutil.rmtree(folder, ignore_errors=True)
    _touch(home / FOLDER)


def _touch(folder: Path) -> None:
    """Give *folder* a time it has not had, however coarse the clock of its file system is."""
    moment = max(time.time_ns(), folder.stat().st_mtime_ns + 1_000_000)
    os.utime(folder, ns=(moment, moment))
