"""Answers and the labels beside them: where they have come apart, names lead to the wrong cells."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from workbooks.finding_codes import FindingCode
from workbooks.findings import Finding
from workbooks.form import FormDefinition, defined_name
from workbooks.parsing.grids import Grids, Place, address
from workbooks.parsing.labels import LONGEST, fold, readings, texts_of

_ABOVE = 60  # rows above a cell in which its label may stand: people insert rows under the head of a list
_REMEMBERED = 4096  # texts whose reading is kept, per form
_NOT_A_LABEL: frozenset[str] = frozenset()


class _Words(NamedTuple):
    """A form's defined names, whose label a folded text is, and whose the texts met so far are."""

    definition: FormDefinition
    names: tuple[tuple[str, str], ...]
    labels: dict[str, frozenset[str]]
    read: dict[str, frozenset[str]]


_words: dict[int, _Words] = {}


def misplaced_answers(definition: FormDefinition, places: Mapping[str, Place], grids: Grids) -> Iterator[Finding]:
    """
    The answers beside whose cell another label stands, or none, while their own stands elsewhere.

    Cells and names have come apart then. A label that somebody has put into other words,
    or deleted, is no reason. A form whose cells are where they belong costs one look to
    the left of each, or above it in a list.

    Raises:
        Refused: A sheet cannot be read.
    """
    sheets = _Labelled(definition, places, grids)
    apart = sheets.unlabelled()
    found = [
        *sheets.uneven(),
        *sheets.on_labels(),
        *((path, place, sheets.elsewhere(path, place)) for path, place in apart),
    ]
    for path, place, where in found:
        if where is not None:
            yield Finding(
                code=FindingCode.MISPLACED_ANSWER,
                sheet=place.sheet,
                cell=address(place.top, place.left),
                field=path,
                label=definition.field(path).label,
                context={"found": where},
            )


