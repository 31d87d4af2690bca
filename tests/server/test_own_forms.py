"""A company's own form from its paper to its figures: proposed, checked, installed, filled in, received, counted."""

from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path

import pytest
from flask import Flask
from openpyxl import load_workbook

from server import forms
from server.access.visibility import Viewer
from server.app import create_app
from server.installing import install_form, remove_form
from server.intake.receive import receive, receive_values
from server.intake.sealed import blank_template, sealed_template
from server.intake.workbooks import marked_workbook, record_workbook
from server.records.audit import verify_audit
from server.records.listing import record
from server.settings import Settings
from server.site import Site
from server.statistics.datasets import load as load_dataset
from tests.libreoffice import Office, running_here
from tests.proposals import write_proposal
from tests.server.browsing import program, signed_in, visible_text
from tests.server.conftest import FORMS
from tests.server.mail.posts import genuine, post, reply_to, take
from tests.validity import lint, sdk, validator
from workbooks.filled import Values
from workbooks.form import defined_name
from workbooks.library import load
from workbooks.package import Package
from workbooks.reader import read

IDS = {
    "维修服务单": "repair_service_form",
    "客户投诉处理单": "customer_complaint_form",
    "设备点检表": "equipment_check_sheet",
    "备件申请单": "parts_request_form",
}
Typed = dict[str, str | list[str]]

# What is typed into the blank in LibreOffice, and what must be stored.
REPAIR: Typed = {
    "customer_name": "成都地铁运营有限公司", "phone": "028-87654321", "equipment_name": "牵引逆变器",
    "serial_no": "TI-0042", "reported_on": "2026-11-18", "arrived_at": "2026-11-18 14:30",
    "warranty": "☑保内 □保外",
    "mileage": "120350.5", "service_type": "☑维修 □保养 □安装 √培训 □其他：______",
    "symptom": "牵引封锁，IGBT 温度报警", "measures_taken": "更换驱动板",
    "replaced_parts.part_name": ["驱动板", "散热风扇"],
    "replaced_parts.quantity": ["1", "2"], "replaced_parts.unit_price": ["860", "120.5"],
    "customer_rating": "□非常满意 ☑满意 □不满意", "service_engineer": "王磊",
}  # fmt: skip
REPAIR_STORED: dict[str, object] = {
    "customer_name": "成都地铁运营有限公司", "phone": "028-87654321", "reported_on": date(2026, 11, 18),
    "arrived_at": datetime(2026, 11, 18, 14, 30), "warranty": "in_warranty", "mileage": Decimal("120350.5"),
    "service_type": ("repair", "training"), "customer_rating": "satisfied",
}  # fmt: skip
COMPLAINT: Typed = {
    "complained_on": "2026年11月3日", "customer_name": "长客", "complaint_grade": "严重", "complaint_channel": "微信",
    "field_1": "2动4拖", "affected_sets": "3", "complaint": "逆变柜异响", "solved": "√是   □否",
}  # fmt: skip
COMPLAINT_STORED: dict[str, object] = {
    "complained_on": date(2026, 11, 3), "complaint_grade": "serious", "complaint_channel": "wechat",
    "affected_sets": 3, "solved": "yes", "phone": None,
}  # fmt: skip
INSPECTION: Typed = {
    "equipment_name": "架车机", "equipment_no": "JCJ-3", "checked_on": "2026-11-20", "shift": "夜班",
    "items.check_result": ["☑正常 □异常", "☑正常 □异常", "□正常 ☑异常", "☑正常 □异常", "☑正常 □异常"],
    "items.remark": ["", "", "油位低"], "checked_by": "赵敏",
}  # fmt: skip
INSPECTION_STORED: dict[str, object] = {"checked_on": date(2026, 11, 20), "shift": "night_shift", "checked_by": "赵敏"}
REQUEST: Typed = {
    "requesting_department": "成都服务站", "requested_on": "2026/11/20", "urgency": "紧急",
    "items.material_code": ["007120", "007121"], "items.part_name": ["闸片", "电磁阀"],
    "items.quantity": ["40", "2"], "items.unit_price": ["35.5", "860"], "items.needed_on": ["2026-12-01", "2026-12-05"],
}  # fmt: skip
REQUEST_STORED: dict[str, object] = {"requested_on": date(2026, 11, 20), "urgency": "urgent", "purpose": None}
FILLED: dict[str, tuple[Typed, dict[str, object]]] = {
    "维修服务单": (REPAIR, REPAIR_STORED),
    "客户投诉处理单": (COMPLAINT, COMPLAINT_STORED),
    "设备点检表": (INSPECTION, INSPECTION_STORED),
    "备件申请单": (REQUEST, REQUEST_STORED),
}


