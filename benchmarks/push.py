"""
What a push of 100,000 rows × 20 columns costs, beside what people use today, and what one of 1,000,000 needs.

    python benchmarks/push.py [--rows 100000] [--rounds 3] [--many 1000000] [--json FILE]

Each contender runs in a process of its own, the rounds interleaved; the best time of each
counts, since whatever else the machine does only adds to it. Memory is the highest resident
size the process ever had, dataset and workbook included. The large push goes from file to
file, its rows made while they are written, into a workbook that holds as many; `--many 0`
leaves it out. Ends with status 1 when a figure that Aftersheet promises is missed.
"""

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from workbooks.dataset import Column, Dataset
from workbooks.form import Text

COLUMNS = 20
PROMISED_RATIO = 15
PROMISED_SECONDS = 1.5
PROMISED_MEGABYTES = 300
PROMISED_MEGABYTES_OF_MANY = 400  # whatever the number of rows
CHUNK = 10_000
KINDS = ["text"] * 4 + ["date"] + ["boolean"] + ["integer"] * 4 + ["decimal"] * 10


def dataset(rows: int, seed: int) -> Dataset:
    """Rows as a report has them: repeated names, one text of its own per row, dates, flags and figures."""
    draw = random.Random(seed)
    day = date(2024, 1, 1)
    makers = {
        "date": lambda: [day + timedelta(draw.randrange(1000)) for _ in range(rows)],
        "boolean": lambda: [draw.random() < 0.4 for _ in range(rows)],
        "integer": lambda: [draw.randrange(100_000) for _ in range(rows)],
        "decimal": lambda: [draw.random() * 1000 for _ in range(rows)],
    }
    texts = [
        [f"FR-2026-{n:06d}" for n in range(rows)],
        *(
            [f"{name}{draw.randrange(40):02d}" for _ in range(rows)]
            for name in ("站点", "故障模式", "Customer & Sons ")
        ),
    ]
    data = [texts[place] if kind == "text" else makers[kind]() for place, kind in enumerate(KINDS)]
    columns = [Column(f"column_{n}", Text(f"列{n}", f"Column {n}"), kind) for n, kind in enumerate(KINDS)]
    words = Text("性能测量", "Measured push")
    return Dataset(
        name="measured", title=words, columns=tuple(columns), data=tuple(data), as_of=datetime(2026, 11, 1),  # noqa: DTZ001 (site-local)
        definition=words,
    )  # fmt: skip


class Streamed:
    """Rows like those of `dataset`, made a chunk at a time."""

    def __init__(self, rows: int, seed: int) -> None:
        first = dataset(1, seed)
        self.name, self.title, self.columns = first.name, first.title, first.columns
        self._rows, self._seed = rows, seed

    def __len__(self) -> int:
        return self._rows

    def chunks(self) -> Iterator[tuple[Sequence[Any], ...]]:
        for start in range(0, self._rows, CHUNK):
            yield dataset(min(CHUNK, self._rows - start), self._seed + start).data


def written_anew(rows: Dataset, *, constant_memory: bool) -> bytes:
    """The workbook as XlsxWriter writes it: one sheet, one table."""
    import xlsxwriter

    out = BytesIO()
    book = xlsxwriter.Workbook(out, {"constant_memory": constant_memory, "in_memory": not constant_memory})
    sheet = book.add_worksheet("数据")
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    if not constant_memory:
        headers = [{"header": c.label.zh} for c in rows.columns]
        sheet.add_table(0, 0, len(rows), COLUMNS - 1, {"name": "T_measured", "columns": headers})
    sheet.write_row(0, 0, [c.label.zh for c in rows.columns])
    for number, row in enumerate(rows.rows(), start=1):
        for place, value in enumerate(row):
            if isinstance(value, date):
                sheet.write_datetime(number, place, value, day)
            else:
                sheet.write(number, place, value)
    book.close()
    return out.getvalue()


def run_aftersheet(workbook: bytes, rows: Dataset) -> bytes:
    from workbooks.push import push

    return push(workbook, rows).content


def run_openpyxl(workbook: bytes, rows: Dataset) -> bytes:
    import openpyxl

    book = openpyxl.load_workbook(BytesIO(workbook))
    sheet = book["数据"]
    for number, row in enumerate(rows.rows(), start=2):
        for place, value in enumerate(row, start=1):
            sheet.cell(number, place).value = value
    sheet.tables["T_measured"].ref = f"A1:T{len(rows) + 1}"
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def run_xlsxwriter(_: bytes, rows: Dataset) -> bytes:
    return written_anew(rows, constant_memory=False)


def run_xlsxwriter_constant(_: bytes, rows: Dataset) -> bytes:
    return written_anew(rows, constant_memory=True)


def run_floor(workbook: bytes, _: Dataset) -> bytes:
    from isal import isal_zlib

    from workbooks.package import Package

    content = Package(workbook).read("xl/worksheets/sheet1.xml")
    packed: bytes = isal_zlib.compress(content, 1, wbits=-15)
    return packed


CONTENDERS: dict[str, tuple[str, Callable[[bytes, Dataset], bytes]]] = {
    "aftersheet": ("Aftersheet push", run_aftersheet),
    "openpyxl": ("openpyxl: load, replace the rows, save", run_openpyxl),
    "xlsxwriter": ("XlsxWriter: write the workbook anew", run_xlsxwriter),
    "xlsxwriter_constant": ("XlsxWriter, constant_memory: write anew", run_xlsxwriter_constant),
    "floor": ("floor: inflate the old sheet, deflate it again", run_floor),
}


