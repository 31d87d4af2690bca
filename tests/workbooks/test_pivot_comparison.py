"""What a pivot table shows is worked out again from its present layout, wherever its fields were moved."""

from dataclasses import replace

import pytest

from workbooks.dataset import Column
from workbooks.form import Text
from workbooks.reporting.pivot_comparison import compare_pivot
from workbooks.reporting.shown_figures import ShownPivot

COLUMNS = (
    Column("part", Text("部件", "Part"), "text"),
    Column("month", Text("月", "Month"), "text"),
    Column("cases", Text("故障数", "Cases"), "integer"),
)
DATA = (("门", "门", "泵", None), ("2026-01", "2026-02", "2026-01", "2026-02"), (1, 2, 4, 8))
BY_PART = ShownPivot(
    name="PV", sheet="S", top=3, left=1, rows=("部件",), columns=("月",), values=(("故障数", "sum"),), chosen=(),
    excluded=(), header_rows=2, label_columns=1, total_row=True, total_column=True,
    cells=(
        ("合计", "月", None, None),
        ("部件", "2026-01", "2026-02", "总计"),
        ("泵", 4.0, None, 4.0),
        ("门", 1.0, 2.0, 3.0),
        ("(空白)", None, 8.0, 8.0),
        ("Total Result", 5.0, 10.0, 15.0),
    ),
)  # fmt: skip
MOVED = replace(
    BY_PART, rows=("月", "部件"), columns=(), header_rows=1, label_columns=2,
    cells=(
        ("月", "部件", "合计"),
        ("2026-01", None, 5.0),
        (None, "门", 1.0),
        (None, "泵", 4.0),
        ("2026-02", None, 10.0),
        (None, "门", 2.0),
        (None, "(blank)", 8.0),
        ("总计", None, 15.0),
    ),
)  # fmt: skip
FILTERED = replace(
    BY_PART, columns=(), chosen=(("月", "2026-02"),), excluded=(("部件", (None,)),), header_rows=1,
    cells=(("部件", "合计"), ("门", 2.0), ("总计", 2.0)),
)  # fmt: skip


@pytest.mark.parametrize("pivot", [BY_PART, MOVED, FILTERED])
def test_every_layout_that_can_be_worked_out_is_equal_or_named(pivot: ShownPivot) -> None:
    """One wrong figure is one difference, with its cell; a line left out is another."""
    right = compare_pivot(pivot, COLUMNS, DATA, "zh")
    *rest, (*labels, _) = pivot.cells
    wrong = compare_pivot(replace(pivot, cells=(*rest, (*labels, 99.0))), COLUMNS, DATA, "zh")
    short = compare_pivot(replace(pivot, cells=(*rest[:-1], pivot.cells[-1])), COLUMNS, DATA, "zh")

    assert (right.differences, right.unverified) == ((), ())
    (one,) = wrong.differences
    assert (one.cell, one.in_workbook) == (f"{'ABCD'[len(labels)]}{pivot.top + len(pivot.cells) - 1}", 99.0)
    assert [d.kind for d in short.differences] == ["missing"]


def test_what_cannot_be_worked_out_never_passes() -> None:
    """An odd layout, and a field that the data set does not have."""
    for odd in (replace(BY_PART, odd="compact form"), replace(BY_PART, rows=("我的列",))):
        found = compare_pivot(odd, COLUMNS, DATA, "zh")
        assert (found.figures, len(found.unverified)) == (0, 1)
