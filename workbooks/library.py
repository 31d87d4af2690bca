"""form.yaml → FormDefinition; what is wrong with one names the file, the line and the key."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from workbooks.form import Field, FormDefinition
from workbooks.former import migration_problems
from workbooks.spellings.spelling import fold

_ADAPTER = TypeAdapter(FormDefinition)
Definition = TypeVar("Definition")
LOOK = "template.xlsx"
# The parser in C, where PyYAML brings it, reads the definitions in a tenth of the time.
_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class DefinitionError(Exception):
    """
    A form.yaml that cannot be used.

    The text names file, line and key of every mistake found, one per line.
    """


def load(path: Path | Traversable) -> FormDefinition:
    """
    The definition in the form.yaml at *path*, with the template.xlsx beside it as its own look.

    Raises:
        DefinitionError: It is not YAML, misses a key, has one too many, names a field that
            does not exist, or uses a formula outside the supported functions.
    """
    text, node, raw = mapping_in(path)
    raw = _expand(raw)
    if "own_look" in raw:
        raise DefinitionError(f"{path}:{line_of(text, 'own_look')}: own_look: is the file {LOOK} beside it, not a key")
    raw["own_look"] = _look_beside(path)
    try:
        definition = _ADAPTER.validate_python(raw)
    except ValidationError as error:
        told = [e for e in error.errors() if not _of_other_kind(raw, e["loc"])]
        raise DefinitionError("\n".join(located(path, node, e["loc"], e["msg"]) for e in told)) from error
    problems = [f"{path}:{line_of(text, name)}: {what}" for name, what in _inconsistencies(definition)]
    for name, what in migration_problems(definition):
        problems.append(f"{path}:{line_of(text, name, after='migrations:')}: {what}")
    if problems:
        raise DefinitionError("\n".join(problems))
    return definition


def _look_beside(path: Path | Traversable) -> bytes | None:
    """The workbook that a form brings for its look; those that come with Aftersheet are drawn instead."""
    look = path.with_name(LOOK) if isinstance(path, Path) else None
    return look.read_bytes() if look is not None and look.is_file() else None


@cache
def library() -> Mapping[str, FormDefinition]:
    """The forms that come with Aftersheet, by form_id."""
    return load_folder(files("templates"))


def load_folder(folder: Path | Traversable) -> dict[str, FormDefinition]:
    """All <folder>/<form_id>/form.yaml, by form_id, in the order of their names."""
    return dict(definitions_in(folder, "form", load))


def definitions_in(
    folder: Path | Traversable, kind: str, load_one: Callable[[Path | Traversable], Definition]
) -> Iterator[tuple[str, Definition]]:
    """
    (name, definition) of all <folder>/<name>/<kind>.yaml, in the order of their names.

    Raises:
        DefinitionError: One of them cannot be used, or its `<kind>_id` is not its folder's name.
    """
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        source = entry / f"{kind}.yaml"
        if entry.is_dir() and source.is_file():
            definition = load_one(source)
            name = getattr(definition, f"{kind}_id")
            if name != entry.name:
                raise DefinitionError(f"{source}:1: {kind}_id is {name!r}, the folder {entry.name!r}")
            yield name, definition


def mapping_in(path: Path | Traversable) -> tuple[str, yaml.Node, dict[str, Any]]:
    """
    The text of the YAML file at *path*, its node tree (which knows the lines), and the mapping it holds.

    Raises:
        DefinitionError: It is not YAML, or no mapping.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DefinitionError(f"{path}:1: not saved as UTF-8; save it again with that encoding") from error
    try:
        node = yaml.compose(text, Loader=_Loader)
        raw = yaml.load(text, Loader=_Loader)  # noqa: S506 (a safe loader)
    except yaml.YAMLError as error:
        raise DefinitionError(_not_yaml(path, _explained(text) or error)) from error
    if not isinstance(raw, dict) or node is None:
        raise DefinitionError(f"{path}:1: a definition is a mapping")
    return text, node, raw


def _explained(text: str) -> yaml.YAMLError | None:
    """The error of the parser in Python, whose words say more than those of the one in C."""
    try:
        yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        return error
    return None


def _not_yaml(path: Path | Traversable, error: yaml.YAMLError) -> str:
    """What the YAML reader says, in one line with the number of the line it means."""
    mark = getattr(error, "problem_mark", None)
    what = " ".join(str(getattr(error, "problem", None) or error).split())
    what = "tabs cannot indent; use spaces" if "'\\t'" in what else f"not in the form of YAML: {what}"
    return f"{path}:{mark.line + 1 if mark is not None else 1}: {what}"


