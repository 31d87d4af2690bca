"""bytes → FilledForm: the cells of a workbook by field name, nothing trusted."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from lxml import etree

from workbooks.filled import Cell, FilledForm, Identity, RawValue
from workbooks.finding_codes import FindingCode
from workbooks.findings import Finding
from workbooks.form import IDENTITY_PREFIX, PREFIX, REASON, FormDefinition, defined_name
from workbooks.former import as_sent, versions
from workbooks.guard import Limits, Refused
from workbooks.migrations import migrated
from workbooks.parsing import labels, pictures
from workbooks.parsing.damage import look_over
from workbooks.parsing.grids import Grids, Place, address
from workbooks.parsing.looks import Looks, as_shown
from workbooks.parsing.opening import Opened, open_workbook
from workbooks.parsing.other_forms import other_forms
from workbooks.parsing.placement import misplaced_answers
from workbooks.refusal import DEFAULT_LIMITS, damaged
from workbooks.spellings.spelling import clean

__all__ = ["Limits", "Refused", "read"]

_NAMES_RECOGNISED = 0.6  # of a definition's names must be there when a workbook does not say which form it is


def read(
    content: bytes,
    definitions: Mapping[str, FormDefinition] = {},
    limits: Limits = DEFAULT_LIMITS,
    *,
    password: str = "",
) -> FilledForm:
    """
    What a person put into the fields of the workbook in *content*, an .xlsx or .xls.

    With *definitions* a workbook that has lost its names is recognised by its labels, and
    fields that have no cell any more are findings. One that is none of these forms comes
    back with the finding UNKNOWN_FORM and no cells. *password* opens an encrypted one.

    Raises:
        Refused: The guard did not let the file pass, or it cannot be read.
    """
    opened = open_workbook(content, limits, password)
    try:
        form = _read(opened, definitions)
        definition = definitions.get(form.identity.form_id or "")
        if definition is not None:
            sent = as_sent(definition, form.identity.version)
            if opened.inspection is not None:
                form = as_shown(form, sent, Looks(opened.inspection))
            form = pictures.add_pictures(form, sent, opened.album(), opened.grids.merged, limits)
            form = replace(form, findings=(*form.findings, *other_forms(opened, form, definitions)))
            form = migrated(definition, form)
    except etree.XMLSyntaxError as error:
        raise damaged(content) from error
    return replace(form, flags=opened.flags, findings=(*opened.findings, *form.findings))


def _read(opened: Opened, definitions: Mapping[str, FormDefinition]) -> FilledForm:
    grids, (constants, places, lost, _) = opened.grids, opened.names
    identity = _identity(constants, places, grids)
    if identity.form_id is None:
        definition = _by_names(places, definitions)
        if definition is not None:
            identity = replace(identity, form_id=definition.form_id, version=definition.version)
            damage = look_over(opened, places, definition)
            apart = misplaced_answers(definition, places, grids)
            findings = (Finding(code=FindingCode.LOST_NAMES), *apart, *damage.findings)
            return _by_place(identity, definition, damage.places, lost, grids, findings)
        return labels.read_by_labels(opened.sheets, grids, definitions, identity)
    definition = definitions.get(identity.form_id)
    if definition is None:
        findings = (Finding(code=FindingCode.UNKNOWN_FORM),) if definitions else ()
        return _by_place(identity, None, places, lost, grids, findings)
    old = identity.version is not None and identity.version < definition.version
    seen = labels.texts_seen(opened.sheets, grids) if old else None
    definition = as_sent(definition, identity.version)
    damage = look_over(opened, places, definition)
    misplaced = tuple(misplaced_answers(definition, places, grids))
    form = _by_place(identity, definition, damage.places, lost, grids, misplaced, seen=seen)
    if len(form.findings) > len(list(definition.paths())) // 2:
        recognised = labels.read_by_labels(opened.sheets, grids, {identity.form_id: definition}, identity)
        if recognised.cells:
            return recognised
    return replace(form, findings=(*form.findings, *damage.findings))


def _identity(constants: Mapping[str, str], places: Mapping[str, Place], grids: Grids) -> Identity:
    def shown(name: str) -> str | None:
        place = places.get(IDENTITY_PREFIX + name)
        value = grids.cell(place).value if place else constants.get(name)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        return clean(str(value)) or None if value is not None else None

    return Identity(
        form_id=shown("form_id"),
        version=_integer(shown("version")),
        instance_id=shown("instance_id"),
        language="en" if shown("language") == "en" else "zh",
        record_number=shown("number"),
        revision=_integer(shown("revision")),
        station=shown("station"),
        seal=shown("seal"),
    )


def _integer(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else None


def _by_names(places: Mapping[str, Place], definitions: Mapping[str, FormDefinition]) -> FormDefinition | None:
    """The one form, or older version, most of whose names are there: its sheet was moved into another file."""
    best: list[tuple[float, FormDefinition]] = []
    for definition in definitions.values():
        scored = [(_share_of_names(form, places), form) for form in versions(definition)]
        best.append(max(scored, key=lambda pair: pair[0]))  # of two that fit as well, the newer one
    best.sort(key=lambda pair: pair[0], reverse=True)
    if not best or best[0][0] < _NAMES_RECOGNISED or (len(best) > 1 and best[0][0] == best[1][0]):
        return None
    return best[0][1]


def _share_of_names(definition: FormDefinition, places: Mapping[str, Place]) -> float:
    names = [defined_name(path) for path, _ in definition.paths()]
    return sum(name in places for name in names) / max(1, len(names))


def _by_place(
    identity: Identity,
    definition: FormDefinition | None,
    places: Mapping[str, Place],
    lost: set[str],
    grids: Grids,
    findings: tuple[Finding, ...] = (),
    seen: set[str] | None = None,
) -> FilledForm:
    """
    The form whose cells its names say; *definition* tells which names to look for, else all are taken.

    An older template need not have every field: *seen* are the texts on it, by which a
    field that has lost its name is told from one that was never there.
    """
    if definition is None:
        paths = [
            name.removeprefix(PREFIX).replace("__", ".") for name in places if not name.startswith(IDENTITY_PREFIX)
        ]
        computed = set[str]()
    else:
        paths = [path for path, _ in definition.paths()]
        computed = {path for path, field in definition.paths() if field.computed}
        findings += tuple(_lost_fields(definition, places, lost, seen))
    found = {path: place for path in paths if (place := places.get(defined_name(path)))}
    columns: dict[str, dict[str, Place]] = {}
    for path, place in found.items():
        repeat, _, name = path.partition(".")
        if name:
            columns.setdefault(repeat, {})[name] = place
    reason = places.get(IDENTITY_PREFIX + REASON)
    firsts = {repeat: min(of_repeat.values(), key=lambda place: place.left) for repeat, of_repeat in columns.items()}
    return FilledForm(
        identity=identity,
        cells={path: grids.cell(place) for path, place in found.items() if "." not in path},
        repeats={
            repeat: tuple(_lines(of_repeat, {n for n in of_repeat if f"{repeat}.{n}" in computed}, grids))
            for repeat, of_repeat in columns.items()
        },
        starts={repeat: Cell(place.sheet, address(place.top, place.left), None) for repeat, place in firsts.items()},
        reason=grids.cell(reason) if reason else None,
        findings=findings,
    )


def _lost_fields(
    definition: FormDefinition, places: Mapping[str, Place], lost: set[str], seen: set[str] | None
) -> Iterator[Finding]:
    """The fields that should have a cell and do not."""
    for path, field in definition.paths():
        name = defined_name(path)
        if name in places or field.computed:
            continue
        if seen is None or name in lost or not seen.isdisjoint(map(labels.fold, (field.label.zh, field.label.en))):
            yield Finding(code=FindingCode.LOST_FIELD, field=path, label=field.label)


def _lines(columns: Mapping[str, Place], computed: set[str], grids: Grids) -> Iterator[Mapping[str, Cell]]:
    """The lines of a repeat in which somebody has entered something."""
    sheet = next(iter(columns.values())).sheet
    top = min(place.top for place in columns.values())
    bottom = max(place.bottom for place in columns.values())
    for row in range(top, min(bottom + 1, len(grids.rows(sheet)))):
        line = {
            name: Cell(sheet, address(row, place.left), grids.value(sheet, row, place.left))
            for name, place in columns.items()
            if place.top <= row <= place.bottom and place.sheet == sheet
        }
        if any(not _blank(cell.value) for name, cell in line.items() if name not in computed):
            yield line


def _blank(value: RawValue) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())
