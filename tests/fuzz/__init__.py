"""
Good workbooks damaged in ways that happen, and what must become of them.

`damage` is the kit: the same content and seed always give the same damaged file, with a
`Damage` that says what was done. `oracle.judge` says whether what the reader and the
check made of it is right. Long runs: `python -m tests.fuzz --seeds 5000`.
"""

from collections.abc import Mapping
from pathlib import Path
from random import Random

from tests.fuzz import layout, names, packages, sheets, spellings
from tests.fuzz.editing import Editor
from tests.fuzz.subject import KINDS, Damage, Subject

__all__ = ["Damage", "Subject", "damage", "damage_one_of", "damage_subject", "good_subjects"]

_GOOD = Path(__file__).parents[1] / "data" / "good"
_MODULES = (spellings, names, layout, sheets, packages)  # each registers its kinds


def damage(content: bytes, seed: int) -> tuple[bytes, Damage]:
    """The workbook *content* damaged in the way that *seed* says."""
    return damage_subject(Subject(content), seed)


def damage_subject(subject: Subject, seed: int) -> tuple[bytes, Damage]:
    """The same for a workbook that has been read; where a kind does not apply, the next one does."""
    for attempt in range(len(KINDS)):
        found = _done(subject, seed + attempt, f"{seed}")
        if found is not None:
            return found
    raise AssertionError("no kind of damage applies to this workbook")


def damage_one_of(subjects: Mapping[str, Subject], seed: int) -> tuple[str, bytes, Damage]:
    """One of *subjects*, by name, damaged: seeds that follow each other take one kind after the other."""
    names = sorted(subjects)
    Random(seed).shuffle(names)
    for attempt in range(len(KINDS)):
        for name in names:
            found = _done(subjects[name], seed + attempt, f"{seed}")
            if found is not None:
                return name, *found
    raise AssertionError("no kind of damage applies to any of the workbooks")


def _done(subject: Subject, number: int, seed: str) -> tuple[bytes, Damage] | None:
    book = Editor(subject.content)
    result = list(KINDS.values())[number % len(KINDS)](subject, book, Random(seed))
    return (book.save(), result) if isinstance(result, Damage) else result


def good_subjects() -> dict[str, Subject]:
    """The good workbooks of tests/data that have their names, by file name."""
    contents = {path.name: path.read_bytes() for path in sorted(_GOOD.glob("*.xlsx"))}
    return {name: Subject(content) for name, content in contents.items() if "pasted" not in name}
