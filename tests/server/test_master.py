"""Master data: imported with every mistake named, exported unchanged, retired and never deleted."""

from io import BytesIO

import openpyxl
import pytest

from server.access.visibility import Viewer
from server.intake.receive import Outcome, record_workbook
from server.records.master import TableCounts, export_master, load_master
from server.records.store import record
from server.site import Site
from tests.server.visits import fill_in
from workbooks.form import Language
from workbooks.master import MEASURED, TABLES
from workbooks.master_workbook import read_master, read_tables
from workbooks.refusal import Refused


def _export(site: Site, language: Language = "zh") -> bytes:
    with site.session(read_only=True) as session:
        return export_master(session, language)


def _edited(content: bytes, edit) -> bytes:
    """The master workbook after a person changed it in *edit*."""
    book = openpyxl.load_workbook(BytesIO(content))
    edit(book)
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def _without_the_first_customer(book) -> None:
    book["客户"].delete_rows(2)
    book["列车"].delete_rows(2)  # it is that customer's


@pytest.mark.parametrize("language", ["zh", "en"])
def test_export_taken_back_changes_nothing(site: Site, ada: Viewer, language: Language):
    """In either language, and after another program has saved it."""
    content = _export(site, language)

    for again in (content, _edited(content, lambda book: None)):
        result = site.import_master(again, by=ada)
        assert result.findings == ()
        assert set(result.report) == {*TABLES, *MEASURED}
        assert all((c.new, c.changed, c.retired) == (0, 0, 0) for c in result.report.values())
    assert result.report["stations"] == TableCounts(unchanged=3)


def test_import_reports_new_changed_and_retired_rows(site: Site, ada: Viewer):
    """Counts per table; the cache notices; the copy for the offline check is the new state."""

    def edit(book) -> None:
        stations = book["服务站"]
        stations["B2"] = "常州服务站"
        stations.append(["WX", "无锡站", "Wuxi", "华东", "East"])
        book["人员"].delete_rows(2)

    with site.session(read_only=True) as session:
        before = site.master(session)
    result = site.import_master(_edited(_export(site), edit), by=ada)

    assert result.report["stations"] == TableCounts(new=1, changed=1, unchanged=2)
    assert result.report["people"] == TableCounts(retired=1)
    with site.session(read_only=True) as session:
        after = site.master(session)
        everybody = site.master(session, retired=True)
    assert after is not before
    assert [row.label_zh for row in after.rows("stations")] == ["常州服务站", "南京站", "成都站", "无锡站"]
    assert after.rows("people") == ()
    assert [row.label_zh for row in everybody.rows("people")] == ["张伟"]
    copy = read_master((site.settings.home / "master.xlsx").read_bytes())
    assert copy.rows("stations") == after.rows("stations")


def test_every_mistake_is_named_with_its_cell(site: Site, ada: Viewer):
    """All of them in one go, and nothing is changed by a workbook with mistakes."""

    def edit(book) -> None:
        book["服务站"].append(["CZ", "又一个常州", ""])  # row 5
        book["服务站"].append(["", "没有编码", ""])  # row 6
        book["服务站"].append(["XX", "", ""])  # row 7
        book["产品结构"]["D3"] = 3  # P11 hangs below a system
        book["产品结构"]["E4"] = "NONE"
        book["列车"]["H2"] = "去年"
        book["列车"]["E2"] = "C9"

    result = site.import_master(_edited(_export(site), edit), by=ada)

    places = {(finding.sheet, finding.cell) for finding in result.findings}
    assert places == {
        ("服务站", "A5"),
        ("服务站", "A6"),
        ("服务站", "B7"),
        ("产品结构", "D3"),
        ("产品结构", "E4"),
        ("列车", "H2"),
        ("列车", "E2"),
    }
    assert all(text for f in result.findings for text in (f.what.zh, f.what.en, f.fix.zh, f.fix.en))
    with site.session(read_only=True) as session:
        assert len(site.master(session, retired=True).rows("stations")) == 3


def test_missing_column_and_foreign_workbook_are_named():
    """A sheet without codes, and a workbook without any of our sheets."""
    book = openpyxl.Workbook()
    book.active.title = "Stations"
    book.active.append(["Name (Chinese)"])
    out = BytesIO()
    book.save(out)
    other = BytesIO()
    openpyxl.Workbook().save(other)

    assert ["编码" in finding.what.zh for finding in read_tables(out.getvalue()).findings] == [True]
    assert len(read_tables(other.getvalue()).findings) == 1
    with pytest.raises(Refused):
        read_tables(b"no workbook")


def test_table_without_a_sheet_stays_as_it_is(site: Site, ada: Viewer):
    """Sending only the stations does not retire all customers."""

    def edit(book) -> None:
        for name in book.sheetnames[1:]:
            del book[name]

    result = site.import_master(_edited(_export(site), edit), by=ada)

    assert set(result.report) == {"stations"}
    with site.session(read_only=True) as session:
        assert len(site.master(session).rows("customers")) == 2


def test_old_record_outlives_a_retired_row(site: Site, ada: Viewer, alice: Viewer, bob: Viewer):
    """The retired customer cannot be chosen any more, but its record can be revised, shown and downloaded."""
    first = fill_in(site, alice)
    number = first.record_number or ""
    site.import_master(_edited(_export(site), _without_the_first_customer), by=ada)

    new = fill_in(site, alice, {"visited_on": "2026-03-03"}, instance_id="instance-2")
    revised = fill_in(site, bob, {"verdict": "好"}, number=number, revision=1)

    assert new.outcome is Outcome.REJECTED
    assert [finding.slug for finding in new.findings if finding.field == "customer"] == ["not-a-choice"]
    assert revised.outcome is Outcome.REVISED
    with site.session(read_only=True) as session:
        assert record(session, alice, number, definitions=site.definitions).values["customer"] == "C1"
    assert record_workbook(site, number, viewer=alice, language="zh").startswith(b"PK")