class _Labelled:
    """The sheets of one form, with the cells its names lead to and the labels that stand beside them."""

    def __init__(self, definition: FormDefinition, places: Mapping[str, Place], grids: Grids) -> None:
        self._definition, self._grids = definition, grids
        words = _words_of(definition)
        self._places = {path: places[name] for path, name in words.names if name in places}
        self._labels, self._read = words.labels, words.read
        self._matched: dict[tuple[str, int, int], str] = {}  # whose label stands where

    def unlabelled(self) -> list[tuple[str, Place]]:
        """The answers for which the first label to the left of the cell, or above it, is not their own."""
        known, matched = self._read, self._matched
        found: list[tuple[str, Place]] = []
        for path, place in self._places.items():
            sheet, top, left = place.sheet, place.top, place.left
            rows = self._grids.rows(sheet)
            if "." not in path and top < len(rows):
                row = rows[top]
                for column in range(min(left, len(row)) - 1, -1, -1):
                    text = row[column]
                    if text.__class__ is str and text:
                        owners = known.get(text)
                        if owners is None:
                            owners = self._owners(text)
                        if owners:
                            break
                else:
                    owners = _NOT_A_LABEL
                if path in owners:
                    matched[sheet, top, column] = path
                    continue
            if not self._is_labelled_above(path, rows, place):
                found.append((path, place))
        return found

    def _is_labelled_above(self, path: str, rows: Sequence[Sequence[Any]], place: Place) -> bool:
        for at in range(place.top - 1, max(place.top - 1 - _ABOVE, -1), -1):
            text = rows[at][place.left] if at < len(rows) and place.left < len(rows[at]) else ""
            if text.__class__ is str and text and (owners := self._owners(text)):
                self._matched.update({(place.sheet, at, place.left): path} if path in owners else {})
                return path in owners
        return False

    def _owners(self, text: str) -> frozenset[str]:
        """The paths of the fields that have *text* as their label."""
        if len(text) > LONGEST:
            return _NOT_A_LABEL
        known = self._read.get(text)
        if known is None:
            known = next((self._labels[r] for r in readings(text) if r in self._labels), _NOT_A_LABEL)
            if len(self._read) >= _REMEMBERED:
                self._read.clear()
            self._read[text] = known
        return known

    def elsewhere(self, path: str, place: Place) -> str | None:
        """Where the label of *path* stands, away from its cell; None where it stands nowhere, or near enough."""
        label = self._definition.field(path).label
        own = {fold(label.zh), fold(label.en)}
        if own & self._headings() or self._has_own_words(own, place):
            return None  # what is found may be a heading; or the label is there, with words put to it
        at_home = any(sheet == place.sheet for sheet, _, _ in self._matched)
        others = dict.fromkeys(p.sheet for p in self._places.values()) if not at_home else {place.sheet: None}
        for sheet in others:
            texts = texts_of(self._grids.rows(sheet))
            for row, column in (position for text in own for position in texts.get(text, ())):
                if (sheet, row, column) in self._matched or self._is_an_answer(sheet, row, column):
                    continue
                if sheet == place.sheet and self._reaches(sheet, row, column, place):
                    return None
                return address(row, column) if sheet == place.sheet else f"{sheet}!{address(row, column)}"
        return None

    def _headings(self) -> set[str]:
        labels = [section.label for section in self._definition.sections]
        labels += [repeat.label for repeat in self._definition.repeats]
        return {fold(text) for label in (*labels, *self._definition.signatures) for text in (label.zh, label.en)}

    def _has_own_words(self, own: set[str], place: Place) -> bool:
        """Whether a text to the left of the cell or above it has its label in it."""
        rows = self._grids.rows(place.sheet)
        near = list(rows[place.top][: place.left]) if place.top < len(rows) else []
        near += [r[place.left] for r in rows[max(place.top - _ABOVE, 0) : place.top] if place.left < len(r)]
        texts = [fold(value) for value in near if isinstance(value, str) and value and not self._owners(value)]
        return any(label in text for label in own for text in texts)

    def _is_an_answer(self, sheet: str, row: int, column: int) -> bool:
        return any(
            p.sheet == sheet and p.top <= row <= p.bottom and p.left <= column <= p.right for p in self._places.values()
        )

    def _reaches(self, sheet: str, row: int, column: int, place: Place) -> bool:
        """Whether a label in merged cells stands beside or above *place* all the same."""
        for (top, left), (bottom, right) in self._grids.merged(sheet):
            if (top, left) == (row, column):
                beside = top <= place.top <= bottom and right < place.left
                return beside or (left <= place.left <= right and 0 < place.top - bottom <= _ABOVE)
        return False

    def on_labels(self) -> Iterator[tuple[str, Place, str]]:
        """(path, place, the same place) of the answers whose cell holds a label: their own, or that of the next."""
        for path, place in self._places.items():
            rows = self._grids.rows(place.sheet)
            text = rows[place.top][place.left] if place.top < len(rows) and place.left < len(rows[place.top]) else ""
            if text.__class__ is str and text and (owners := self._owners(text)):
                label = self._matched.get((place.sheet, place.top, place.left), path)
                if label != path or path in owners:
                    yield path, place, address(place.top, place.left)

    def uneven(self) -> Iterator[tuple[str, Place, str]]:
        """(path, place, where it should begin) of a list's columns that begin in another row than most of them."""
        for repeat in self._definition.repeats:
            paths = [p for field in repeat.fields if (p := f"{repeat.name}.{field.name}") in self._places]
            tops = Counter(self._places[path].top for path in paths)
            if len(tops) > 1:
                ((usual, _),) = tops.most_common(1)
                odd = ((path, self._places[path]) for path in paths if self._places[path].top != usual)
                yield from ((path, place, address(usual, place.left)) for path, place in odd)


def _words_of(definition: FormDefinition) -> _Words:
    """What is known of the form's labels; kept with the definition, so that its id stays its own."""
    words = _words.get(id(definition))
    if words is None:
        labels: dict[str, frozenset[str]] = {}
        for path, field in definition.paths():
            for label in {fold(field.label.zh), fold(field.label.en)}:
                labels[label] = labels.get(label, _NOT_A_LABEL) | {path}
        names = tuple((path, defined_name(path)) for path, _ in definition.paths())
        words = _words[id(definition)] = _Words(definition, names, labels, {})
    return words
