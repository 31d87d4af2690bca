"""Forms on the other sheets of a workbook: only one is read, and nobody shall believe that all were."""

from collections.abc import Iterator, Mapping

from workbooks.filled import Cell, FilledForm, Identity, RawValue
from workbooks.finding_codes import FindingCode
from workbooks.findings import Finding
from workbooks.form import IDENTITY_PREFIX, FormDefinition, Text
from workbooks.parsing import labels
from workbooks.parsing.opening import Opened
from workbooks.spellings.spelling import is_blank

_FINDINGS = f"{IDENTITY_PREFIX}findings"  # the sheet that a receipt of ours has added

Answers = dict[tuple[str, int], RawValue]


def other_forms(opened: Opened, form: FilledForm, definitions: Mapping[str, FormDefinition]) -> Iterator[Finding]:
    """
    A finding for each visible sheet beside that of *form* on which another form is filled in.

    A blank one, and one with the same answers (people keep copies), are passed over.

    Raises:
        Refused: A sheet cannot be read.
    """
    read = {cell.sheet for cell in form.cells.values()}
    ours = opened.names.places.get(_FINDINGS)
    if ours is not None:
        read = read | {ours.sheet}
    others = [sheet for sheet in opened.sheets if sheet.state == "visible" and sheet.title not in read]
    if not others or not form.cells:
        return
    title = next(iter(form.cells.values())).sheet
    known = _answers(form, definitions)
    for sheet in others:
        other = labels.read_by_labels([sheet], opened.grids, definitions, Identity())
        answers = _answers(other, definitions)
        if answers and not (other.identity.form_id == form.identity.form_id and answers == known):
            context: dict[str, str | Text] = {
                "other": sheet.title,
                "title": definitions[other.identity.form_id or ""].title,
                "read": title,
            }
            yield Finding(code=FindingCode.OTHER_FORM, context=context)


def _answers(form: FilledForm, definitions: Mapping[str, FormDefinition]) -> Answers:
    """What somebody has typed into *form*, by field and line."""
    definition = definitions.get(form.identity.form_id or "")
    if definition is None:
        return {}
    computed = {path for path, field in definition.paths() if field.computed}
    return {place: cell.value for place, cell in _cells(form) if place[0] not in computed and not _empty(cell)}


def _cells(form: FilledForm) -> Iterator[tuple[tuple[str, int], Cell]]:
    for path, cell in form.cells.items():
        yield (path, 0), cell
    for repeat, lines in form.repeats.items():
        for number, line in enumerate(lines):
            yield from (((f"{repeat}.{name}", number), cell) for name, cell in line.items())


def _empty(cell: Cell) -> bool:
    return cell.value is None or is_blank(str(cell.value))
