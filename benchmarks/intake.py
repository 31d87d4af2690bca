"""
What taking in filled fracas workbooks costs, stage by stage, beside the usual script and the floor.

    python benchmarks/intake.py [--files 200] [--rounds 3] [--json FILE]

The floor is unzipping all parts and reading all sheets with calamine; the usual script
(usual_script.py) reads with openpyxl, checks by hand and stores with pandas. All run in
this one process on the same files in interleaved rounds, times are the medians of the
rounds; the last line shows the real thing, reading in two child processes. Ends with
status 1 when a figure that Aftersheet promises is missed.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import usual_script
from python_calamine import CalamineWorkbook
from rich.console import Console
from rich.table import Table

from server.access.visibility import Viewer
from server.demo import demo_master
from server.intake import decision, receive
from server.records.master import import_tables
from server.settings import Settings
from server.site import Site
from workbooks.check import check
from workbooks.filled import Values
from workbooks.form import FormDefinition, defined_name
from workbooks.guard import inspect
from workbooks.library import library
from workbooks.master import TABLES, Master
from workbooks.master_workbook import MasterReading
from workbooks.reader import read
from workbooks.template import build_template

FORM = "fracas"
READ_AND_CHECK_RATIO = 8  # guard + read + check against the script's reading and checking, at least
FLOOR_RATIO = 4  # guard + read + check against the floor, at most
WHOLE_RATIO = 4  # whole intake against the script's whole run, at least


def filled_workbooks(definition: FormDefinition, master: Master, count: int) -> list[bytes]:
    """*count* filled workbooks of a station: each a failure of its own, from a blank of its own."""
    return [
        build_template(definition, master=master, values=_failure(master, index), instance_id=f"bench-{index:06d}")
        for index in range(count)
    ]


def _failure(master: Master, index: int) -> Values:
    """A complete and correct station report; trains, parts, times and texts differ from one to the next."""
    train = master.rows("vehicles")[index % len(master.rows("vehicles"))]
    modes = master.rows("failure_modes")
    mode = modes[index % len(modes)]
    part = master.row("products", mode.parent)
    assert part is not None
    subsystem = master.row("products", part.parent)
    assert subsystem is not None
    people = [p for p in master.rows("people") if p.parent == train.attributes["station"]] or list(
        master.rows("people")
    )
    person = people[index % len(people)].code
    occurred = datetime(2026, 1, 5, 6, 10) + timedelta(minutes=47 * index)  # noqa: DTZ001  (local to the site)
    lines = [
        {
            "position": f"{line + 1}车 {line + 2}位",
            "part_name": part.label_zh,
            "removed_serial": f"SN-{index:05d}-{line}",
            "fitted_serial": f"SN-{index:05d}-{line + 5}",
            "quantity": 1 + line,
            "disposition": ("repair", "analysis", "scrap")[line],
        }
        for line in range(index % 4 if index % 4 < 3 else 0)
    ]
    return {
        "station": train.attributes["station"],
        "reported_by": person,
        "reported_at": occurred + timedelta(minutes=25),
        "channel": ("driver", "depot", "maintenance", "monitoring")[index % 4],
        "customer": train.parent,
        "vehicle": train.code,
        "car": f"{index % 6 + 1}车",
        "system": subsystem.parent,
        "subsystem": subsystem.code,
        "part": part.code,
        "serial_no": f"SN-2023-{index:05d}",
        "occurred_at": occurred,
        "operating_phase": ("service", "station_stop", "depot")[index % 3],
        "mileage_km": 120_000 + 731 * index,
        "environment": ("normal", "hot", "wet")[index % 3],
        "failure_mode": mode.code,
        "severity": "major",
        "effect": "delay" if index % 2 else "withdrawn",
        "delay_minutes": 5 + index % 30 if index % 2 else None,
        "is_repeat": "no",
        "symptom": f"运行中报故障代码 {index % 90 + 10}，司机按规程处理后仍未消除，列车到站后下线检查。第 {index} 例。",
        "responded_at": occurred + timedelta(minutes=40),
        "arrived_at": occurred + timedelta(hours=2),
        "repaired_at": occurred + timedelta(hours=3, minutes=index % 50),
        "handled_by": person,
        "fix_type": "permanent",
        "visits": 1,
        "action_taken": "更换故障件，紧固接线，静态和动态试验正常后交付用户。",
        "replaced_parts": tuple(lines),
    }  # fmt: skip


# the floor


def floor(contents: list[bytes]) -> None:
    """The least anybody can do: inflate every part and take over every sheet."""
    for content in contents:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            for name in archive.namelist():
                archive.read(name)
        book = CalamineWorkbook.from_filelike(BytesIO(content))
        for name in book.sheet_names:
            book.get_sheet_by_name(name).to_python()


# the usual script


def addresses(definition: FormDefinition, content: bytes) -> dict[str, tuple[int, int]]:
    """Where the fields are: somebody has written this down once, so it is not timed."""
    import openpyxl
    from openpyxl.utils.cell import range_boundaries

    book = openpyxl.load_workbook(BytesIO(content))
    found: dict[str, tuple[int, int]] = {}
    for path, _ in definition.paths():
        _, _, area = book.defined_names[defined_name(path)].attr_text.rpartition("!")
        column, top, _, bottom = range_boundaries(area.replace("$", ""))
        assert column is not None
        assert top is not None
        assert bottom is not None
        repeat, _, name = path.rpartition(".")
        for line, row in enumerate(range(top, bottom + 1) if repeat else [top], start=1):
            found[f"{repeat}.{line}.{name}" if repeat else name] = (row - 1, column - 1)
    return found


def checks(definition: FormDefinition, master: Master) -> usual_script.Checks:
    """The script's lists, prepared once."""
    choices: dict[str, dict[str, str]] = {}
    lists: dict[str, dict[str, str]] = {}
    under: dict[str, dict[str, dict[str, str]]] = {}
    station_sections = [section for section in definition.sections if section.owner == "station"]
    for field in (field for section in station_sections for field in section.fields):
        if field.choices:
            choices[field.name] = {usual_script.folded(c.label.zh): c.name for c in field.choices}
        elif field.master is not None:
            for row in master.rows(field.master.table):
                label, code = usual_script.folded(row.label_zh), usual_script.folded(row.code)
                for known in (
                    lists.setdefault(field.name, {}),
                    under.setdefault(field.name, {}).setdefault(row.parent, {}),
                ):
                    known |= {code: row.code, label: row.code, f"{label}({code})": row.code}
    made = usual_script.Checks(choices, lists)
    made.under = under
    tables = {"station": "stations", "vehicle": "vehicles", "part": "products"}
    made.lookups = {name: {row.code: row.attributes for row in master.rows(table)} for name, table in tables.items()}
    return made


