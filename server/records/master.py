"""Master data in the database: loaded for the checks, taken over from a workbook, exported again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session

from server.access.visibility import Viewer
from server.database import table_of
from server.records import audit
from server.records.master_tables import MODELS
from server.records.models import Counter
from workbooks.form import Language
from workbooks.master import MEASURED, TABLES, Master, MasterRow
from workbooks.master_columns import BY_TABLE, MasterSheet
from workbooks.master_workbook import MasterFinding, MasterReading, plain_number, read_tables, write_master

_COUNTER = "master"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableCounts:
    """What an import did to one table; *retired* rows were not in the workbook any more."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    retired: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MasterImport:
    """The result of an import by table; with *findings* nothing was changed."""

    report: Mapping[str, TableCounts]
    findings: tuple[MasterFinding, ...]


def master_version(session: Session) -> int:
    """A number that rises whenever master data changes."""
    return session.scalar(select(Counter.value).where(Counter.name == _COUNTER)) or 0


def load_master(session: Session, *, retired: bool = False, measured: bool = False) -> Master:
    """The rows the forms choose from that are in force; all rows with *retired*, readings, too, with *measured*."""
    tables: dict[str, list[MasterRow]] = {}
    for name in (*TABLES, *MEASURED) if measured else TABLES:
        table = table_of(MODELS[name])
        query = select(table).order_by(table.c.position, table.c.code)
        if not retired:
            query = query.where(table.c.active)
        tables[name] = [_master_row(name, row) for row in session.execute(query).mappings()]
    return Master(tables)


def import_master(
    session: Session,
    content: bytes,
    *,
    audit_key: bytes,
    by: Viewer | None = None,
    read: Callable[[bytes], MasterReading] = read_tables,
) -> MasterImport:
    """
    Take over the master workbook *content*; `Site.import_master` reads it in a child process.

    Raises:
        Refused: It is not a workbook that may be opened.
    """
    return import_tables(session, read(content), by=by or Viewer.operator(), audit_key=audit_key)


def import_tables(session: Session, reading: MasterReading, *, by: Viewer, audit_key: bytes) -> MasterImport:
    """
    Make the master tables what *reading* says.

    Rows it does not hold are retired and never deleted: old records keep their names. A
    table without a sheet stays as it is, and so do the older rows of one that grows. With
    findings nothing is changed.
    """
    findings = (*reading.findings, *_unknown(session, reading))
    if findings:
        return MasterImport(report={}, findings=findings)
    audit.lock(session)
    report = {name: _store(session, name, rows) for name, rows in reading.tables.items()}
    if any(counts.new or counts.changed or counts.retired for counts in report.values()):
        counter = table_of(Counter)
        session.execute(update(counter).where(counter.c.name == _COUNTER).values(value=counter.c.value + 1))
        details = {name: {"new": c.new, "changed": c.changed, "retired": c.retired} for name, c in report.items()}
        event = audit.Event(actor=by.username, action="master-imported", subject="master", details=details)
        audit.append(session, audit_key, [event])
    return MasterImport(report=report, findings=())


def export_master(session: Session, language: Language) -> bytes:
    """The rows in force as a workbook that `import_master` takes back."""
    return write_master(load_master(session, measured=True), language)


def _unknown(session: Session, reading: MasterReading) -> list[MasterFinding]:
    """What *reading* refers to and neither holds nor finds among the rows there are, retired ones included."""
    columns = {(reference.table, reference.column) for reference in reading.references}
    known = {at: set(session.scalars(select(table_of(MODELS[at[0]]).c[at[1]]))) for at in columns}
    return [r.finding for r in reading.references if r.value not in known[r.table, r.column]]


def _store(session: Session, name: str, rows: tuple[MasterRow, ...]) -> TableCounts:
    table, sheet = table_of(MODELS[name]), BY_TABLE[name]
    present = {row["code"]: dict(row) for row in session.execute(select(table)).mappings()}
    wanted = {row.code: _columns(name, row, position) for position, row in enumerate(rows)}
    if sheet.grows:
        first = 1 + max((row["position"] for row in present.values()), default=-1)
        for code, columns in wanted.items():
            columns["position"] = present[code]["position"] if code in present else first + columns["position"]
    silent = {row.code for row in rows if sheet.grows and sheet.values() and not _says_something(sheet, row)}
    wanted = {code: columns for code, columns in wanted.items() if code not in silent}
    new = [columns for code, columns in wanted.items() if code not in present]
    touched = [columns for code, columns in wanted.items() if code in present and present[code] != columns]
    # A row that only moved is stored but is no change people would look for.
    changed = [c for c in touched if present[c["code"]] | {"position": c["position"]} != c]
    gone = silent if sheet.grows else present.keys() - wanted.keys()
    retired = [code for code, row in present.items() if row["active"] and code in gone]
    if new:
        session.execute(insert(table), new)
    if touched:
        settable: dict[str, Any] = {column: bindparam(f"new_{column}") for column in touched[0] if column != "code"}
        statement = update(table).where(table.c.code == bindparam("new_code")).values(settable)
        session.connection().execute(statement, [{f"new_{key}": value for key, value in c.items()} for c in touched])
    for code in retired:
        session.execute(update(table).where(table.c.code == code).values(active=False))
    unchanged = len(wanted) - len(new) - len(changed)
    return TableCounts(new=len(new), changed=len(changed), unchanged=unchanged, retired=len(retired))


def _says_something(sheet: MasterSheet, row: MasterRow) -> bool:
    """Whether a reading reads anything: a row prepared for the next month does not, an emptied one no more."""
    return any(row.attributes.get(column.name) for column in sheet.values())


def _columns(name: str, row: MasterRow, position: int) -> dict[str, Any]:
    columns: dict[str, Any] = {"code": row.code, "active": True, "position": position}
    if BY_TABLE[name].named:
        columns |= {"name": row.label_zh, "name_en": row.label_en}
    for column in BY_TABLE[name].columns:
        if column.kind == "level":
            columns[column.name] = row.level
        elif column.kind == "date":
            text = row.attributes.get(column.name, "")
            columns[column.name] = date.fromisoformat(text) if text else None
        elif column.kind == "number":
            text = row.attributes.get(column.name, "")
            columns[column.name] = (int(text) if column.whole else float(text)) if text else None
        elif column.name not in columns:
            columns[column.name] = row.attributes.get(column.name, "")
    return columns


def _master_row(name: str, row: Mapping[Any, Any]) -> MasterRow:
    sheet = BY_TABLE[name]
    own = ("code", "name", "name_en", "level")
    attributes = {column.name: _as_text(row[column.name]) for column in sheet.columns if column.name not in own}
    return MasterRow(
        code=row["code"],
        label_zh=row["name"] if sheet.named else row["code"],
        label_en=row["name_en"] if sheet.named else "",
        parent=attributes[sheet.parent] if sheet.parent else "",
        level=row.get("level"),
        attributes=attributes,
    )


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return plain_number(value)
    return value.isoformat() if isinstance(value, date) else str(value)
