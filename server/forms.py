"""The forms of an installation: those that come with Aftersheet, and those kept in its data folder."""

import os
import shutil
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
    """Put a form's *files* into *home*, whole or not at all; what was there under this id is replaced."""
    target = home / FOLDER / form_id
    fresh, old = target.with_name(f".{form_id}.new"), target.with_name(f".{form_id}.old")
    for left_over in (fresh, old):
        shutil.rmtree(left_over, ignore_errors=True)
    fresh.mkdir(parents=True)
    for name, content in files.items():
        with (fresh / name).open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    if target.exists():
        target.rename(old)
    fresh.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def forget(home: Path, form_id: str) -> None:
    """Take the form out of *home*."""
    target = home / FOLDER / form_id
    old = target.with_name(f".{form_id}.old")
    shutil.rmtree(old, ignore_errors=True)
    target.rename(old)
    shutil.rmtree(old, ignore_errors=True)
