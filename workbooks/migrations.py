"""Answers given to an older version of a form, as answers to the current one: in workbooks and in stored records."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Protocol, TypeVar

from workbooks.filled import Cell, FilledForm, RawValue
from workbooks.finding_codes import FindingCode
from workbooks.findings import Finding
from workbooks.form import Field, FieldType, FormDefinition, Migration, Split, Text
from workbooks.former import former, raw_default, renamed, steps
from workbooks.spellings.problems import Problem, as_text, shown
from workbooks.spellings.spelling import clean, fold
from workbooks.spellings.typed import normalise
from workbooks.values import show, to_json

__all__ = ["migrated", "migrated_answers"]

_TOLD = 8  # things that the note lists one by one
_FULL_WIDTH = str.maketrans({chr(code): chr(code + 0xFEE0) for code in range(0x21, 0x7F)})
_SEVERAL = re.compile(r"([、，,;；|\n/])")  # what stands between several choices in one cell
_TEXTS = frozenset((FieldType.TEXT, FieldType.SELECT_ONE, FieldType.SELECT_MULTIPLE, FieldType.PERSON, FieldType.IMAGE))

V = TypeVar("V")


class _Moves(Protocol[V]):
    """What the steps do to single answers of one kind; paths are those of the version before the step."""

    def cut(self, path: str, answer: V, split: Split) -> Sequence[V]: ...

    def chosen(self, path: str, answer: V, table: Mapping[str, str]) -> V: ...

    def given(self, path: str, default: object) -> V: ...

    def dropped(self, path: str, answer: V) -> None: ...


def _after(step: Migration, answers: Mapping[str, V], repeat: str, moves: _Moves[V]) -> dict[str, V]:
    """*answers*, outside repeats or one line of *repeat* (its old name), as they are after *step*."""
    home = step.rename.get(repeat, repeat)
    found: dict[str, V] = {}
    for name, answer in answers.items():
        path = f"{repeat}.{name}" if repeat else name
        if path in step.split:
            split = step.split[path]
            found |= zip(map(_last, split.into), moves.cut(path, answer, split), strict=True)
        elif path in step.drop:
            moves.dropped(path, answer)
        else:
            found[_last(renamed(step, path))] = answer
    for path, table in step.choices.items():
        if path.rpartition(".")[0] == home and _last(path) in found:
            found[_last(path)] = moves.chosen(path, found[_last(path)], table)
    for path, default in step.default.items():
        if path.rpartition(".")[0] == home and default is not None and found.get(_last(path)) is None:
            found[_last(path)] = moves.given(path, default)
    return found


def _last(path: str) -> str:
    return path.rpartition(".")[2]


# Workbooks


def migrated(definition: FormDefinition, form: FilledForm) -> FilledForm:
    """
    *form*, read by the names of its own older version, under the current names.

    Cells keep the place they were read from, and *labels* says what stands beside them
    there. The note MIGRATED_VERSION tells what was done; answers that were split, or have
    no place any more, have findings of their own. A form of the current version, or of one
    that no migrations lead from, comes back as it is.
    """
    version = form.identity.version
    taken = steps(definition, version)
    if not taken or version is None:
        return form
    sent = former(definition, version)
    cells, repeats = dict(form.cells), {name: list(map(dict, rows)) for name, rows in form.repeats.items()}
    labels = {path: field.label for path, field in sent.paths()} | {r.name: r.label for r in sent.repeats}
    now = {path: path for path in labels}  # where what stands on the sheet has got to
    told: list[Finding] = []
    for step in taken:
        moves = _CellMoves(definition, step, labels)
        labels = moves.labels
        cells = _after(step, cells, "", moves)
        repeats = {
            step.rename.get(name, name): [_after(step, line, name, moves) for line in rows]
            for name, rows in repeats.items()
        }
        now = {path: renamed(step, at) for path, at in now.items() if at not in step.drop and at not in step.split}
        told = [replace(finding, field=renamed(step, finding.field)) for finding in told] + moves.told
    known = {repeat.name for repeat in definition.repeats}
    read = (replace(finding, field=now.get(finding.field, finding.field)) for finding in form.findings)
    return replace(
        form,
        cells=cells,
        repeats={name: tuple(rows) for name, rows in repeats.items() if name in known},
        starts={now[name]: cell for name, cell in form.starts.items() if name in now},
        pictures=tuple(replace(p, field=now.get(p.field, p.field)) for p in form.pictures),
        labels=dict(_both_labels(definition, labels)),
        findings=(_note(definition, version, labels), *read, *told),
    )


class _CellMoves:
    """The answers of a workbook: cells that stay where they are, and findings about what they lose."""

    def __init__(self, definition: FormDefinition, step: Migration, before: Mapping[str, Text]) -> None:
        self._form = former(definition, step.to)
        self._before = before
        self.labels = dict(_labels_after(step, before))
        self.told: list[Finding] = []

    def cut(self, path: str, answer: Cell, split: Split) -> list[Cell]:
        if _is_blank(answer.value):
            return [replace(answer, value=None) for _ in split.into]
        pieces = _pieces(as_text(answer.value), split)
        named = [(self._form.field(new).label, piece) for new, piece in zip(split.into, pieces, strict=True) if piece]
        parts = Text(
            "、".join(f"{label.zh}“{piece}”" for label, piece in named),
            ", ".join(f"{label.en} “{piece}”" for label, piece in named),
        )
        self._tell(FindingCode.SPLIT_ANSWER, path, self._before, answer, parts=parts, separator=split.at[0])
        return [replace(answer, value=piece or None) for piece in pieces]

    def chosen(self, path: str, answer: Cell, table: Mapping[str, str]) -> Cell:
        if not isinstance(answer.value, str) or (new := _new_choices(answer.value, table)) is None:
            return answer
        taken = _in_words(self._form.field(path), new)
        if fold(answer.value) not in (fold(taken.zh), fold(taken.en)):
            self._tell(FindingCode.CORRECTED_VALUE, path, self.labels, answer, taken=taken)
        return replace(answer, value=new)

    def given(self, path: str, default: object) -> Cell:
        return Cell("", "", raw_default(default))

    def dropped(self, path: str, answer: Cell) -> None:
        if not _is_blank(answer.value):
            self._tell(FindingCode.DROPPED_ANSWER, path, self._before, answer)

    def _tell(
        self, code: FindingCode, path: str, labels: Mapping[str, Text], answer: Cell, **context: str | Text
    ) -> None:
        self.told.append(
            Finding(
                code=code,
                sheet=answer.sheet,
                cell=answer.address,
                field=path,
                label=labels.get(path),
                context={"value": shown(answer.value), **context},
            )
        )


def _labels_after(step: Migration, labels: Mapping[str, Text]) -> Iterator[tuple[str, Text]]:
    """What stands on the sheet, by the names after *step*."""
    for path, label in labels.items():
        if path in step.split:
            yield from ((part, label) for part in step.split[path].into)
        elif path not in step.drop:
            yield renamed(step, path), label


def _both_labels(definition: FormDefinition, labels: Mapping[str, Text]) -> Iterator[tuple[str, Text]]:
    """What findings call the answers that are called otherwise on the sheet."""
    for path, (old, new) in _changed_labels(definition, labels).items():
        yield path, Text(f"{old.zh}（现为“{new.zh}”）", f"{old.en} (now “{new.en}”)")


def _changed_labels(definition: FormDefinition, labels: Mapping[str, Text]) -> dict[str, tuple[Text, Text]]:
    current = {path: field.label for path, field in definition.paths()} | {r.name: r.label for r in definition.repeats}
    return {p: (labels[p], new) for p, new in current.items() if p in labels and labels[p] != new}


def _note(definition: FormDefinition, version: int, labels: Mapping[str, Text]) -> Finding:
    """The one finding that says what became of the whole form."""
    done = list(_done(definition, version, labels))
    more = Text(" 等", " and more") if len(done) > _TOLD else Text("", "")
    zh, en = "；".join(text.zh for text in done[:_TOLD]), "; ".join(text.en for text in done[:_TOLD])
    detail = Text(f"：{zh}{more.zh}", f": {en}{more.en}") if done else Text("", "")
    context: dict[str, str | Text] = {"sent": str(version), "current": str(definition.version), "detail": detail}
    return Finding(code=FindingCode.MIGRATED_VERSION, context=context)


def _done(definition: FormDefinition, version: int, labels: Mapping[str, Text]) -> Iterator[Text]:
    """What was done, that first which the sheet does not show by itself."""
    taken = steps(definition, version)
    for step in taken:
        before, after = former(definition, step.to - 1), former(definition, step.to)
        for path, cut in step.split.items():
            old, parts = before.field(path).label, [after.field(part).label for part in cut.into]
            zh, en = "”、“".join(part.zh for part in parts), "”, “".join(part.en for part in parts)
            yield Text(f"“{old.zh}”拆为“{zh}”", f"“{old.en}” is split into “{en}”")
        for path, default in step.default.items():
            if default is not None:
                field, words = after.field(path), _in_words(after.field(path), default)
                yield Text(f"“{field.label.zh}”按“{words.zh}”", f"“{field.label.en}” is taken as “{words.en}”")
    split = {part for step in taken for cut in step.split.values() for part in cut.into}
    for path, (old, new) in _changed_labels(definition, labels).items():
        if path not in split:
            yield Text(f"“{old.zh}”现为“{new.zh}”", f"“{old.en}” is now “{new.en}”")
    for step in taken:
        for path in step.drop:
            old = former(definition, step.to - 1).field(path).label
            yield Text(f"“{old.zh}”已取消", f"“{old.en}” is no longer asked")


def _in_words(field: Field, raw: object) -> Text:
    answer = normalise(field, raw_default(raw), complete_lists=False)
    value = answer.value if isinstance(answer, Problem) else answer
    return Text(show(field, value, "zh") or str(raw), show(field, value, "en") or str(raw))


# Stored records


def migrated_answers(definition: FormDefinition, version: int, answers: Mapping[str, Any]) -> dict[str, Any]:
    """
    The JSON of a revision stored under *version* (`values.to_json`), as the current version would have stored it.

    What was dropped is left out. An answer that cannot be one of its new field stays as text
    where that is text, and is empty otherwise; the revision itself is never changed.
    """
    taken = steps(definition, version)
    if not taken:
        return dict(answers)
    names = {repeat.name for repeat in former(definition, version).repeats}
    single = {name: answer for name, answer in answers.items() if name not in names}
    lines = {name: answers[name] or [] for name in names if name in answers}
    touched: set[str] = set()
    for step in taken:
        moves = _StoredMoves()
        single = _after(step, single, "", moves)
        lines = {
            step.rename.get(name, name): [_after(step, line, name, moves) for line in rows]
            for name, rows in lines.items()
        }
        touched = {renamed(step, path) for path in touched} | set(_touched(step))
    fields = {path: field for path, field in definition.paths() if _is_touched(path, touched)}
    kept = {repeat.name for repeat in definition.repeats}
    return {name: _refitted(fields.get(name), answer) for name, answer in single.items()} | {
        name: [{key: _refitted(fields.get(f"{name}.{key}"), answer) for key, answer in row.items()} for row in rows]
        for name, rows in lines.items()
        if name in kept
    }


class _StoredMoves:
    """The answers of a stored revision, as JSON holds them."""

    def cut(self, path: str, answer: Any, split: Split) -> list[Any]:
        text = "" if answer is None else as_text(answer)
        return [piece or None for piece in _pieces(text, split)]

    def chosen(self, path: str, answer: Any, table: Mapping[str, str]) -> Any:
        if isinstance(answer, list):
            return [_new_choices(code, table) or code for code in answer]
        return (_new_choices(answer, table) if isinstance(answer, str) else None) or answer

    def given(self, path: str, default: object) -> Any:
        return raw_default(default)

    def dropped(self, path: str, answer: Any) -> None:
        """It stays in the revision as that was stored."""


def _touched(step: Migration) -> Iterator[str]:
    yield from (*step.rename.values(), *step.default, *step.choices)
    for split in step.split.values():
        yield from split.into


def _is_touched(path: str, touched: set[str]) -> bool:
    return path in touched or path.partition(".")[0] in touched


def _refitted(field: Field | None, answer: Any) -> Any:
    """A JSON *answer* that came from another field, as *field* stores it."""
    if field is None or answer is None or field.type is FieldType.IMAGE:
        return answer
    raw = "\n".join(answer) if isinstance(answer, list) else answer
    found = normalise(field, raw, complete_lists=False)
    value = found.value if isinstance(found, Problem) else found
    if value is None and isinstance(found, Problem) and field.type in _TEXTS:
        return answer
    return to_json({field.name: value})[field.name]


# Both


def _is_blank(value: RawValue) -> bool:
    return value is None or (isinstance(value, str) and not clean(value))


def _pieces(text: str, split: Split) -> list[str]:
    """*text* cut into as many pieces as there are new fields; the last one takes what is left."""
    found = [piece.strip() for piece in _cutter(split.at).split(clean(text), maxsplit=len(split.into) - 1)]
    return found + [""] * (len(split.into) - len(found))


@lru_cache(maxsize=256)
def _cutter(separators: tuple[str, ...]) -> re.Pattern[str]:
    """Plain alternatives, so that no text takes long; full-width spellings of a separator count as well."""
    both = {spelling for separator in separators for spelling in (separator, separator.translate(_FULL_WIDTH))}
    return re.compile("|".join(map(re.escape, sorted(both, key=len, reverse=True))))


def _new_choices(text: str, table: Mapping[str, str]) -> str | None:
    """*text* with the old choices in it replaced by the names of new ones; None if there is none of them."""
    new = {fold(old): name for old, name in table.items()}
    if fold(text) in new:
        return new[fold(text)]
    parts = [new.get(fold(part), part) for part in _SEVERAL.split(text)]
    return "".join(parts) if len(parts) > 1 and "".join(parts) != text else None