def test_returning_row_is_in_force_again(site: Site, ada: Viewer):
    """Retired by mistake, imported again: a changed row, not a second one."""
    content = _export(site)
    site.import_master(_edited(content, _without_the_first_customer), by=ada)

    result = site.import_master(content, by=ada)

    assert result.report["customers"] == TableCounts(changed=1, unchanged=1)


_READINGS = (("T0101", "2026-01-31", 125000, 1200), ("T0101", "2026-02-28", "13.5万km", None))


def _measured(site: Site, *readings: tuple[object, ...], title: str = "里程与运行小时") -> bytes:
    """The exported workbook with nothing left but these rows of one sheet."""

    def edit(book) -> None:
        for name in book.sheetnames:
            if name != title:
                del book[name]
        for reading in readings:
            book[title].append(reading)

    return _edited(_export(site), edit)


def _of(site: Site, table: str) -> dict[str, tuple[str, ...]]:
    with site.session(read_only=True) as session:
        return {row.code: tuple(row.attributes.values()) for row in load_master(session, measured=True).rows(table)}


def test_month_of_readings_does_not_retire_the_years_before(site: Site, ada: Viewer):
    """Monthly returns are added; the same train and day again is a correction, an empty one a withdrawal."""
    first = site.import_master(_measured(site, *_READINGS), by=ada)
    later = _edited(_measured(site), lambda book: book["里程与运行小时"].delete_rows(2, 9))

    def next_month(book) -> None:
        sheet = book["里程与运行小时"]
        sheet.append(["T0101", "2026-01-31", None, None])
        sheet.append(["T0101", "2026-02-28", 136_000, 1300.5])
        sheet.append(["T0101", "2026-03-31", 140_000, None])
        sheet.append(["T0101", "2026-04-30", None, None])

    second = site.import_master(_edited(later, next_month), by=ada)

    assert first.findings == second.findings == ()
    assert first.report == {"exposures": TableCounts(new=2)}
    assert second.report == {"exposures": TableCounts(new=1, changed=1, retired=1)}
    assert _of(site, "exposures") == {
        "T0101|2026-02-28": ("T0101", "2026-02-28", "136000", "1300.5"),
        "T0101|2026-03-31": ("T0101", "2026-03-31", "140000", ""),
    }


def test_forms_do_not_carry_readings(site: Site, ada: Viewer):
    """Neither the lists of the forms nor the copy for the offline check hold them; the export does."""
    site.import_master(_measured(site, *_READINGS), by=ada)

    with site.session(read_only=True) as session:
        assert site.master(session).rows("exposures") == ()
    assert "里程与运行小时" not in openpyxl.load_workbook(site.settings.home / "master.xlsx").sheetnames
    assert len(read_master(_export(site)).rows("exposures")) == 2
    again = site.import_master(_export(site, "en"), by=ada)
    assert again.report["exposures"] == TableCounts(unchanged=2)


def test_mistakes_in_readings_are_named_with_their_cells(site: Site, ada: Viewer):
    """Also a train that is in no sheet, because only the readings were sent."""
    result = site.import_master(
        _measured(
            site,
            ("T9999", "2026-01-31", 10, None),  # row 2
            ("T0101", "昨天", 10, None),
            ("T0101", "2026-01-31", -5, "很多"),
            ("T0101", "2026-01-31", 5, None),
            (None, "2026-02-28", 5, None),
        ),
        by=ada,
    )

    assert {finding.cell for finding in result.findings} == {"A2", "B3", "C4", "D4", "A5", "A6"}
    assert all(text for f in result.findings for text in (f.what.zh, f.what.en, f.fix.zh, f.fix.en))
    assert _of(site, "exposures") == {}


def test_parts_per_train_are_whole_and_of_a_type_there_is(site: Site, ada: Viewer):
    """The list is the whole list: a row that is gone is retired."""
    title = "装车数量"
    wrong = site.import_master(_measured(site, ("A型车", "P111", 2.5, None), title=title), by=ada)
    right = site.import_master(
        _measured(site, ("B型车", "P111", 6, None), ("B型车", "P111", 8, "2026-01-01"), title=title), by=ada
    )
    gone = site.import_master(
        _edited(_measured(site, title=title), lambda book: book[title].delete_rows(3)),
        by=ada,
    )

    assert {finding.cell for finding in wrong.findings} == {"C2"}  # the type is looked up once the cells are right
    assert right.report == {"fitted_parts": TableCounts(new=2)}
    assert gone.report == {"fitted_parts": TableCounts(unchanged=1, retired=1)}
    unknown = site.import_master(_measured(site, ("A型车", "P111", 2, None), title=title), by=ada)
    assert [finding.cell for finding in unknown.findings] == ["A3"]


def test_reading_of_a_retired_train_stays_right(site: Site, ada: Viewer):
    """The train has run its kilometres, and an export with it is taken back."""
    site.import_master(_measured(site, *_READINGS), by=ada)
    site.import_master(_edited(_export(site), lambda book: book["列车"].delete_rows(2)), by=ada)

    result = site.import_master(_export(site), by=ada)

    assert result.findings == ()
    assert len(_of(site, "exposures")) == 2
