"""
The script people write today for the fracas form: openpyxl, checks by hand, pandas into SQLite.

It is the peer that `intake.py` measures against, so it is written to be quick: each file
is opened once in openpyxl's fast read-only mode, cells are taken by address, and master
data is in dictionaries.
"""

import re
import sqlite3
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from io import BytesIO
from typing import Any

import openpyxl
import pandas as pd

TEXTS = {
    "car": 10, "serial_no": 40, "software_version": 20, "fault_code": 40, "repeat_of": 20, "symptom": 600,
    "action_taken": 600,
}  # fmt: skip
MOMENTS = ("reported_at", "occurred_at", "responded_at", "arrived_at", "repaired_at")
NUMBERS = {"mileage_km": (0, 9_000_000), "delay_minutes": (0, 1440), "visits": (0, 20)}
REQUIRED = (
    "station", "reported_by", "reported_at", "channel", "customer", "vehicle", "system", "subsystem", "part",
    "occurred_at", "operating_phase", "failure_mode", "severity", "effect", "is_repeat", "symptom",
)  # fmt: skip
REQUIRED_WHEN_REPAIRED = ("handled_by", "fix_type", "visits", "action_taken")
PART = ("position", "part_name", "removed_serial", "fitted_serial", "quantity", "disposition")
PARENTS = {"subsystem": "system", "part": "subsystem", "failure_mode": "part", "vehicle": "customer"}
_DATE = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[ T](\d{1,2})[:：时](\d{1,2})?(?:[:：](\d{1,2}))?)?")
_NUMBER = re.compile(r"(-?\d+(?:\.\d+)?)\s*(万)?\s*[^\d]*")


def read(content: bytes, addresses: Mapping[str, tuple[int, int]]) -> dict[str, Any]:
    """The cells of one workbook by field name; repeats as "replaced_parts.1.quantity"."""
    book = openpyxl.load_workbook(BytesIO(content), data_only=True, read_only=True)
    rows = list(book.worksheets[0].iter_rows(values_only=True))
    book.close()
    return {name: rows[row][column] for name, (row, column) in addresses.items()}


class Checks:
    """Normalising, required fields, choices, master data, rules: what the fracas form asks of a station."""

    def __init__(self, choices: Mapping[str, Mapping[str, str]], master: Mapping[str, Mapping[str, str]]) -> None:
        self.choices = choices  # field → folded label → name
        self.master = master  # field → folded label or code → code
        self.under: Mapping[str, Mapping[str, Mapping[str, str]]] = {}  # field → parent's code → folded label → code
        self.lookups: Mapping[str, Mapping[str, Mapping[str, str]]] = {}  # field → code → column → value

    def check(self, cells: dict[str, Any], now: datetime) -> tuple[dict[str, Any], list[dict[str, Any]], list[str]]:
        """(row, part rows, problems) of one filled form."""
        problems: list[str] = []
        row: dict[str, Any] = {}
        for name, longest in TEXTS.items():
            row[name] = text(cells.get(name))
            if row[name] and len(row[name]) > longest:
                problems.append(f"{name}: too long")
        for name in MOMENTS:
            row[name] = self._try(moment, name, cells, problems)
        row["fitted_on"] = self._try(moment, "fitted_on", cells, problems)
        for name, (low, high) in NUMBERS.items():
            row[name] = self._try(number, name, cells, problems)
            if row[name] is not None and not low <= row[name] <= high:
                problems.append(f"{name}: out of range")
        for name, known in (*self.choices.items(), *self.master.items()):
            typed = text(cells.get(name))
            # The same failure mode or part may stand under several parents.
            known = self.under[name].get(row[PARENTS[name]] or "", {}) if name in PARENTS else known
            row[name] = known.get(folded(typed)) if typed else None
            if typed and row[name] is None:
                problems.append(f"{name}: {typed!r} is not on the list")
        for name in REQUIRED + (REQUIRED_WHEN_REPAIRED if row["repaired_at"] else ()):
            if row[name] in (None, ""):
                problems.append(f"{name}: missing")
        parts = self._parts(cells, problems)
        problems += rules(row, now)
        self._look_up(row)
        return row, parts, problems

    def _parts(self, cells: dict[str, Any], problems: list[str]) -> list[dict[str, Any]]:
        parts = []
        for line in range(1, 4):
            part = {name: text(cells.get(f"replaced_parts.{line}.{name}")) for name in PART}
            if not any(part.values()):
                continue
            part["quantity"] = number(part["quantity"]) if part["quantity"] else None
            for name in ("position", "part_name", "quantity", "disposition"):
                if part[name] is None:
                    problems.append(f"replaced_parts.{name}: missing in line {line}")
            if part["removed_serial"] and part["removed_serial"] == part["fitted_serial"]:
                problems.append(f"replaced_parts: line {line} has twice the same serial number")
            parts.append(part)
        return parts

    def _look_up(self, row: dict[str, Any]) -> None:
        row["region"] = self.lookups["station"].get(row["station"] or "", {}).get("region")
        train = self.lookups["vehicle"].get(row["vehicle"] or "", {})
        row["vehicle_type"], row["line"] = train.get("vehicle_type"), train.get("line")
        row["warranty_until"] = train.get("warranty_until")
        row["drawing_no"] = self.lookups["part"].get(row["part"] or "", {}).get("drawing_no")
        for name, start in (("repair_hours", "arrived_at"), ("downtime_hours", "occurred_at")):
            if row[start] and row["repaired_at"]:
                row[name] = round((row["repaired_at"] - row[start]).total_seconds() / 3600, 1)

    @staticmethod
    def _try(convert: Any, name: str, cells: dict[str, Any], problems: list[str]) -> Any:
        value = cells.get(name)
        if value is None or (isinstance(value, str) and not value.strip()):
            return None
        converted = convert(value)
        if converted is None:
            problems.append(f"{name}: cannot be read")
        return converted


