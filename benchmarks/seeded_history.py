"""
A history of failure reports, as the demo's but as large as wanted, written past the intake in bulk.

Every record has its submissions, revisions (with all answers as JSON), kept revisions and
row in the form's table; only the audit chain stays empty. Steps come as revisions of
their own in the last half year; before that the report, then the rest at once.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import orjson
from sqlalchemy import Connection, Table, func, select, text
from sqlalchemy.schema import CreateIndex, DropIndex

from server.access.visibility import Viewer
from server.database import table_of
from server.demo import demo_master
from server.demo.catalogue import COMMON_MODES, MODES, PRODUCTS, SEASONS, STATIONS, TRAIN_TYPES
from server.records import form_tables, kept_revisions
from server.records.kept_revisions import FOREVER
from server.records.master import import_tables
from server.records.models import Record, Revision, Submission
from server.site import Site
from workbooks.master import TABLES, MasterRow
from workbooks.master_workbook import MasterReading

TRAINS = 3000
REPEATED = 0.09
DETAILED = 183 * 1440  # minutes
_AT_ONCE = 10_000
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  local, as all times of a case
_PRODUCTS = {product.code: product for product in PRODUCTS}
_PARTS = sorted({mode.part for mode in MODES})
_MODES = (*MODES, *COMMON_MODES)
_FOREVER = FOREVER.strftime("%Y-%m-%d %H:%M:%S.%f")

# What the station reports and what comes later, in the order in which it is kept.
_REPORT = (
    "station", "customer", "vehicle", "vehicle_type", "line", "car", "system", "subsystem", "part", "serial_no",
    "failure_mode", "severity", "warranty", "occurred_at", "reported_at", "responded_at", "arrived_at", "repaired_at",
    "visits", "mileage_km",
)  # fmt: skip
_LATER = (
    "analysed_on", "relevant", "responsibility", "root_cause_category", "planned_on", "completed_on", "verified_on",
    "effectiveness", "closed_on",
)  # fmt: skip
_BESIDE = {
    "reported_by": "P001", "channel": "depot", "operating_phase": "depot", "environment": "normal", "is_repeat": "no",
    "handled_by": "P001", "fix_type": "permanent", "effect": "no_effect",
}  # fmt: skip


class Course(NamedTuple):
    """A record: what its report says, and when (UTC) each revision came with which of `_LATER`."""

    report: tuple[Any, ...]
    texts: tuple[str, str]  # symptom, action taken
    revisions: list[tuple[str, tuple[Any, ...]]]


Later = list[tuple[int, int, Course]]


class Fleet:
    """Stations as the demo's, with as many trains as it takes."""

    def __init__(self, seed: int, until: date) -> None:
        draw = np.random.default_rng(seed)
        weights = np.array([station.trains for station in STATIONS], float)
        shares = np.array([kind[1] for kind in TRAIN_TYPES])
        stations = draw.choice(len(STATIONS), TRAINS, p=weights / weights.sum())
        kinds = draw.choice(len(TRAIN_TYPES), TRAINS, p=shares / shares.sum())
        self.trains = [
            _train(train, STATIONS[stations[train]].code, TRAIN_TYPES[kinds[train]][0], until)
            for train in range(TRAINS)
        ]


def _train(number: int, station: str, kind: str, until: date) -> MasterRow:
    accepted = date(until.year - 12 + number % 11, number % 12 + 1, 1)
    known = {
        "vehicle_type": kind,
        "customer": f"{station}-{'M' if '地铁' in kind else 'I' if '城际' in kind else 'E'}",
        "station": station,
        "line": f"{number % 12 + 1}号线",
        "accepted_on": accepted.isoformat(),
        "warranty_until": accepted.replace(year=accepted.year + 2).isoformat(),
    }
    code = f"{number:05d}"
    return MasterRow(code=code, label_zh=code, label_en=code, parent=known["customer"], attributes=known)


