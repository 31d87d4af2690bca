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
from workbooks.master import TABLES, Master, MasterRow
from workbooks.master_columns import BY_TABLE
from workbooks.master_workbook import MasterFinding, MasterReading, read_tables, write_master

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


def load_master(session: Session, *, retired: bool = False) -> Master:
    """The rows in force, or all rows with *retired*."""
    tables: dict[str, list[MasterRow]] = {}
    for name in TABLES:
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
    table without a sheet stays as it is. With findings nothing is changed.
    """
    if reading.findings:
        return MasterImport(report={}, findings=reading.findings)
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
    return write_master(load_master(session), language)


def _store(session: Session, name: str, rows: tuple[MasterRow, ...]) -> TableCounts:
    table = table_of(MODELS[name])
    present = {row["code"]: dict(row) for row in session.execute(select(table)).mappings()}
    wanted = {row.code: _columns(name, row, position) for position, row in enumerate(rows)}
    new = [columns for code, columns in wanted.items() if code not in present]
    touched = [columns for code, columns in wanted.items() if code in present and present[code] != columns]
    # A row that only moved is stored but is no change people would look for.
    changed = [c for c in touched if present[c["code"]] | {"position": c["position"]} != c]
    retired = [code for code, row in present.items() if row["active"] and code not in wanted]
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


def _columns(name: str, row: MasterRow, position: int) -> dict[str, Any]:
    columns: dict[str, Any] = {
        "code": row.code,
        "name": row.label_zh,
        "name_en": row.label_en,
        "active": True,
        "position": position,
    }
    for column in BY_TABLE[name].columns:
        if column.kind == "level":
            columns[column.name] = row.level
        elif column.kind == "date":
            text = row.attributes.get(column.name, "")
            columns[column.name] = date.fromisoformat(text) if text else None
        elif column.name not in columns:
            columns[column.name] = row.attributes.get(column.name, "")
    return columns


def _master_row(name: str, row: Mapping[Any, Any]) -> MasterRow:
    sheet = BY_TABLE[name]
    own = ("code", "name", "name_en", "level")
    attributes = {column.name: _as_text(row[column.name]) for column in sheet.columns if column.name not in own}
    return MasterRow(
        code=row["code"],
        label_zh=row["name"],
        label_en=row["name_en"],
        parent=attributes[sheet.parent] if sheet.parent else "",
        level=row.get("level"),
        attributes=attributes,
    )


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, date) else str(value)