def rules(row: dict[str, Any], now: datetime) -> list[str]:
    """The form's rules, written out."""
    broken = []

    def need(good: bool, *names: str, rule: str) -> None:
        if all(row.get(name) is not None for name in names) and not good:
            broken.append(rule)

    reported, occurred, repaired = row["reported_at"], row["occurred_at"], row["repaired_at"]
    need(bool(reported and reported <= now), "reported_at", rule="reported in the future")
    need(
        bool(reported and occurred and occurred <= reported), "occurred_at", "reported_at", rule="occurred after report"
    )
    for name in ("responded_at", "arrived_at"):
        value = row[name]
        need(bool(value and reported and reported <= value <= now), name, "reported_at", rule=f"{name} out of order")
    arrived = row["arrived_at"]
    need(
        bool(repaired and arrived and arrived <= repaired <= now),
        "repaired_at",
        "arrived_at",
        rule="repaired too early",
    )
    fitted = row["fitted_on"]
    need(
        bool(fitted and occurred and fitted.date() <= occurred.date()),
        "fitted_on",
        "occurred_at",
        rule="fitted after failure",
    )
    late = reported and occurred and reported - occurred > timedelta(days=7)
    need(not late, "reported_at", "occurred_at", rule="reported late, reason needed")
    long_repair = repaired and arrived and repaired - arrived > timedelta(hours=72)
    need(not long_repair, "repaired_at", "arrived_at", rule="long repair, reason needed")
    minor = row["severity"] != "minor" or row["effect"] == "no_effect" or (row["delay_minutes"] or 0) < 5
    need(minor, "severity", "effect", rule="minor with an effect")
    rescued = row["severity"] == "critical" or row["effect"] not in ("rescue", "evacuated")
    need(rescued, "severity", "effect", rule="a rescue is critical")
    if row["effect"] == "delay" and row["delay_minutes"] is None:
        broken.append("delay_minutes: missing")
    if row["repeat_of"] and row["is_repeat"] != "yes":
        broken.append("repeat_of: does not apply")
    return broken


def store(connection: sqlite3.Connection, row: dict[str, Any], parts: list[dict[str, Any]], record: int) -> None:
    """One row per form and its lines, committed file by file, so that a power cut loses nothing acknowledged."""
    pd.DataFrame([{"record_id": record, **row}]).to_sql("fracas", connection, if_exists="append", index=False)
    if parts:
        lines = [{"record_id": record, "line": line, **part} for line, part in enumerate(parts, start=1)]
        pd.DataFrame(lines).to_sql("fracas_parts", connection, if_exists="append", index=False)
    connection.commit()


def connect(path: str) -> sqlite3.Connection:
    """The same kind of database with the same durability as ours, its tables made beforehand."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    return connection


def text(value: Any) -> str | None:
    """What was typed: NFKC, without stray spaces; None for nothing."""
    if value is None:
        return None
    cleaned = unicodedata.normalize("NFKC", str(value)).strip()
    return cleaned or None


def folded(value: str) -> str:
    """A label as it is looked up: width, case and spaces do not matter."""
    return "".join(unicodedata.normalize("NFKC", value).split()).casefold()


def moment(value: Any) -> datetime | None:
    """A date cell, or a date typed in one of the usual Chinese spellings."""
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001  (local to the site, as in the sheet)
    if isinstance(value, int | float):
        return datetime(1899, 12, 30) + timedelta(days=value)  # noqa: DTZ001
    match = _DATE.fullmatch(text(value) or "")
    try:
        return datetime(*(int(part or 0) for part in match.groups())) if match else None  # type: ignore[arg-type]  # noqa: DTZ001
    except ValueError:
        return None


def number(value: Any) -> int | None:
    """A number cell, or digits with a unit or 万 behind them."""
    if isinstance(value, int | float):
        return int(value)
    match = _NUMBER.fullmatch((text(value) or "").replace(",", ""))
    return int(float(match[1]) * (10_000 if match[2] else 1)) if match else None