def _expand(raw: dict[str, Any]) -> dict[str, Any]:
    """
    Write out the shorthands of form.yaml.

    `choices: <list name>` becomes the list of that name under `choice_lists`, a field
    with a `fields` key is a repeat, and thresholds may be given as a mapping by name.
    """
    lists = raw.pop("choice_lists", {})

    def fields(items: list[dict[str, Any]]) -> None:
        for item in items:
            if isinstance(item, dict) and isinstance(item.get("choices"), str) and item["choices"] in lists:
                item["choices"] = lists[item["choices"]]
            if isinstance(item, dict) and isinstance(item.get("fields"), list):
                fields(item["fields"])

    for section in raw.get("sections") or []:
        if isinstance(section, dict) and isinstance(section.get("items"), list):
            fields(section["items"])
    if isinstance(raw.get("thresholds"), dict):
        raw["thresholds"] = [{"name": name} | body for name, body in raw["thresholds"].items()]
    return raw


def _inconsistencies(definition: FormDefinition) -> Any:
    """(name to look for, what is wrong) for everything that only shows once the form is whole."""
    # Imported here: rules needs the definition's types, and a definition is checked with rules.
    from workbooks.rules import formula_errors

    names = [item.name for section in definition.sections for item in section.items]
    yield from ((name, f"two items are called {name!r}") for name in _repeated(names))
    for repeat in definition.repeats:
        columns = [field.name for field in repeat.fields]
        yield from ((name, f"{repeat.name}: two fields are called {name!r}") for name in _repeated(columns))
    for where, listed in (("key", definition.key), ("list_columns", definition.list_columns)):
        yield from ((f"{where}:", f"{where}: no field is called {name!r}") for name in listed if name not in names)
    if definition.kept_revisions is not None:
        kept, fields = definition.kept_revisions, {field.name for field in definition.fields}
        unknown = [name for name in kept.columns if name not in fields]
        yield from (("kept_revisions:", f"kept_revisions: no field is called {name!r}") for name in unknown)
        known = {*kept.columns, "number", "known_from"}
        indexed = [name for index in kept.indexes for name in index if name not in known]
        yield from (
            ("kept_revisions:", f"kept_revisions: the column {name!r} is indexed but not kept") for name in indexed
        )
    for path, field in definition.paths():
        yield from _field_problems(definition, path, field)
    for deadline in definition.deadlines:
        if deadline.start not in names:
            yield deadline.name, f"deadline {deadline.name!r} starts at {deadline.start!r}, which is no field"
        if deadline.within not in {t.name for t in definition.thresholds}:
            yield deadline.name, f"deadline {deadline.name!r} needs a threshold called {deadline.within!r}"
    for error in formula_errors(definition):
        yield error.where.rpartition(".")[2], str(error)


def _field_problems(definition: FormDefinition, path: str, field: Field) -> Any:
    siblings = {p for p, _ in definition.paths()}
    prefix = path.rpartition(".")[0]
    if field.type.startswith("select") and not field.choices and field.master is None:
        yield field.name, f"{path}: a {field.type} needs choices or master"
    for language in ("name", "zh", "en"):
        spellings = [c.name if language == "name" else c.label[language] for c in field.choices]  # type: ignore[index]
        yield from ((field.name, f"{path}: two choices are called {s!r}") for s in _repeated(map(fold, spellings)))
    parent = field.master.under if field.master else None
    for other in (parent, field.lookup.by if field.lookup else None):
        if other and other not in siblings and f"{prefix}.{other}" not in siblings:
            yield field.name, f"{path}: no field is called {other!r}"


def _of_other_kind(raw: Any, loc: tuple[Any, ...]) -> bool:
    """Whether pydantic complains at *loc* that a field is no repeat, or a repeat no field."""
    for step in loc:
        if step in ("Field", "Repeat") and isinstance(raw, dict):
            return (step == "Repeat") is not ("fields" in raw)
        try:
            raw = raw[step]
        except (KeyError, IndexError, TypeError):
            return False
    return False


def _repeated(names: Iterable[str]) -> list[str]:
    """Those of *names* that stand there more than once, sorted."""
    return sorted(name for name, count in Counter(names).items() if count > 1)


def located(path: Path | Traversable, node: yaml.Node, loc: tuple[Any, ...], message: str) -> str:
    """One pydantic error as "file:line: key: message"; the line is that of the deepest key that exists."""
    line = node.start_mark.line + 1
    for step in loc:
        if isinstance(node, yaml.MappingNode):
            match = [(k, v) for k, v in node.value if k.value == step]
            if not match:
                continue
            line, node = match[0][0].start_mark.line + 1, match[0][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
    key = ".".join(str(step) for step in loc if step not in ("Field", "Repeat"))
    return f"{path}:{line}: {key}: {message}"


def line_of(text: str, name: str, *, after: str = "") -> int:
    """The first line that defines *name*, else the first that mentions it; looked for from the line *after* on."""
    lines = text.splitlines()
    start = next((number for number, line in enumerate(lines) if after and line.startswith(after)), 0)
    for wanted in (f"name: {name}", name):
        for number, line in enumerate(lines[start:], start=start + 1):
            if wanted in line:
                return number
    return start + 1
