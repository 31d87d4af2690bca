"""Charts drawn on the server."""

import re
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from markupsafe import Markup

from server.web.charts import Bar, Column, bars, both, columns, pareto
from server.web.svg import element, fit, number, text_width, ticks, wrap

words = st.text(st.characters(categories=["L", "N", "Zs", "P"]), min_size=1, max_size=40)


def _shapes(drawing: Markup, kind: str) -> list[dict[str, str]]:
    """The attributes of all elements of this class."""
    tree = etree.fromstring(str(drawing))
    return [dict(found.attrib) for found in tree.iter() if kind in found.get("class", "").split()]


def _column(value: float, **keywords: object) -> Column:
    return Column(label="5月", value=value, title=f"2026-05: {value}", **keywords)  # type: ignore[arg-type]


def test_columns_are_as_high_as_their_values():
    """Twice the failures, twice the height; none, no height."""
    heights = [
        float(shape["height"]) for shape in _shapes(columns([_column(10), _column(20), _column(0)], "x"), "column")
    ]

    assert heights[1] == pytest.approx(2 * heights[0], abs=0.2)
    assert heights[2] == 0


def test_only_months_outside_their_limits_are_coloured():
    """And the running one is hatched."""
    drawing = columns([_column(30), _column(60, tone="high"), _column(5, tone="low"), _column(9, partial=True)], "x")
    shapes = _shapes(drawing, "column")

    assert [shape["class"] for shape in shapes] == ["column", "column high", "column low", "column partial"]
    assert [shape.get("fill") for shape in shapes] == [None, None, None, "url(#hatch-wide)"]


def test_the_mean_line_begins_where_there_is_a_mean():
    """A year after the first month."""
    line = _shapes(columns([_column(1), _column(2, mean=1.5), _column(3, mean=2.0)], "x"), "mean")[0]

    assert len(line["points"].split()) == 2


def test_every_mark_has_its_tooltip():
    """What a pointer shows, and what is read out."""
    drawing = columns([_column(3)], "每月故障数")
    tree = etree.fromstring(str(drawing))

    assert tree.get("aria-label") == "每月故障数"
    assert [found.text for found in tree.iter("{*}title", "title")] == ["2026-05: 3"]


def test_the_cumulative_line_ends_at_what_is_shown_of_the_whole():
    """The last of ten modes need not reach 100 %."""
    drawing = pareto([("a", 60.0), ("b", 20.0)], "x", 100.0)
    points = [float(point.split(",")[1]) for point in _shapes(drawing, "share")[0]["points"].split()]
    limit = float(_shapes(drawing, "limit")[0]["y1"])

    assert points[0] > points[1] == pytest.approx(limit, abs=0.1)


def test_parts_of_a_bar_stand_side_by_side():
    """The longest bar fills the room, an empty part takes none."""
    rows = [Bar(label="分析", parts=(1, 0, 3), title="x"), Bar(label="验证", parts=(2, 0, 0), title="y")]
    drawing = bars(rows, "x", classes=("a1", "a2", "a3"))
    first, second = _shapes(drawing, "a1")
    third = _shapes(drawing, "a3")[0]

    assert float(third["x"]) == pytest.approx(float(first["x"]) + float(first["width"]), abs=0.2)
    assert float(second["width"]) == pytest.approx(2 * float(first["width"]), abs=0.2)
    assert _shapes(drawing, "a2") == []


def test_phones_get_a_drawing_of_their_own():
    """With the latest months only."""
    drawing = both(lambda narrow: columns([_column(n) for n in range(36)], "x", narrow=narrow))

    assert drawing.count("<svg") == 2
    assert drawing.count('class="column"') == 36 + 13


@pytest.mark.parametrize("draw", [lambda: columns([], "x"), lambda: pareto([], "x", 0), lambda: bars([], "x")])
def test_no_data_is_an_empty_drawing(draw):
    """Not a division by zero."""
    etree.fromstring(str(draw()))


@given(words)
def test_labels_are_only_text(label: str):
    """Whatever a master table holds, the drawing stays well-formed."""
    bad = label + "<script>&\"'"
    tree = etree.fromstring(str(bars([Bar(label=bad, parts=(1,), title=bad, note=bad)], bad)))

    assert [found for found in tree.iter() if "script" in str(found.tag)] == []


def test_attributes_are_escaped():
    """A label in quotes cannot end its attribute."""
    assert element("g", aria_label='"><b>', x=1.25) == '<g aria-label="&#34;&gt;&lt;b&gt;" x="1.2"></g>'


@given(st.floats(min_value=0, max_value=1e7))
def test_ticks_are_round_and_reach_the_highest_value(highest: float):
    """Few of them, evenly spaced from zero."""
    steps = ticks(highest)

    assert steps[0] == 0
    assert steps[-1] >= highest or steps[-1] == pytest.approx(highest)
    assert 2 <= len(steps) <= 8
    widths = {round(b - a, 6) for a, b in pairwise(steps)}
    assert len(widths) == 1 or max(widths) == pytest.approx(min(widths))


@given(words, st.floats(min_value=20, max_value=300))
def test_texts_fit_their_room(label: str, room: float):
    """Cut with an ellipsis, or broken into lines."""
    assert text_width(fit(label, room)) <= room + 12
    assert len(wrap(label, room, 2)) <= 2


def test_chinese_breaks_between_characters_and_english_between_words():
    """As people would do it."""
    assert wrap("压力传感器漂移", 60, 3) == ["压力传感器", "漂移"]
    assert wrap("Pressure sensor drift", 90, 3) == ["Pressure", "sensor drift"]


def test_numbers_have_thousands_and_no_idle_zeros():
    """1,234.5, not 1234.50."""
    assert number(1234.5, 2) == "1,234.5"
    assert number(20, 2) == "20"
    assert re.fullmatch(r"[\d,]+", number(float(Decimal("1e6"))))