def script(
    contents: list[bytes], where: Mapping[str, tuple[int, int]], rules: usual_script.Checks, folder: Path, now: datetime
) -> dict[str, float]:
    """Seconds of the usual script per stage."""
    seconds = dict.fromkeys(("read", "check", "store"), 0.0)
    with closing(usual_script.connect(str(folder / "script.db"))) as connection:
        for index, content in enumerate(contents):
            start = time.perf_counter()
            cells = usual_script.read(content, where)
            read_at = time.perf_counter()
            row, parts, problems = rules.check(cells, now)
            checked_at = time.perf_counter()
            usual_script.store(connection, row, parts, index)
            stored_at = time.perf_counter()
            if problems:
                raise AssertionError(f"the script turns down file {index}: {problems}")
            for stage, begin, end in (
                ("read", start, read_at),
                ("check", read_at, checked_at),
                ("store", checked_at, stored_at),
            ):
                seconds[stage] += end - begin
        stored = connection.execute("SELECT count(*) FROM fracas").fetchone()[0]
        assert stored == len(contents)
    return seconds


# Aftersheet


def open_site(folder: Path, master: Master) -> Site:
    site = Site.open(Settings(home=folder, workers=2))
    with site.session() as session:
        tables = {name: master.rows(name) for name in TABLES}
        import_tables(
            session, MasterReading(tables=tables, findings=()), by=Viewer.operator(), audit_key=site.audit_key
        )
    return site


def stages(contents: list[bytes], site: Site) -> dict[str, float]:
    """Seconds per stage in a single process: the parts of `receive_many`, one after the other."""
    seconds = dict.fromkeys(("guard", "read", "check", "store"), 0.0)
    definition, sender = site.definitions[FORM], Viewer.operator()
    with site.session(read_only=True) as session:
        master = site.master(session)
    start = time.perf_counter()
    for content in contents:
        inspect(content)
    seconds["guard"] = time.perf_counter() - start
    start = time.perf_counter()
    forms = [read(content, site.definitions) for content in contents]
    seconds["read"] = time.perf_counter() - start - seconds["guard"]  # the reader calls the guard itself
    start = time.perf_counter()
    reports = [check(definition, form, master=master, now=site.now(), roles=sender.roles) for form in forms]
    seconds["check"] = time.perf_counter() - start
    assert all(report.accepted for report in reports)

    checking = 0.0
    sound = decision.check

    def timed(*arguments: Any, **keywords: Any) -> Any:
        nonlocal checking
        begin = time.perf_counter()
        report = sound(*arguments, **keywords)
        checking += time.perf_counter() - begin
        return report

    decision.check = timed
    try:
        start = time.perf_counter()
        for first in range(0, len(contents), receive.GROUP):
            chunk = contents[first : first + receive.GROUP]
            digests = site.originals.keep_many(chunk)
            group = [
                receive._Item(receive._arrival(digest, len(content), "", "cli", sender, "workbook"), form)
                for digest, content, form in zip(digests, chunk, forms[first:], strict=False)
            ]
            receipts = receive._settle_group(site, group)
            assert all(receipt.outcome == "recorded" for receipt in receipts)
        seconds["store"] = time.perf_counter() - start - checking
    finally:
        decision.check = sound
    return seconds


