"""A push reads and writes from file to file, a piece at a time, and gives what a push in memory gives."""

import math
import statistics
from dataclasses import replace

import pytest

from tests.workbooks.test_push import cases, refused, sheet_values, workbook
from workbooks.ooxml import deflation
from workbooks.package import Package
from workbooks.push import PushError, push, push_file


class Chunks:
    """A dataset that comes in pieces of odd sizes."""

    def __init__(self, dataset, *sizes, announced=None):
        self.name, self.title, self.columns = dataset.name, dataset.title, dataset.columns
        self._dataset, self._sizes, self._announced = dataset, sizes, announced

    def __len__(self):
        return len(self._dataset) if self._announced is None else self._announced

    def chunks(self):
        start = 0
        for size in self._sizes:
            yield tuple(values[start : start + size] for values in self._dataset.data)
            start += size


def notes(book, sheet, summary):
    for n in range(1, 1400, 97):
        sheet.write(n, 6, f"旁注{n}")


def test_files_and_pieces_give_the_same_bytes(tmp_path):
    """However the rows are cut; what stands beside a table of more rows than one piece holds stays."""
    old, new = tmp_path / "old.xlsx", tmp_path / "new.xlsx"
    plain = workbook(totals=True, extra=notes, rows=3)
    old.write_bytes(push(plain, cases(1500)).content)
    progress = []

    change = push_file(old, Chunks(cases(1203), 700, 0, 3, 500), new, progress=progress.append)

    assert new.read_bytes() == push(old.read_bytes(), cases(1203)).content
    assert (change.rows, change.rows_before, progress) == (1203, 1500, [700, 703, 1203])
    beside = [row[6] for row in sheet_values(new.read_bytes()) if row[6]]
    assert beside == [f"旁注{n}" for n in range(1, 1400, 97)]


def test_a_refused_push_leaves_no_file(tmp_path):
    """Neither a workbook that is none nor rows that do not fit."""
    old, new = tmp_path / "old.xlsx", tmp_path / "new.xlsx"
    for content in (b"PK no workbook", workbook(("甲", "乙", "丙", "丁"))):
        old.write_bytes(content)
        with pytest.raises(PushError):
            push_file(old, cases(3), new)
        assert not new.exists()


def test_a_source_that_brings_other_than_it_announced_is_a_bug(tmp_path):
    """The table would end in the wrong row."""
    with pytest.raises(RuntimeError, match="2 rows came, 3 were announced"):
        push(workbook(), Chunks(cases(2), 2, announced=3))


def test_a_long_text_is_found_in_whatever_piece_it_comes():
    """The row is counted over all pieces."""
    long = cases(1300)
    long.data[2][1204] = "长" * 40_000

    assert "第 1205 行的“站点”" in refused(workbook(), Chunks(long, 600, 700)).zh


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("sum", math.fsum), ("average", statistics.fmean), ("max", max), ("min", min),
        ("std_dev", statistics.stdev), ("var", statistics.variance), ("count_nums", len), ("count", len),
    ],
)  # fmt: skip
def test_totals_over_pieces_are_those_over_all(function, expected):
    """To the last digits that a sum of squares keeps."""
    costs = [1e6 + math.sin(n) for n in range(90)]
    data = cases(90)
    data = replace(data, data=(*data.data[:3], costs, *data.data[4:]))
    old = workbook(totals=True, options={3: {"header": "费用", "total_function": function, "total_value": -1}})

    content = push(old, Chunks(data, 1, 40, 49)).content

    written = Package(content).xml("xl/worksheets/sheet1.xml").findtext(".//{*}c[@r='D92']/{*}v")
    assert float(written) == pytest.approx(expected(costs), rel=1e-9)


def test_contents_that_are_not_what_the_directory_says_are_refused():
    """A damaged sheet is told, not half read."""
    content = workbook(rows=3)
    package = Package(content)
    sheet = package.read("xl/worksheets/sheet1.xml")
    packed = b"".join(deflation.Deflated.of(sheet).packed())

    for crc, size in ((0, len(sheet)), (deflation.Deflated.of(sheet).crc, len(sheet) - 1)):
        with pytest.raises(deflation.BROKEN):
            list(deflation.inflated(iter([packed]), crc, size))
    at = content.index(b"xl/worksheets/sheet1.xml") + 60
    assert ".xlsx" in refused(content[:at] + bytes(8) + content[at + 8 :], cases(2)).zh
