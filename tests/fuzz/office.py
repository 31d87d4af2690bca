"""Damages done by LibreOffice itself: saved again, in other formats, rows and cells moved as a person moves them."""

from collections.abc import Callable
from pathlib import Path
from random import Random

from tests.fuzz.editing import Editor
from tests.fuzz.layout import lost_rows
from tests.fuzz.subject import Answer, Damage, Subject
from tests.libreoffice import Office

OfficeKind = Callable[[Subject, Office, Random, Path], "Damage | None"]

_LOST = frozenset(
    {"lost-names", "lost-field", "unknown-form", "misplaced-answer", "other-form", "answer-beside", "merged-input"}
)


def damage_by_office(subject: Subject, seed: int, office: Office, folder: Path) -> tuple[bytes, Damage]:
    """The subject's workbook as LibreOffice leaves it after what *seed* says; files are made in *folder*."""
    for attempt in range(len(OFFICE_KINDS)):
        rng = Random(f"office {seed} {attempt}")
        (folder / "before.xlsx").write_bytes(subject.content)
        office("open", folder / "before.xlsx")
        office("unprotect")
        done = OFFICE_KINDS[(seed + attempt) % len(OFFICE_KINDS)](subject, office, rng, folder)
        if done is not None:
            office("save", folder / "after.xlsx")
            return (folder / "after.xlsx").read_bytes(), done
    raise AssertionError("no kind of damage applies to this workbook")


def _every(subject: Subject) -> frozenset[str]:
    return frozenset(path for path, _ in subject.definition.paths()) | {r.name for r in subject.definition.repeats}


def _single(subject: Subject, rng: Random) -> Answer:
    return rng.choice([a for a in subject.answers if a.line is None])


def saved_again(subject: Subject, office: Office, rng: Random, folder: Path) -> Damage:
    return Damage(kind="saved_again")


def saved_through_another_format(subject: Subject, office: Office, rng: Random, folder: Path) -> Damage:
    """As .ods or .xls, opened again and saved as .xlsx."""
    suffix = rng.choice([".ods", ".xls"])
    office("save", folder / f"between{suffix}")
    office("open", folder / f"between{suffix}")
    return Damage(kind="saved_through_another_format", slugs=_LOST, paths=_every(subject), told=suffix)


def rows_inserted(subject: Subject, office: Office, rng: Random, folder: Path) -> Damage:
    at = _single(subject, rng).spot.row
    office("insert_rows", 0, at, rng.choice([1, 3]))
    return Damage(kind="rows_inserted", told=str(at))


def row_of_an_answer_deleted(subject: Subject, office: Office, rng: Random, folder: Path) -> Damage:
    answer = _single(subject, rng)
    office("delete_row_of", f"AS_{answer.path}")
    becomes, _ = lost_rows(subject, range(answer.spot.row, answer.spot.row + 1))
    return Damage(
        kind="row_of_an_answer_deleted", paths=_every(subject), slugs=_LOST, becomes=becomes, told=answer.spot.address
    )


def columns_inserted(subject: Subject, office: Office, rng: Random, folder: Path) -> Damage:
    at = _single(subject, rng).spot.column - 1
    office("insert_columns", 0, at)
    return Damage(kind="columns_inserted", told=str(at))


def answer_cut_and_pasted(subject: Subject, office: Office, rng: Random, folder: Path) -> Damage | None:
    """To an empty place far from its label: the name goes with it, and so the value is the right one."""
    answer = _single(subject, rng)
    office("merge", 0, answer.spot.address, False)
    last = max(spot.row for spot, _ in Editor(subject.content).cells())
    office("cut", 0, answer.spot.address, f"C{last + 3}")
    return Damage(kind="answer_cut_and_pasted", paths=_every(subject), slugs=_LOST, told=answer.spot.address)


def sheet_copied_by_its_tab(subject: Subject, office: Office, rng: Random, folder: Path) -> Damage:
    title = Editor(subject.content).form
    office("copy_sheet", title, "副本", rng.choice([0, 1]))
    return Damage(kind="sheet_copied_by_its_tab", slugs=_LOST, paths=_every(subject))


def copy_changed(subject: Subject, office: Office, rng: Random, folder: Path) -> Damage:
    """The sheet is copied, and one answer written into the copy only."""
    title, answer = Editor(subject.content).form, _single(subject, rng)
    office("copy_sheet", title, "副本", 1)
    office("write", 1, [[answer.spot.address, "改过的内容"]])
    return Damage(kind="copy_changed", slugs=frozenset({"other-form"}), told=answer.path, must_refuse=True)


def label_and_answer_merged(subject: Subject, office: Office, rng: Random, folder: Path) -> Damage:
    answer = _single(subject, rng)
    office("merge", 0, answer.spot.address, False)
    office("merge", 0, f"{_left_of(answer)}:{answer.spot.address}")
    return Damage(
        kind="label_and_answer_merged", paths=_every(subject), slugs=_LOST, becomes={answer.path: (None,)},
        told=answer.spot.address,
    )  # fmt: skip


def _left_of(answer: Answer) -> str:
    return answer.spot._replace(column=max(answer.spot.column - 1, 1)).address


OFFICE_KINDS: tuple[OfficeKind, ...] = (
    saved_again,
    saved_through_another_format,
    rows_inserted,
    row_of_an_answer_deleted,
    columns_inserted,
    answer_cut_and_pasted,
    sheet_copied_by_its_tab,
    copy_changed,
    label_and_answer_merged,
)