def prepare(site: Site, fleet: Fleet, until: date) -> None:
    """Load the master data."""
    master = demo_master(1, until)
    tables = {name: master.rows(name) for name in TABLES} | {"vehicles": tuple(fleet.trains)}
    reading = MasterReading(tables=tables, findings=())
    with site.session() as session:
        import_tables(session, reading, by=Viewer.operator(), audit_key=site.audit_key)


def courses(records: int, years: int, seed: int, until: date, fleet: Fleet, zone: Any) -> Iterator[Course]:
    """About *records* records, in the order in which they first came in."""
    draw = np.random.default_rng(seed)
    last = (datetime.combine(until, datetime.max.time()) - _EPOCH) // timedelta(minutes=1)
    offset = int(datetime.combine(until, datetime.min.time(), zone).utcoffset() / timedelta(minutes=1))  # type: ignore[operator]
    drawn = _drawn(draw, records, last - years * 525_960, last)
    ages = last - drawn["occurred"]
    count = len(ages)
    thorough = draw.random(count) < 0.45
    severe = draw.random(count)
    mode_of = drawn["mode"]
    plain = np.array([mode.code in ("NFF", "EXT", "OTHER") for mode in _MODES])[mode_of]
    needed = ~plain & (thorough | (severe < 0.01))
    stuck = (ages > 90 * 1440) & (draw.random(count) < np.where(ages > 540 * 1440, 0.015, 0.12))
    analysed = drawn["received"] + _days(draw, np.where(thorough, 22, 3), 0.7, count)
    done = analysed + _days(draw, 30, 0.7, count)
    closed = np.where(needed, done + _days(draw, 28, 0.5, count), analysed + _days(draw, 3, 0.8, count))
    no_done = stuck & (draw.random(count) < 0.7)
    rolls = draw.random((4, count))
    order = np.argsort(drawn["received"], kind="stable")
    order = order[drawn["received"][order] <= last]
    for page in np.array_split(order, max(1, len(order) // _AT_ONCE)):
        instants = {
            name: _utc(values[page], offset)
            for name, values in (
                ("received", drawn["received"]),
                ("analysed", analysed),
                ("done", done),
                ("closed", closed),
            )
        }
        local = {
            name: _local(drawn[name][page]) for name in ("occurred", "reported", "responded", "arrived", "repaired")
        }
        reached = [(values[page] <= last).tolist() for values in (analysed, done, closed)]
        days = [_local(values[page]) for values in (analysed, done, closed, analysed + 30 * 1440)]
        flags = [values[page].tolist() for values in (needed, stuck, no_done, ages > DETAILED, severe)]
        told = [values[page].tolist() for values in rolls]
        trains, cars, modes, parts = (drawn[name][page].tolist() for name in ("train", "car", "mode", "part"))
        failed = drawn["occurred"][page].tolist()
        for i in range(len(page)):
            mode = _MODES[modes[i]]
            part = mode.part or _PARTS[parts[i]]
            subsystem = _PRODUCTS[part].parent
            train = fleet.trains[trains[i]]
            known, occurred = train.attributes, local["occurred"][i]
            report = (
                known["station"], known["customer"], train.code, known["vehicle_type"], known["line"], f"{cars[i]}车",
                _PRODUCTS[subsystem].parent, subsystem, part,
                None if told[0][i] < 0.09 else f"{part}-{occurred[:7]}-{cars[i]:04d}",
                mode.code if mode.part else f"{part}-{mode.code}",
                "critical" if flags[4][i] < 0.01 else "major" if flags[4][i] < 0.19 else "minor",
                "in_warranty" if occurred[:10] <= known["warranty_until"] else "out_of_warranty",
                occurred, local["reported"][i], None if told[1][i] < 0.05 else local["responded"][i],
                local["arrived"][i], local["repaired"][i], 1 if told[2][i] < 0.86 else 2,
                None if told[3][i] < 0.12 else _odometer(train, trains[i], failed[i]),
            )  # fmt: skip
            revisions: list[tuple[str, tuple[Any, ...]]] = [(instants["received"][i], (None,) * len(_LATER))]
            planned = days[3][i][:10] if flags[0][i] else None
            judged = (
                days[0][i][:10],
                "no" if mode.code in ("NFF", "EXT") else "yes",
                mode.responsibility,
                mode.cause,
                planned,
            )
            if reached[0][i]:
                revisions.append((instants["analysed"][i], (*judged, None, None, None, None)))
                finished = None
                if flags[0][i] and reached[1][i] and not flags[2][i]:
                    finished = days[1][i][:10]
                    revisions.append((instants["done"][i], (*judged, finished, None, None, None)))
                if reached[2][i] and not flags[1][i]:
                    day = days[2][i][:10]
                    checked = (day, "effective") if finished else (None, None)
                    revisions.append((instants["closed"][i], (*judged, finished, *checked, day)))
            if flags[3][i] and len(revisions) > 2:
                revisions = [revisions[0], revisions[-1]]
            yield Course(report, (mode.symptom, mode.fix), revisions)


def _odometer(train: MasterRow, number: int, minute: int) -> int:
    """What a train that runs every day shows on the day of that minute."""
    accepted = (datetime.fromisoformat(train.attributes["accepted_on"]) - _EPOCH) // timedelta(minutes=1)
    return max(0, minute - accepted) * (250 + number % 300) // 1440


def _drawn(draw: np.random.Generator, records: int, first: int, last: int) -> dict[str, np.ndarray]:
    """When things failed, where and how, and the times of the reports, in minutes of local time."""
    count = round(records / (1 + REPEATED))
    occurred = draw.integers(first, last - 60, count)
    month = occurred.astype("datetime64[m]").astype("datetime64[M]").astype(int) % 12
    mode = np.empty(count, int)
    for number in range(12):
        weights = np.array([m.share * SEASONS[m.season][number] for m in _MODES])
        here = month == number
        mode[here] = draw.choice(len(_MODES), here.sum(), p=weights / weights.sum())
    found = {
        "train": draw.integers(0, TRAINS, count),
        "car": draw.integers(1, 7, count),
        "part": draw.integers(0, len(_PARTS), count),
        "mode": mode,
    }
    again = draw.choice(count, records - count, replace=False)
    back = occurred[again] + 400 + (draw.uniform(1.5, 29, len(again)) * 1440).astype(int)
    again, back = again[back < last - 60], back[back < last - 60]
    found = {name: np.concatenate([values, values[again]]) for name, values in found.items()}
    occurred = np.concatenate([occurred, back])
    count = len(occurred)
    reported = occurred + np.maximum(2, draw.lognormal(np.log(20), 0.8, count)).astype(int)
    responded = reported + (draw.lognormal(np.log(0.7), 0.9, count) * 60).astype(int)
    arrived = responded + (draw.lognormal(np.log(3), 0.7, count) * 60).astype(int)
    repaired = arrived + (np.minimum(draw.lognormal(np.log(1.4), 0.85, count), 40) * 60).astype(int)
    lag = draw.choice([0.2, 1, 4, 12], count, p=[0.7, 0.2, 0.08, 0.02]) * draw.uniform(0.5, 1.5, count)
    received = np.maximum(repaired + 30, occurred + (lag * 1440).astype(int))
    times = {"occurred": occurred, "reported": reported, "responded": responded, "arrived": arrived}
    return found | times | {"repaired": repaired, "received": received}


def _days(draw: np.random.Generator, median: Any, sigma: float, count: int) -> np.ndarray:
    """At least a day, lognormal around *median* days; in minutes."""
    return 1440 + (median * draw.lognormal(0, sigma, count) * 1440).astype(int)


def _local(minutes: np.ndarray) -> list[str]:
    """As SQLAlchemy writes a date and time into SQLite; PostgreSQL reads it too."""
    return [
        f"{stamp[:10]} {stamp[11:]}.000000"
        for stamp in np.datetime_as_string(minutes.astype("datetime64[m]"), unit="s").tolist()
    ]


def _utc(minutes: np.ndarray, offset: int) -> list[str]:
    return _local(minutes - offset)


class Store:
    """Writes records in bulk into *site*; with *after* after those that are there."""

    def __init__(self, site: Site, *, after: bool = False) -> None:
        self._site = site
        definition = site.definitions["fracas"]
        self._form, self._kept = form_tables.table(definition), kept_revisions.table(definition)
        self._tables = (table_of(Record), table_of(Submission), table_of(Revision), self._form, self._kept)
        known = [0, 0]
        if after:
            with site.session(read_only=True) as session:
                known = [session.scalar(select(func.max(table.c.id))) for table in (self._tables[0], self._tables[2])]
        self._records, self._revisions = (itertools.count(last + 1) for last in known)

    def load(self, history: Iterable[Course], before: datetime) -> Later:
        """
        Write all that came in before *before* (aware); what came later is handed back.

        Each of those is (record, revisions it has, its course); record 0 is not there yet.
        """
        limit, later = before.astimezone(UTC).strftime("%Y-%m-%d %H:%M"), Later()
        indexes = [index for table in self._tables for index in table.indexes]
        with self._site.engine.begin() as connection:
            for index in indexes:
                connection.execute(DropIndex(index, if_exists=True))
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("PRAGMA cache_size=-400000")
            rows = _Rows()
            for course in history:
                known = sum(at < limit for at, _ in course.revisions)
                record = next(self._records) if known else 0
                if known:
                    self._add(rows, record, course, 0, known)
                if known < len(course.revisions):
                    later.append((record, known, course))
                if len(rows.records) >= _AT_ONCE:
                    self._write(connection, rows)
                    rows = _Rows()
            self._write(connection, rows)
            for index in indexes:
                connection.execute(CreateIndex(index, if_not_exists=True))
        self.analyse()
        return later

    def add(self, later: Later) -> int:
        """Write what came later: new records, and revisions of known ones; how many revisions."""
        rows = _Rows()
        with self._site.engine.begin() as connection:
            for record, known, course in later:
                self._add(rows, record or next(self._records), course, known, len(course.revisions))
            for record, known, course in later:
                if record:
                    self._end(connection, record, course.revisions[known][0], course)
            self._write(connection, rows)
        return len(rows.revisions)

    def analyse(self) -> None:
        """Let the database look at what it holds now, as it does by itself in time."""
        with self._site.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE")

    def _add(self, rows: "_Rows", record: int, course: Course, first: int, last: int) -> None:
        number, station, created = f"FR-{record:07d}", course.report[0], course.revisions[0][0]
        given = course.revisions[first:last]
        updated, answers = given[-1]
        if not first:
            closed = "open" if answers[-1] is None else "closed"
            rows.records.append(
                (
                    record,
                    number,
                    "fracas",
                    1,
                    f"seeded-{record}",
                    number,
                    number,
                    last,
                    closed,
                    station,
                    created,
                    updated,
                )
            )
            rows.form.append((record, number, last, created, updated, *course.texts, *course.report, *answers))
        ends = [*(at for at, _ in given[1:]), _FOREVER]
        for index, ((at, later), end) in enumerate(zip(given, ends, strict=True), start=first + 1):
            revision = next(self._revisions)
            submission, outcome = f"{record:07d}-{index:02d}", "recorded" if index == 1 else "revised"
            rows.submissions.append(
                (
                    submission,
                    at,
                    "web",
                    "seeded",
                    "",
                    "",
                    0,
                    "answers",
                    "fracas",
                    1,
                    outcome,
                    record,
                    index,
                    station,
                    "[]",
                    "[]",
                )
            )
            values = dict(zip(_REPORT, course.report, strict=True)) | dict(zip(_LATER, later, strict=True)) | _BESIDE
            values |= {"symptom": course.texts[0], "action_taken": course.texts[1]}
            text_ = orjson.dumps(values).decode()
            rows.revisions.append((revision, record, index, submission, at, "seeded", "web", 1, True, "", "", text_))
            rows.kept.append((revision, record, number, at, end, *course.report, *later))

    def _end(self, connection: Connection, record: int, at: str, course: Course) -> None:
        """Take a known record to its newest revision."""
        updated, answers = course.revisions[-1]
        values: dict[str, Any] = dict(zip(_LATER, answers, strict=True)) | {"record": record, "at": at}
        values |= {"updated": updated, "revision": len(course.revisions)}
        sets = ", ".join(f"{name} = {_cast(connection, name)}" for name in _LATER)
        moved = f"revision = :revision, updated_at = {_cast(connection, 'updated_at', 'updated')}"
        own, known_to = "WHERE record_id = :record", _cast(connection, "known_at", "at")
        for statement in (
            f"UPDATE {self._kept.name} SET known_to = {known_to} {own} AND known_to > '9999-01-01'",
            f"UPDATE {self._form.name} SET {sets}, {moved} {own}",
            f"UPDATE records SET {moved} WHERE id = :record",
        ):
            connection.execute(text(statement), values)

    def _write(self, connection: Connection, rows: "_Rows") -> None:
        head = ("record_id", "number", "revision", "created_at", "updated_at", "symptom", "action_taken")
        for table, columns, found in (
            (self._tables[0], _Rows.RECORD, rows.records),
            (self._tables[1], _Rows.SUBMISSION, rows.submissions),
            (self._tables[2], _Rows.REVISION, rows.revisions),
            (self._form, (*head, *_REPORT, *_LATER), rows.form),
            (
                self._kept,
                ("revision_id", "record_id", "number", "known_from", "known_to", *_REPORT, *_LATER),
                rows.kept,
            ),
        ):
            _bulk(connection, table, columns, found)


class _Rows:
    RECORD = (
        "id", "number", "form_id", "version", "instance_id", "key_hash", "content_hash", "revision", "state", "station",
        "created_at", "updated_at",
    )  # fmt: skip
    SUBMISSION = (
        "id", "received_at", "channel", "sender", "filename", "sha256", "size", "kind", "form_id", "version", "outcome",
        "record_id", "revision", "station", "findings", "flags",
    )  # fmt: skip
    REVISION = (
        "id", "record_id", "revision", "submission_id", "at", "by", "channel", "version", "numbered", "content_hash",
        "reason", "answers",
    )  # fmt: skip

    def __init__(self) -> None:
        self.records: list[tuple[Any, ...]] = []
        self.submissions: list[tuple[Any, ...]] = []
        self.revisions: list[tuple[Any, ...]] = []
        self.form: list[tuple[Any, ...]] = []
        self.kept: list[tuple[Any, ...]] = []


def _cast(connection: Connection, column: str, name: str | None = None) -> str:
    """The bound text as what PostgreSQL wants it to be."""
    kind = "date" if column.endswith("_on") else "timestamptz" if column.endswith("_at") else "text"
    return f"CAST(:{name or column} AS {kind})" if connection.dialect.name == "postgresql" else f":{name or column}"


def _bulk(connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    names = ", ".join(f'"{name}"' for name in columns)
    cursor: Any = connection.connection.cursor()
    if connection.dialect.name == "sqlite":
        cursor.executemany(f'INSERT INTO "{table.name}" ({names}) VALUES ({", ".join("?" * len(columns))})', rows)
        return
    # Instants are UTC here; so is the session, while they are copied.
    cursor.execute("SET LOCAL TIME ZONE 'UTC'")
    with cursor.copy(f'COPY "{table.name}" ({names}) FROM STDIN') as copy:
        lines = ("\t".join([r"\N" if value is None else _escaped(value) for value in row]) for row in rows)
        copy.write("\n".join(lines) + "\n" if rows else "")


def _escaped(value: Any) -> str:
    return str(value).replace("\\", "\\\\") if isinstance(value, str | int) else str(value)
