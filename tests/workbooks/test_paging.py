"""How rows fill printed pages: whole sections, no heading left behind, pages filled to the end."""

import pytest

from workbooks.sheet.measure import text_lines, text_px
from workbooks.sheet.paging import PAGE_POINTS, Row, paged

PAGE = PAGE_POINTS[False]
HEAD = [Row(40.0), Row(20.0)]


def section(rows: int, points: float = 24.0) -> list[Row]:
    return [Row(22.0, begins=True, sticky=True), *(Row(points, elastic=True) for _ in range(rows))]


def pages(rows: list[Row]) -> list[float]:
    """The height of every page, the repeated title block included."""
    heights, starts = paged(rows, False, len(HEAD))
    ends = [*starts[1:], len(rows)]
    head = sum(heights[: len(HEAD)])
    return [sum(heights[start:end]) + (head if start else 0) for start, end in zip(starts, ends, strict=True)]


def test_a_short_form_grows_but_keeps_its_proportions() -> None:
    """A form of a few rows is one page, its rows stretched by no more than 30 %."""
    rows = [*HEAD, *section(6)]
    heights, starts = paged(rows, False, len(HEAD))

    assert starts == (0,)
    assert heights[3] == pytest.approx(24 * 1.3, abs=0.75)
    assert heights[:2] == (39.75, 19.5)


def test_a_slightly_long_form_is_squeezed_onto_one_page() -> None:
    """What shrinking the rows by less than a fifth saves is not worth a second page."""
    (height,) = pages([*HEAD, *section(33)])

    assert PAGE - 40 < height <= PAGE


def test_pages_end_with_sections() -> None:
    """The second page begins with a section, and the first one is filled, so that nothing slips up into a gap."""
    rows = [*HEAD, *section(12), *section(11), *section(12)]
    _, starts = paged(rows, False, len(HEAD))
    heights = pages(rows)

    assert rows[starts[1]].begins
    assert PAGE - 2 < heights[0] <= PAGE
    assert heights[1] <= PAGE


def test_a_section_longer_than_a_page_breaks_between_rows_not_after_a_heading() -> None:
    """A long section is torn apart only where the row before is no heading."""
    table = [Row(22.0, sticky=True), *(Row(24.0, elastic=True) for _ in range(40))]
    rows = [*HEAD, *section(18), *table]
    _, starts = paged(rows, False, len(HEAD))

    assert len(starts) > 1
    assert all(not rows[start - 1].sticky for start in starts[1:])


def test_rows_never_shrink_below_their_text() -> None:
    """A row that its label needs keeps that height however tight the page is."""
    rows = [*HEAD, Row(22.0, begins=True), *(Row(24.0, least=24.0, elastic=True) for _ in range(29))]
    heights, _ = paged(rows, False, len(HEAD))

    assert min(heights[3:]) >= 23.25


def test_text_is_measured_by_its_characters() -> None:
    """A Chinese character is as wide as the font is high, a Latin one about half; long text wraps, words stay whole."""
    assert text_px("服务站", 9) == pytest.approx(36)
    assert text_px("abc", 9) < text_px("服务站", 9)
    assert text_lines("服务站", 100, 9) == 1
    assert text_lines("服" * 20, 100, 9) == 3
    assert text_lines("one two three", 50, 9) == 3
    assert text_lines("a\nb", 100, 9) == 2
