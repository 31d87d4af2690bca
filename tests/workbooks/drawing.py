"""Sheets drawn as text in a test, and small form definitions to go with them."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from pydantic import TypeAdapter

from workbooks.filled import Cell, FilledForm, Identity, Picture, RawValue
from workbooks.form import FormDefinition

SHEET = "Form"
_ADAPTER = TypeAdapter(FormDefinition)
_RANGE = re.compile(r"([A-Z]+)(\d+)(?::([A-Z]+)(\d+))?")


def define(*items: Mapping[str, Any], **more: Any) -> FormDefinition:
    """A form called *visit* whose only section holds *items*; *more* replaces any of its keys."""
    plain = {
        "form_id": "visit",
        "version": 3,
        "title": text("出访单", "Visit"),
        "number": "V-{year}-{serial:04d}",
        "key": [],
        "sections": [section("main", *items)],
    }
    return _ADAPTER.validate_python(plain | more)


def section(name: str, *items: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "label": text(f"{name}部分", f"{name} part"), "items": list(items)} | more


def field(name: str, kind: str = "text", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "label": text(f"{name}栏", name)} | more


def repeat(name: str, *fields: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "label": text(f"{name}表", name), "fields": list(fields)} | more


def rule(check: str, name: str = "rule", **more: Any) -> dict[str, Any]:
    return {"name": name, "check": check, "message": text("规则不成立", "The rule is broken")} | more


def choices(*names: str) -> list[dict[str, Any]]:
    """Choices whose labels are the names in capitals, with 级 behind them in Chinese."""
    return [{"name": name, "label": text(f"{name}级", name.upper())} for name in names]


def text(zh: str, en: str) -> dict[str, str]:
    return {"zh": zh, "en": en}


def draw(grid: str, /, *, version: int | None = 3, pictures: tuple[Picture, ...] = (), **names: str) -> FilledForm:
    """
    The filled form that a sheet holds; *names* say which field is where.

    The grid's first line has the column letters, each other line begins with its row
    number. 12 and 1.5 are numbers, 2026-05-03 and 2026-05-03 14:30 dates, TRUE is
    logical, anything else and everything in "quotation marks" is text. A column of a
    repeat is given as `parts__quantity="C5:C7"`.
    """
    cells = _cells(grid)
    single: dict[str, Cell] = {}
    lines: dict[str, dict[int, dict[str, Cell]]] = {}
    reason = Cell(SHEET, names["reason"], cells.get(names["reason"])) if "reason" in names else None
    for name, place in names.items():
        match = _RANGE.fullmatch(place)
        assert match is not None, place
        table, _, column = name.partition("__")
        if name == "reason":
            continue
        if not column:
            single[name] = Cell(SHEET, place, cells.get(place))
            continue
        for row in range(int(match[2]), int(match[4] or match[2]) + 1):
            address = f"{match[1]}{row}"
            lines.setdefault(table, {}).setdefault(row, {})[column] = Cell(SHEET, address, cells.get(address))
    repeats = {
        table: tuple(line for _, line in sorted(rows.items()) if any(cell.value is not None for cell in line.values()))
        for table, rows in lines.items()
    }
    starts = {table: next(iter(rows[min(rows)].values())) for table, rows in lines.items()}
    identity = Identity(form_id="visit", version=version)
    return FilledForm(identity=identity, cells=single, repeats=repeats, starts=starts, reason=reason, pictures=pictures)


def _cells(grid: str) -> dict[str, RawValue]:
    rows = [[part.strip() for part in line.strip().strip("|").split("|")] for line in grid.strip().splitlines()]
    _, *columns = rows[0]
    return {
        f"{column}{number}": _value(content)
        for number, *contents in rows[1:]
        for column, content in zip(columns, contents, strict=True)
        if content
    }


def _value(content: str) -> RawValue:
    if content.startswith('"') and content.endswith('"') and len(content) > 1:
        return content[1:-1].encode().decode("unicode_escape") if "\\" in content else content[1:-1]
    if content in ("TRUE", "FALSE"):
        return content == "TRUE"
    if re.fullmatch(r"-?\d+(\.\d+)?", content):
        return float(content)
    if re.fullmatch(r"\d{4}-\d\d-\d\d", content):
        return date.fromisoformat(content)
    if re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", content):
        return datetime.fromisoformat(content)
    return content