@pytest.fixture(scope="module")
def office(require_program: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """One LibreOffice for these tests."""
    with running_here(require_program, tmp_path_factory.mktemp("office")) as started:
        yield started


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folder of each proposed form by the title of its paper."""
    home = tmp_path_factory.mktemp("proposed")
    found: dict[str, Path] = {}
    for name, form_id in IDS.items():
        found[name] = write_proposal(name, home)
        assert found[name].name == form_id
    return found


@pytest.fixture
def settings(request: pytest.FixtureRequest, sqlite_template: Path, tmp_path: Path) -> Settings:
    """One database is enough here: what differs between the two is tested with the other forms."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "aftersheet.db").write_bytes(sqlite_template.read_bytes())
    return Settings(home=home, secret_key="a secret key only for tests, long enough", workers=1)


@pytest.fixture
def site(settings: Settings) -> Iterator[Site]:
    """A site with its own reading processes: they learn of what is installed."""
    opened = Site.open(settings, definitions=FORMS)
    yield opened
    opened.close()


def install(site: Site, folder: Path) -> None:
    install_form(site, load(folder / "form.yaml"), forms.contents(folder), by=Viewer.operator())


def filled_in(office: Office, blank: bytes, typed: Typed, folder: Path) -> bytes:
    """*blank* with the answers typed in LibreOffice, saved by it."""
    path = folder / "blank.xlsx"
    path.write_bytes(blank)
    entries = [
        (defined_name(name), line, text)
        for name, given in typed.items()
        for line, text in enumerate(given if isinstance(given, list) else [given])
        if text
    ]
    office.fill(path, entries)
    office("save", folder / "filled.xlsx")
    return (folder / "filled.xlsx").read_bytes()


def values_of(site: Site, viewer: Viewer, number: str) -> Values:
    with site.session(read_only=True) as session:
        return record(session, viewer, number, definitions=site.definitions).values


@pytest.mark.parametrize("name", FILLED)
def test_a_paper_form_filled_in_libreoffice_is_stored_as_typed(
    site: Site, alice: Viewer, office: Office, folders: dict[str, Path], tmp_path: Path, name: str
):
    """From the company's sheet to the record: every answer with its type, the lines of its table, nothing more."""
    typed, stored = FILLED[name]
    install(site, folders[name])
    blank = blank_template(site, site.definitions[IDS[name]], viewer=alice, language="zh")

    receipt = receive(site, filled_in(office, blank, typed, tmp_path), filename="a.xlsx", channel="web", sender=alice)

    assert [finding.slug for finding in receipt.findings] == []
    assert receipt.outcome == "recorded"
    values = values_of(site, alice, receipt.record_number or "")
    assert {field: values[field] for field in stored} == stored
    for repeat in site.definitions[IDS[name]].repeats:
        columns = {path: given for path, given in typed.items() if path.startswith(f"{repeat.name}.")}
        assert len(values[repeat.name] or ()) == max(len(given) for given in columns.values())  # type: ignore[arg-type]


def test_lines_of_a_table_arrive_with_their_types(
    site: Site, alice: Viewer, office: Office, folders: dict[str, Path], tmp_path: Path
):
    """Codes keep their zeros, prices their digits, dates are dates; ticked boxes in a line are its choice."""
    install(site, folders["备件申请单"])
    install(site, folders["设备点检表"])
    numbers = []
    for name in ("备件申请单", "设备点检表"):
        blank = blank_template(site, site.definitions[IDS[name]], viewer=alice, language="zh")
        book = filled_in(office, blank, FILLED[name][0], tmp_path)
        numbers.append(receive(site, book, filename="a.xlsx", channel="web", sender=alice).record_number or "")

    requested, checked = (values_of(site, alice, number)["items"] for number in numbers)
    assert requested[0] | {} == {  # type: ignore[index]
        "material_code": "007120", "part_name": "闸片", "specification": None, "quantity": 40,
        "unit_price": Decimal("35.5"), "needed_on": date(2026, 12, 1),
    }  # fmt: skip
    assert [line["check_result"] for line in checked] == ["normal", "normal", "abnormal", "normal", "normal"]  # type: ignore[index,union-attr]
    assert checked[2]["remark"] == "油位低"  # type: ignore[index]


def sent(site: Site, sender: Viewer, **more: object) -> str:
    """The number of a repair form filled in through the API."""
    answers = {
        "customer_name": "成都地铁", "reported_on": "2026-11-18", "symptom": "异响", "warranty": "out_of_warranty",
        "service_type": ["repair", "other"], "phone": "0571-1",
        "replaced_parts": [{"part_name": "风扇", "quantity": 2, "unit_price": "12.5"}],
    } | more  # fmt: skip
    receipt = receive_values(site, "repair_service_form", answers, channel="api", sender=sender)
    assert receipt.outcome == "recorded", receipt.findings
    return str(receipt.record_number)


def test_a_record_comes_back_on_the_companys_own_sheet(site: Site, alice: Viewer, folders: dict[str, Path]):
    """With its number, its answers and its boxes ticked; sent again unchanged it says nothing new."""
    install(site, folders["维修服务单"])
    number = sent(site, alice)

    book = record_workbook(site, number, viewer=alice, language="zh")

    sheet = load_workbook(BytesIO(book))["维修服务单"]
    assert (sheet["H3"].value, sheet["B4"].value, sheet["B7"].value) == (number, "成都地铁", "□保内 ☑保外")
    assert sheet["B8"].value == "☑维修 □保养 □安装 □培训 ☑其他：______"
    assert (sheet["B6"].value, sheet["E13"].value, sheet["F13"].value) == (datetime(2026, 11, 18), 2, 12.5)
    assert sheet["G13"].value == "=E13*F13"
    again = receive(site, book, filename="a.xlsx", channel="web", sender=alice)
    assert (again.outcome, again.record_number) == ("already-received", number)
    changed = Package(book)
    changed.put(
        "xl/worksheets/sheet1.xml",
        changed.read("xl/worksheets/sheet1.xml").replace("成都地铁".encode(), "长客".encode()),
    )
    revised = receive(site, changed.save(), filename="a.xlsx", channel="web", sender=alice)
    assert (revised.outcome, revised.revision) == ("revised", 2)
    # The company's own formulas have no result until a program works them out: better none than one of empty cells.
    assert {finding.partition(": ")[2][5:] for finding in lint(book)} == {"the formula has no result"}
    assert sdk([book], validator()) == [[]]


def test_only_what_must_change_is_changed(site: Site, alice: Viewer, folders: dict[str, Path]):
    """In a blank the parts of the company's workbook are the same to the byte but sheet and list of names."""
    install(site, folders["设备点检表"])
    before = Package(site.definitions["equipment_check_sheet"].own_look or b"")

    blank = Package(blank_template(site, site.definitions["equipment_check_sheet"], viewer=alice, language="en"))

    added = set(blank.names()) - set(before.names())
    changed = {name for name in before.names() if blank.read(name) != before.read(name)}
    assert added == {"xl/worksheets/sheet3.xml"}  # the hidden lists
    assert changed == {
        "[Content_Types].xml",
        "xl/_rels/workbook.xml.rels",
        "xl/workbook.xml",
        "xl/worksheets/sheet1.xml",
    }


def test_drop_downs_tick_the_boxes(site: Site, alice: Viewer, folders: dict[str, Path]):
    """The list of a cell of boxes offers the cell with one box ticked; numbers and dates are checked as typed."""
    install(site, folders["维修服务单"])
    book = load_workbook(
        BytesIO(blank_template(site, site.definitions["repair_service_form"], viewer=alice, language="zh"))
    )

    rules = {str(rule.sqref).partition(":")[0]: rule for rule in book["维修服务单"].data_validations.dataValidation}
    lists = [[cell.value for cell in column] for column in book["_lists"].iter_cols()]
    assert rules["B7"].type == "list"
    assert ["warranty", "☑保内 □保外", "□保内 ☑保外"] in [column[:3] for column in lists]
    assert rules["B6"].type == "date"
    assert (rules["E13"].type, rules["E13"].formula1, rules["E13"].formula2) == ("whole", "1", "999")
    assert "√" in rules["B8"].prompt


def test_a_wrong_answer_is_marked_on_the_companys_own_sheet(
    site: Site, alice: Viewer, office: Office, folders: dict[str, Path], tmp_path: Path
):
    """Its cell is coloured and noted, the state stands in the strip, and the company's other parts are untouched."""
    install(site, folders["维修服务单"])
    blank = blank_template(site, site.definitions["repair_service_form"], viewer=alice, language="zh")
    wrong = filled_in(office, blank, REPAIR | {"warranty": "☑保内 ☑保外", "reported_on": "下周二"}, tmp_path)

    receipt = receive(site, wrong, filename="a.xlsx", channel="web", sender=alice)
    marked = marked_workbook(site, receipt.submission_id, viewer=alice, language="zh")

    found = {(finding.cell, finding.slug) for finding in receipt.findings}
    assert found == {("B7", "not-a-choice"), ("B6", "not-a-date")}
    assert next(finding for finding in receipt.findings if finding.cell == "B6").sheet == "维修服务单"
    sheet = load_workbook(BytesIO(marked))["维修服务单"]
    assert sheet["B7"].comment is not None
    assert sheet["B7"].fill.fgColor.rgb == "FFFFC9CE"
    assert any(cell.value == "退回改正" for cell in sheet[20])
    for part in ("xl/sharedStrings.xml", "xl/worksheets/sheet2.xml", "docProps/core.xml"):
        assert Package(marked).read(part) == Package(wrong).read(part)


def test_it_has_pages_api_export_and_figures(site: Site, alice: Viewer, charlie: Viewer, folders: dict[str, Path]):
    """As the forms that come along have them, and Charlie of another station sees none of its records."""
    app = create_app(site)
    assert signed_in(app, "alice").get("/templates/repair_service_form-zh.xlsx").status_code == 404
    install(site, folders["维修服务单"])
    number = sent(site, alice)
    browser = signed_in(app, "alice")

    assert "维修服务单" in visible_text(browser.get("/templates").text)
    assert browser.get("/templates/repair_service_form-en.xlsx").data.startswith(b"PK")
    assert browser.get("/forms/repair_service_form/new").status_code == 200
    assert number in browser.get("/forms/repair_service_form/records").text
    assert "成都地铁" in browser.get(f"/records/{number}").text
    exported = load_workbook(BytesIO(browser.get("/forms/repair_service_form/records.xlsx").data))
    assert any("成都地铁" in [cell.value for cell in row] for sheet in exported for row in sheet.iter_rows())
    client, other = program(app, site, "alice"), program(app, site, "charlie")
    assert client.get(f"/records/{number}").get_json()["values"]["warranty"] == "out_of_warranty"
    rows = client.get("/datasets/records_repair_service_form?lang=zh").get_json()["rows"]
    assert [(row["number"], row["station"], row["warranty"], row["records"]) for row in rows] == [
        (number, "常州站", "保外", 1)
    ]
    lines = client.get("/datasets/records_repair_service_form__replaced_parts").get_json()["rows"]
    assert [(line["line"], line["part_name"], line["unit_price"], line["lines"]) for line in lines] == [
        (1, "风扇", 12.5, 1)
    ]
    counted = client.get("/datasets/records_by_form?lang=en").get_json()["rows"]
    assert [(row["form"], row["station"], row["records"]) for row in counted] == [
        ("Repair service form", "Changzhou", 1)
    ]
    assert other.get(f"/records/{number}").status_code == 404
    assert other.get("/datasets/records_repair_service_form").get_json()["rows"] == []
    assert number not in signed_in(app, "charlie").get("/forms/repair_service_form/records").text


def test_a_sealed_copy_comes_by_mail(
    site: Site, settings: Settings, office: Office, folders: dict[str, Path], tmp_path: Path
):
    """Sent from anywhere it is its station's, stored at once and answered with its number."""
    from tests.server.mail.conftest import MAIL

    site.settings = settings.model_copy(update={"mail": MAIL})
    install(site, folders["客户投诉处理单"])
    _, blank = sealed_template(site, "customer_complaint_form", "CZ", by=Viewer.operator())
    book = filled_in(office, blank, COMPLAINT, tmp_path)

    outcome = take(site, post(book, sender="somebody@qq.com", results=[genuine("somebody@qq.com")]))

    receipt = outcome.receipts[0]
    assert (receipt.outcome, receipt.record_number) == ("recorded", "CCF-2026-000001")
    assert reply_to(site, outcome).payload["receipts"][0]["record_number"] == "CCF-2026-000001"
    with site.session(read_only=True) as session:
        found = load_dataset(session, "records_customer_complaint_form", Viewer.operator(), site=site)
    row = dict(zip([column.name for column in found.columns], next(found.rows()), strict=True))
    assert (row["station"], row["affected_sets"], row["complained_on"]) == ("常州站", 3, date(2026, 11, 3))


def test_a_running_server_takes_up_what_another_process_installs(
    site: Site, settings: Settings, alice: Viewer, folders: dict[str, Path]
):
    """Its pages, its reading processes and its tables know the form at the next request; a removed one is gone."""
    app: Flask = create_app(site)
    browser = signed_in(app, "alice")
    assert site.sandbox is not None  # children that do not know the form yet
    elsewhere = Site.open(settings, definitions=FORMS)
    install(elsewhere, folders["备件申请单"])

    assert browser.get("/forms/parts_request_form/new").status_code == 200
    blank = blank_template(site, site.definitions["parts_request_form"], viewer=alice, language="zh")
    turned_down = receive(site, blank, filename="a.xlsx", channel="web", sender=alice)
    assert {finding.slug for finding in turned_down.findings} == {"missing-value"}
    remove_form(elsewhere, "parts_request_form", by=Viewer.operator())
    elsewhere.close()
    assert browser.get("/forms/parts_request_form/new").status_code == 404
    with site.session(read_only=True) as session:
        assert verify_audit(session, site.audit_key).sound


def test_a_record_without_room_on_the_sheet_comes_on_ours(site: Site, alice: Viewer, folders: dict[str, Path]):
    """Six parts do not fit into four printed lines: nothing is cut off, and it is read the same way."""
    install(site, folders["维修服务单"])
    number = sent(site, alice, replaced_parts=[{"part_name": f"零件{n}", "quantity": 1} for n in range(6)])

    book = record_workbook(site, number, viewer=alice, language="zh")

    filled = read(book, site.definitions)
    assert [line["part_name"].value for line in filled.repeats["replaced_parts"]] == [f"零件{n}" for n in range(6)]
    assert receive(site, book, filename="a.xlsx", channel="web", sender=alice).outcome == "already-received"


def test_sections_of_others_are_locked_on_the_companys_sheet(
    site: Site, alice: Viewer, bob: Viewer, folders: dict[str, Path], tmp_path: Path
):
    """Once an owner is written into the definition, the station's copy takes no answers of quality's section."""
    folder = tmp_path / "customer_complaint_form"
    folder.mkdir()
    for name, content in forms.contents(folders["客户投诉处理单"]).items():
        (folder / name).write_bytes(content)
    text = (folder / "form.yaml").read_text(encoding="utf-8")
    label = next(line for line in text.splitlines() if "投诉内容与处理" in line)
    (folder / "form.yaml").write_text(text.replace(label, f"{label}\n    owner: quality"), encoding="utf-8")
    install(site, folder)
    answers = {"customer_name": "长客", "complaint_grade": "serious"}
    receipt = receive_values(site, "customer_complaint_form", answers, channel="api", sender=alice)
    number = str(receipt.record_number)

    mine = load_workbook(BytesIO(record_workbook(site, number, viewer=alice, language="zh")))["投诉单"]
    theirs = load_workbook(BytesIO(record_workbook(site, number, viewer=bob, language="zh")))["投诉单"]

    assert (mine.protection.sheet, mine["B4"].protection.locked, mine["A10"].protection.locked) == (True, False, True)
    assert not theirs.protection.sheet


def test_master_data_rules_and_calculations_work_on_the_companys_sheet(
    site: Site, alice: Viewer, charlie: Viewer, office: Office, folders: dict[str, Path], tmp_path: Path
):
    """Written into the definition, they are in the drop-downs and cells of the sheet and hold on arrival."""
    folder = tmp_path / "repair_service_form"
    folder.mkdir()
    files = forms.contents(folders["维修服务单"])
    definition = files["form.yaml"].decode()
    for old, new in (
        (
            "name: equipment_name  # B5: an empty cell beside its label\n        type: text",
            "name: equipment_name\n        type: select_one\n        master: {table: stations}\n        required: true",
        ),
        (
            "label: {zh: 到达时间, en: Arrived at}",
            "label: {zh: 到达时间, en: Arrived at}\n        constraints:\n          - name: arrived_after_report\n"
            '            check: "=arrived_at>=reported_on"\n            message: {zh: 到达早于报修。, en: Too early.}',
        ),
        (
            "      - name: service_engineer",
            "      - name: cost\n        type: decimal\n        decimals: 2\n        label: {zh: 合计, en: Cost}\n"
            '        calculation: "=SUMPRODUCT(replaced_parts.quantity,replaced_parts.unit_price)"\n'
            "      - name: service_engineer",
        ),
    ):
        assert old in definition
        definition = definition.replace(old, new)
    (folder / "form.yaml").write_text(definition, encoding="utf-8")
    package = Package(files["template.xlsx"])
    workbook = package.read("xl/workbook.xml").decode()
    total = "<definedName name=\"AS_cost\">'维修服务单'!$H$17</definedName></definedNames>"
    package.put("xl/workbook.xml", workbook.replace("</definedNames>", total).encode())
    (folder / "template.xlsx").write_bytes(package.save())
    install(site, folder)
    blank = blank_template(site, site.definitions["repair_service_form"], viewer=alice, language="zh")

    book = filled_in(office, blank, REPAIR | {"equipment_name": "常州站", "arrived_at": "2026-11-17 08:00"}, tmp_path)
    turned_down = receive(site, book, filename="a.xlsx", channel="web", sender=alice)
    book = filled_in(office, blank, REPAIR | {"equipment_name": "常州站"}, tmp_path)
    taken = receive(site, book, filename="a.xlsx", channel="web", sender=alice)

    assert [(finding.cell, finding.slug) for finding in turned_down.findings] == [("F6", "rule-broken")]
    assert load_workbook(BytesIO(blank))["维修服务单"]["H17"].value.startswith(
        "=SUMPRODUCT(AS_replaced_parts__quantity"
    )
    values = values_of(site, alice, taken.record_number or "")
    assert (values["cost"], values["equipment_name"]) == (Decimal("1101"), "CZ")
    with site.session(read_only=True) as session:
        assert record(session, alice, taken.record_number or "", definitions=site.definitions).station == "CZ"
    theirs = receive(site, book, filename="b.xlsx", channel="web", sender=charlie)
    assert "not-your-record" in {finding.slug for finding in theirs.findings}