def measure(contender: str, workbook: Path, rows: int) -> dict[str, float]:
    """Run *contender* here and now; seconds and peak megabytes."""
    content, new = workbook.read_bytes(), dataset(rows, seed=2)
    run = CONTENDERS[contender][1]
    run(written_anew(dataset(1, seed=1), constant_memory=False), dataset(1, seed=1))  # imports what it needs
    started = time.perf_counter()
    result = run(content, new)
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "megabytes": peak_megabytes(), "size": len(result) / 1e6}


def measure_many(rows: int) -> dict[str, float]:
    """Push *rows* rows from file to file here and now; seconds and peak megabytes."""
    from workbooks.push import push_file

    with tempfile.TemporaryDirectory() as folder:
        small, old, new = (Path(folder) / name for name in ("small.xlsx", "old.xlsx", "new.xlsx"))
        small.write_bytes(written_anew(dataset(1, seed=1), constant_memory=False))
        push_file(small, Streamed(rows, seed=1), old)
        started = time.perf_counter()
        push_file(old, Streamed(rows, seed=2), new)
        seconds = time.perf_counter() - started
        return {"seconds": seconds, "megabytes": peak_megabytes(), "size": new.stat().st_size / 1e6}


def peak_megabytes() -> float:
    """The highest resident size of this process so far."""
    status = Path("/proc/self/status")
    if status.exists():  # unlike ru_maxrss it does not begin with the size of the parent
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 1024)


def rounds(count: int, rows: int) -> dict[str, dict[str, float]]:
    """The best of *count* rounds, each contender in a fresh process."""
    taken: dict[str, list[dict[str, float]]] = {name: [] for name in CONTENDERS}
    with tempfile.TemporaryDirectory() as folder:
        workbook = Path(folder) / "old.xlsx"
        workbook.write_bytes(written_anew(dataset(rows, seed=1), constant_memory=False))
        for _ in range(count):
            for name in CONTENDERS:
                command = [sys.executable, __file__, "--measure", name, str(workbook), "--rows", str(rows)]
                answer = subprocess.run(command, check=True, capture_output=True, text=True)
                taken[name].append(json.loads(answer.stdout))
    return {
        name: {
            "seconds": min(run["seconds"] for run in runs),
            "megabytes": max(run["megabytes"] for run in runs),
            "size": runs[0]["size"],
        }
        for name, runs in taken.items()
    }


def many(rows: int) -> dict[str, float]:
    """`measure_many` in a fresh process."""
    command = [sys.executable, __file__, "--measure-many", "--many", str(rows)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(answer.stdout)
    return found


def missed(figures: dict[str, dict[str, float]], rows: int, large: dict[str, float] | None) -> list[str]:
    """The promised figures that were not reached, in words."""
    own = figures["aftersheet"]
    found = [
        f"only {figures[name]['seconds'] / own['seconds']:.1f}× faster than "
        f"{CONTENDERS[name][0]}, promised {PROMISED_RATIO}×"
        for name in ("openpyxl", "xlsxwriter", "xlsxwriter_constant")
        if figures[name]["seconds"] < PROMISED_RATIO * own["seconds"]
    ]
    if rows <= 100_000 and own["seconds"] > PROMISED_SECONDS:
        found.append(f"{own['seconds']:.2f} s, promised at most {PROMISED_SECONDS} s")
    if own["megabytes"] > PROMISED_MEGABYTES:
        found.append(f"peak memory {own['megabytes']:.0f} MB, promised at most {PROMISED_MEGABYTES} MB")
    if large and large["megabytes"] > PROMISED_MEGABYTES_OF_MANY:
        found.append(
            f"peak memory of the large push {large['megabytes']:.0f} MB, "
            f"promised at most {PROMISED_MEGABYTES_OF_MANY} MB"
        )
    return found


def show(figures: dict[str, dict[str, float]], rows: int) -> None:
    table = Table(title=f"Push of {rows:,} rows × {COLUMNS} columns into a workbook that holds as many")
    table.add_column("what")
    for heading in ("seconds", "Aftersheet is faster by", "peak MB", "file MB"):
        table.add_column(heading, justify="right")
    own = figures["aftersheet"]["seconds"]
    for name, figure in figures.items():
        ratio = "" if name == "aftersheet" else f"{figure['seconds'] / own:.1f}×"
        table.add_row(
            CONTENDERS[name][0],
            f"{figure['seconds']:.2f}",
            ratio,
            f"{figure['megabytes']:.0f}",
            f"{figure['size']:.1f}",
        )
    Console(width=110).print(table)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--many", type=int, default=1_000_000)
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--measure", nargs=2, metavar=("CONTENDER", "WORKBOOK"), help=argparse.SUPPRESS)
    parser.add_argument("--measure-many", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure_many:
        print(json.dumps(measure_many(options.many)))
        return 0
    if options.measure:
        print(json.dumps(measure(options.measure[0], Path(options.measure[1]), options.rows)))
        return 0
    figures = rounds(options.rounds, options.rows)
    show(figures, options.rows)
    large = many(options.many) if options.many else None
    if large:
        print(
            f"{options.many:,} rows × {COLUMNS} from file to file: {large['seconds']:.1f} s, making them included, "
            f"peak {large['megabytes']:.0f} MB, file {large['size']:.0f} MB"
        )
    failures = missed(figures, options.rows, large)
    for failure in failures:
        print(f"missed: {failure}")
    if options.json:
        options.json.write_text(
            json.dumps({"rows": options.rows, "figures": figures, "many": large, "missed": failures}, indent=2)
        )
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