def through_the_door(contents: list[bytes], site: Site) -> float:
    """Seconds of the real `receive_many`, reading in two warm child processes."""
    site.sandbox.read(contents[0])  # the children are warm in a running server
    files = [(f"{index}.xlsx", content) for index, content in enumerate(contents)]
    start = time.perf_counter()
    receipts = list(receive.receive_many(site, files, channel="cli", sender=Viewer.operator()))
    seconds = time.perf_counter() - start
    assert all(receipt.outcome == "recorded" for receipt in receipts)
    return seconds


def measure(count: int, rounds: int) -> dict[str, Any]:
    """Milliseconds per file of every contender and stage."""
    definition, master = library()[FORM], demo_master()
    contents = filled_workbooks(definition, master, count)
    where, rules = addresses(definition, contents[0]), checks(definition, master)
    found: dict[str, list[float]] = {}

    def note(name: str, seconds: float) -> None:
        found.setdefault(name, []).append(seconds * 1000 / count)

    for _ in _progress(rounds):
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder)
            note("floor", _timed(lambda: floor(contents)))
            now = datetime.now()  # noqa: DTZ005  (the script's own idea of now)
            for stage, seconds in script(contents, where, rules, home, now).items():
                note(f"script {stage}", seconds)
            with closing(open_site(home / "single", master)) as site:
                for stage, seconds in stages(contents, site).items():
                    note(stage, seconds)
            with closing(open_site(home / "door", master)) as site:
                note("sandbox whole", through_the_door(contents, site))
    return {name: statistics.median(times) for name, times in found.items()} | {
        "files": count,
        "rounds": rounds,
        "bytes": sum(map(len, contents)) // count,
    }


def report(figures: Mapping[str, float]) -> list[dict[str, Any]]:
    """The promised ratios: name, value, limit and whether it is kept."""
    ours = figures["guard"] + figures["read"] + figures["check"]
    theirs = figures["script read"] + figures["script check"]
    whole = theirs + figures["script store"]
    promises = [
        ("guard + read + check, times faster than the script's", theirs / ours, READ_AND_CHECK_RATIO, True),
        ("guard + read + check, times the floor", ours / figures["floor"], FLOOR_RATIO, False),
        ("whole intake, single process, times faster", whole / (ours + figures["store"]), WHOLE_RATIO, True),
        ("whole intake, two child processes, times faster", whole / figures["sandbox whole"], WHOLE_RATIO, True),
    ]
    return [
        {"figure": name, "value": round(value, 2), "limit": limit, "kept": value >= limit if least else value <= limit}
        for name, value, limit, least in promises
    ]


def show(figures: Mapping[str, float], promises: list[dict[str, Any]]) -> None:
    console = Console()
    files = f"{figures['files']} fracas workbooks of {figures['bytes'] // 1000} kB"
    title = f"{files}, ms per file, median of {figures['rounds']} rounds"
    table = Table("stage", "floor", "usual script", "Aftersheet", title=title)
    blank = ""
    table.add_row("guard", blank, blank, f"{figures['guard']:.2f}")
    table.add_row("read", f"{figures['floor']:.2f}", f"{figures['script read']:.2f}", f"{figures['read']:.2f}")
    table.add_row("check", blank, f"{figures['script check']:.2f}", f"{figures['check']:.2f}")
    table.add_row("store", blank, f"{figures['script store']:.2f}", f"{figures['store']:.2f}")
    single = sum(figures[stage] for stage in ("guard", "read", "check", "store"))
    whole = sum(figures[f"script {stage}"] for stage in ("read", "check", "store"))
    table.add_row("whole, single process", f"{figures['floor']:.2f}", f"{whole:.2f}", f"{single:.2f}")
    table.add_row("whole, two child processes", blank, blank, f"{figures['sandbox whole']:.2f}")
    console.print(table)
    console.print(
        "The script opens each file once with openpyxl in its fast mode (read_only) and commits per file; Aftersheet "
        "also keeps the original bytes, fsynced, with revisions and an audit chain."
    )
    for promise in promises:
        verdict = "[green]kept[/green]" if promise["kept"] else "[red]missed[/red]"
        console.print(f"{promise['figure']}: {promise['value']} (promised {promise['limit']}) {verdict}")


def _timed(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def _progress(rounds: int) -> Iterator[int]:
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", file=sys.stderr)
        yield number


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    figures = measure(options.files, options.rounds)
    promises = report(figures)
    show(figures, promises)
    if options.json:
        options.json.write_text(json.dumps({"figures": figures, "promises": promises}, indent=2) + "\n")
    return 0 if all(promise["kept"] for promise in promises) else 1


if __name__ == "__main__":
    sys.exit(main())
