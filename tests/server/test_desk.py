"""Submit, refresh and status from an open Excel, against the real server over HTTP, through the real xlwings."""

import json
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import xlwings as xw
from click.testing import CliRunner
from flask import Flask, redirect, request
from openpyxl import Workbook, load_workbook
from werkzeug.serving import make_server

from server.access.people import find_user
from server.access.tokens import issue_token
from server.cli.desk import desk as command
from server.desk import actions, buttons, settings
from server.desk.client import NoConnection, NotAnswered, NotSignedIn, TurnedDown
from server.desk.settings import DeskSettings
from server.desk.unsent import Queue
from server.site import Site
from tests.excel.engine import Engine, installed
from tests.excel.model import Application, OpenWorkbook, com_error
from tests.server.browsing import program
from workbooks.desk import DeskError
from workbooks.marking.comments import HEADING
from workbooks.marking.marks import ERROR_FILL, MARK_NAME

pytestmark = pytest.mark.parametrize("settings", ["sqlite"], indirect=True)

GOOD: dict[str, Any] = {
    "station": "常州站",
    "customer": "常州地铁",
    "visited_on": date.today().isoformat(),
    "severity": "轻微",
}


class Served:
    """The site over HTTP, on a port that stays the same when it is down for a while."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.keys: list[str] = []
        self.instead: Callable[[], Any] | None = None  # answers in the site's place
        app.before_request(self._note)
        self.start()

    def _note(self) -> Any:
        if key := request.headers.get("Idempotency-Key"):
            self.keys.append(key)
        return self.instead() if self.instead else None

    def start(self) -> None:
        self._server = make_server("127.0.0.1", self.port, self.app, threaded=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def served(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """The site, served; pauses between tries are short."""
    monkeypatch.setattr(actions, "_PAUSE", 0.01)
    server = Served(app)
    yield server
    server.stop()


@pytest.fixture
def mine(served: Served, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DeskSettings:
    """Alice has signed in on this computer."""
    with site.session() as session:
        person = find_user(session, "alice")
        assert person is not None
        token = issue_token(session, person, "desk")
    for name in (settings.SERVER, settings.TOKEN):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(settings.FOLDER, str(tmp_path / "desk"))
    kept = DeskSettings(folder=tmp_path / "desk", server=served.url, token=token)
    settings.save(kept)
    return settings.load()


@pytest.fixture
def pywin32(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where pywin32 is installed, Excel's refusals are its `com_error`."""
    module = ModuleType("pywintypes")
    module.com_error = com_error  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pywintypes", module)


@pytest.fixture
def computer(pywin32: None) -> Iterator[Engine]:
    """A Windows computer; no Excel runs yet."""
    with installed(Engine()) as engine:
        yield engine


@pytest.fixture
def excel(computer: Engine) -> Application:
    """A running Excel."""
    return computer.start()


Opener = Callable[..., OpenWorkbook]


@pytest.fixture
def blank(app: Flask, site: Site, excel: Application, tmp_path: Path) -> Opener:
    """Opens a blank visit form, downloaded by Alice, and types into it."""
    return lambda **answers: _open(
        excel, program(app, site, "alice").get("/templates/visit?lang=zh").data, tmp_path, answers
    )


def _open(excel: Application, content: bytes, folder: Path, answers: dict[str, Any]) -> OpenWorkbook:
    path = folder / "走访 7月.xlsx"
    path.write_bytes(content)
    book = excel.open(path)
    _type(answers)
    return book


def _type(answers: dict[str, Any]) -> None:
    for name, value in answers.items():
        xw.apps.active.books.active.names[f"AS_{name}"].refers_to_range(1, 1).value = value


def _cell(book: OpenWorkbook, name: str) -> Any:
    title, reference = next(book.content.defined_names[name].destinations)
    return book.content[title][reference.partition(":")[0].replace("$", "")]


def _marks(book: OpenWorkbook) -> dict[str, str]:
    """The cells in the colour of an error, with their notes."""
    return {
        cell.coordinate: cell.comment.text if cell.comment else ""
        for row in book.content.worksheets[0].iter_rows()
        for cell in row
        if cell.fill.patternType == "solid"
        and cell.fill.fgColor.rgb == ERROR_FILL
        and cell.__class__.__name__ == "Cell"
    }


def _fills(book: OpenWorkbook) -> dict[str, Any]:
    sheet = book.content.worksheets[0]
    return {c.coordinate: (c.fill.patternType, c.fill.fgColor.rgb) for row in sheet.iter_rows() for c in row}


def _rules(book: OpenWorkbook) -> list[str]:
    """The conditional formats of the form by their formulas, the first to be looked at first."""
    holders = book.content.worksheets[0].conditional_formatting
    rules = sorted((rule for holder in holders for rule in holder.cfRule), key=lambda rule: rule.priority)
    return [rule.formula[0] for rule in rules]


def test_the_number_comes_into_the_open_workbook(blank: Opener, mine: DeskSettings, excel: Application):
    """Number, revision, state and time stand in their cells; the sheet is protected as before, the selection kept."""
    book = blank(**GOOD)
    sheet = book.content.worksheets[0]
    before = {name: getattr(sheet.protection, name) for name in ("sheet", "formatColumns", "formatCells", "objects")}
    book.selections[sheet.title] = (7, 2, 8, 3)

    told = actions.submit(mine)

    number = told.facts["record_number"]
    assert (told.good, told.facts["revision"]) == (True, 1)
    assert number.startswith("V-")
    assert number in told.text
    assert _cell(book, "AS__number").value == number
    assert _cell(book, "AS__revision").value == 1
    assert told.facts["outcome"]["zh"] == "已接收，新建记录"
    assert _cell(book, "AS__state").value == told.facts["state"]["zh"]
    assert _cell(book, "AS__received_at").value.date() == date.today()
    assert {name: getattr(sheet.protection, name) for name in before} == before
    assert book.content.sheetnames[0] == book.active_title == sheet.title
    assert book.selections[sheet.title] == (7, 2, 8, 3)
    assert (excel.Calculation, excel.ScreenUpdating, excel.EnableEvents) == ("automatic", True, True)


def test_what_is_sent_is_the_open_workbook(blank: Opener, mine: DeskSettings, app: Flask, site: Site):
    """What was typed and never saved arrives, under the file's own name."""
    blank(**GOOD, note="还没保存的话")

    told = actions.submit(mine)

    record = program(app, site, "alice").get(f"/records/{told.facts['record_number']}").get_json()
    assert record["values"]["note"] == "还没保存的话"
    assert [sent["filename"] for sent in record["submissions"]] == ["走访 7月.xlsx"]


def test_wrong_cells_are_marked_and_right_ones_lose_their_marks(blank: Opener, mine: DeskSettings):
    """Coloured with a note and listed; after the correction the fill is what it was and nothing of it is left."""
    book = blank(**GOOD | {"severity": "非常严重", "visited_on": "2026-13-45"})
    clean, rules = _fills(book), _rules(book)
    first = actions.submit(mine)
    wrong, above = _marks(book), _rules(book)
    listed = [row[3].value for row in book.content["检查结果"].iter_rows() if row[3].value]
    active = book.active_title
    _type({"severity": "严重", "visited_on": date.today().isoformat()})
    second = actions.submit(mine)

    severity = _cell(book, "AS_severity").coordinate
    assert (first.good, second.good) == (False, True)
    assert set(wrong) == {severity, _cell(book, "AS_visited_on").coordinate}
    assert wrong[severity].startswith(HEADING.zh)
    assert set(wrong) <= set(listed)
    assert active == "检查结果"
    assert _marks(book) == {}
    assert {place: fill for place, fill in _fills(book).items() if clean.get(place, fill) != fill} == {}
    assert above[: len(wrong)] == ['LEN("Aftersheet")>0'] * len(wrong)
    assert _rules(book) == rules
    assert [name for name in book.content.defined_names if name.startswith((MARK_NAME, "AS__fill_"))] == []
    assert "✔" in book.content["检查结果"]["A2"].value
    assert _cell(book, "AS__number").value == second.facts["record_number"]


def test_warnings_do_not_turn_the_page(blank: Opener, mine: DeskSettings):
    """An accepted form with a remark gets its findings sheet behind, and stays where it was on the form."""
    book = blank(**GOOD, hours=20)
    xw.apps.active.books.active.names["AS__reason"].refers_to_range(1, 1).value = "现场等件"
    title = book.content.sheetnames[0]
    book.selections[title] = (9, 3, 9, 3)
    told = actions.submit(mine)

    assert (told.good, told.facts["warnings"]) == (True, 1)
    assert (book.active_title, book.selections[title]) == (title, (9, 3, 9, 3))
    assert book.content.sheetnames[-1] == "检查结果"
    assert "✔" in book.content["检查结果"]["A2"].value


def test_marks_of_a_marked_workbook_are_taken_back(blank: Opener, mine: DeskSettings, app: Flask, site: Site, tmp_path):
    """The file a receipt came with, opened in Excel and corrected there, loses the server's marks."""
    book = blank(**GOOD | {"severity": "非常严重"})
    client = program(app, site, "alice")
    sent = tmp_path / "sent.xlsx"
    book.content.save(sent)
    receipt = client.send(sent.read_bytes()).get_json()
    marked = client.client.get(receipt["links"]["workbook"], headers=client.headers).data
    book = _open(book.app, marked, tmp_path, {})
    wrong = _marks(book)
    _type({"severity": "严重"})
    told = actions.submit(mine)

    assert told.good
    assert set(wrong) == {_cell(book, "AS_severity").coordinate}
    assert _marks(book) == {}
    assert [title for title in book.content.sheetnames if title in ("检查结果", "Findings")] == ["Findings"]


def test_somebody_elses_note_outlives_ours(blank: Opener, mine: DeskSettings):
    """A note that was on a wrong cell is there again when the cell is right."""
    book = blank(**GOOD | {"severity": "非常严重"})
    book.content.worksheets[0].protection.sheet = False
    xw.apps.active.books.active.names["AS_severity"].refers_to_range(1, 1).add_note("问过王工")
    actions.submit(mine)
    both = _cell(book, "AS_severity").comment.text
    _type({"severity": "严重"})
    actions.submit(mine)

    assert both.startswith(HEADING.zh)
    assert both.endswith("问过王工")
    assert _cell(book, "AS_severity").comment.text == "问过王工"


def test_submitting_again_is_no_second_record(blank: Opener, mine: DeskSettings):
    """The same workbook once more: already received, with the number it has."""
    book = blank(**GOOD)
    first, second = actions.submit(mine), actions.submit(mine)

    assert second.good
    assert second.facts["record_number"] == first.facts["record_number"]
    assert second.facts["outcome"]["zh"] == "此前已收到"
    assert _cell(book, "AS__state").value == second.facts["state"]["zh"]


def test_a_correction_is_the_next_revision(blank: Opener, mine: DeskSettings):
    """The revision written into the workbook is the one the next sending builds on."""
    book = blank(**GOOD)
    actions.submit(mine)
    _type({"note": "补充"})
    told = actions.submit(mine)

    assert (told.good, told.facts["revision"]) == (True, 2)
    assert _cell(book, "AS__revision").value == 2


def test_without_a_server_the_copy_waits_and_goes_first(blank: Opener, mine: DeskSettings, served: Served):
    """Down: kept on the disk with its key, the workbook untouched. Up again: sent with that key, then the new one."""
    served.stop()
    book = blank(**GOOD)
    with pytest.raises(NoConnection) as refused:
        actions.submit(mine)
    waiting = Queue(mine.folder).items()
    untouched = _cell(book, "AS__number").value
    served.start()
    _type({"note": "后来补充"})
    told = actions.submit(mine)

    assert "1 份待发送" in refused.value.message.zh
    assert [item.filename for item in waiting] == ["走访 7月.xlsx"]
    assert untouched is None
    assert served.keys[0] == waiting[0].key
    assert len(set(served.keys)) == 2
    assert (told.facts["sent_earlier_copies"], told.facts["revision"]) == (1, 2)
    assert "先前的 走访 7月.xlsx" in told.text
    assert Queue(mine.folder).items() == []


def test_the_same_copy_keeps_its_key(blank: Opener, mine: DeskSettings, served: Served):
    """Pressed again without a change, the waiting copy is the one that is sent, under its first key."""
    queue = Queue(mine.folder)
    one = queue.add(b"the same bytes", "a.xlsx", mine.server)
    again, other = queue.add(b"the same bytes", "a.xlsx", mine.server), queue.add(b"others", "a.xlsx", mine.server)

    assert again.key == one.key != other.key
    assert [item.key for item in queue.items()] == [one.key, other.key]


def test_an_answer_that_got_lost_is_asked_for_with_the_same_key(
    blank: Opener, mine: DeskSettings, served: Served, monkeypatch: pytest.MonkeyPatch
):
    """The line breaks after the server has stored it: one record, and the number at the next press."""
    blank(**GOOD)
    monkeypatch.setattr("server.desk.client._body", _broken_line)
    with pytest.raises(NoConnection):
        actions.submit(mine)
    monkeypatch.undo()
    item = Queue(mine.folder).items()[0]
    client = actions.Client(mine)
    answer = client.submit(item.content(), item.filename, item.key)

    assert (answer.accepted, answer.revision) == (True, 1)
    assert served.keys == [item.key, item.key]


def _broken_line(answer: Any) -> bytes:
    raise ConnectionResetError(104, "Connection reset by peer")


def test_a_refused_token_is_said_and_nothing_is_lost(blank: Opener, mine: DeskSettings):
    """401: told in words, the copy waits for the next token."""
    blank(**GOOD)
    stranger = DeskSettings(folder=mine.folder, server=mine.server, token="as_000000000000_" + "x" * 43)
    with pytest.raises(NotSignedIn) as refused:
        actions.submit(stranger)

    assert "sign-in" in refused.value.message.en
    assert len(Queue(mine.folder).items()) == 1


def test_what_the_server_never_takes_is_put_aside(mine: DeskSettings, app: Flask, blank: Opener):
    """Too large: it does not hold up what comes after it, and the copy is kept."""
    app.config["MAX_CONTENT_LENGTH"] = 100
    blank(**GOOD)
    with pytest.raises(TurnedDown):
        actions.submit(mine)

    assert Queue(mine.folder).items() == []
    assert [path.suffix for path in sorted((mine.folder / "turned-down").iterdir())] == [".bin", ".json"]


def test_another_server_s_page_is_no_answer(mine: DeskSettings, served: Served, blank: Opener):
    """A network's sign-in page (200, HTML) takes nothing away from the queue."""
    blank(**GOOD)
    served.instead = lambda: ("<html>Please sign in to the Wi-Fi</html>", 200)
    with pytest.raises(NotAnswered):
        actions.submit(mine)

    assert len(Queue(mine.folder).items()) == 1


def test_a_request_still_at_work_is_asked_again(mine: DeskSettings, served: Served, blank: Opener):
    """409: the server has the first one in hand; in a moment its answer is there, under the same key."""
    blank(**GOOD)
    busy = iter([(json.dumps({"slug": "still-running", "messages": {"zh": "", "en": ""}}), 409)] * 2)
    served.instead = lambda: next(busy, None)
    told = actions.submit(mine)

    assert told.good
    assert (len(served.keys), len(set(served.keys))) == (3, 1)


def test_an_ill_server_is_not_waited_for(mine: DeskSettings, served: Served, blank: Opener):
    """With many copies waiting and every one failing, whoever pressed the button gets an answer soon; all wait on."""
    queue = Queue(mine.folder)
    for number in range(10):
        queue.add(b"copy %d" % number, f"{number}.xlsx", mine.server)
    blank(**GOOD)
    served.instead = lambda: (json.dumps({"slug": "internal-error", "messages": {"zh": "错", "en": "failed"}}), 500)
    with pytest.raises(NotAnswered):
        actions.submit(mine)

    assert len(served.keys) == 3 + 1
    assert len(queue.items()) == 10 + 1


def test_a_redirect_does_not_carry_the_token_away(mine: DeskSettings, served: Served):
    """A redirect is not followed."""
    seen: list[str] = []

    def moved() -> Any:
        seen.append(request.path)
        return redirect(f"{served.url}/elsewhere")

    served.instead = moved
    with pytest.raises(NotAnswered):
        actions.Client(mine).forms()

    assert seen == ["/api/v1/templates"]


def test_a_private_workbook_is_not_sent(excel: Application, mine: DeskSettings, tmp_path: Path, served: Served):
    """A workbook that is none of the forms stays here unless asked for twice."""
    private = Workbook()
    private.active["A1"] = "工资"
    private.save(tmp_path / "工资.xlsx")
    excel.open(tmp_path / "工资.xlsx")
    with pytest.raises(DeskError) as refused:
        actions.submit(mine)

    assert "没有发送" in refused.value.message.zh
    assert (served.keys, Queue(mine.folder).items()) == ([], [])


def test_a_sheet_under_a_password_is_told(blank: Opener, mine: DeskSettings):
    """Nothing is written there, no dialog asks for the password; the findings stand on their sheet all the same."""
    book = blank(**GOOD | {"severity": "非常严重"})
    title = book.content.sheetnames[0]
    book.passwords[title] = "secret"
    told = actions.submit(mine)

    assert told.facts["unmarked_sheets"] == [title]
    assert title in told.text
    assert _marks(book) == {}
    assert "检查结果" in book.content.sheetnames


def test_status_says_what_the_server_knows(blank: Opener, mine: DeskSettings):
    """Form, number and revision; and whether the open workbook is the newest."""
    book = blank(**GOOD)
    before = actions.status(mine)
    actions.submit(mine)
    now = actions.status(mine)
    _cell(book, "AS__revision").value = 0
    old = actions.status(mine)

    assert (before.facts["form_id"], before.facts["version"], before.facts["number"]) == ("visit", "2", "")
    assert now.facts["record"]["revision"] == 1
    assert "不是最新" in old.text
    assert "不是最新" not in now.text


def test_status_without_a_server(blank: Opener, mine: DeskSettings, served: Served):
    """What the workbook is, and what waits, is told without a connection."""
    blank(**GOOD)
    Queue(mine.folder).add(b"bytes", "先前.xlsx", mine.server)
    served.stop()
    told = actions.status(mine)
    served.start()

    assert not told.good
    assert told.facts["unsent"] == ["先前.xlsx"]
    assert "visit" in told.text


def test_a_dataset_comes_into_the_open_workbook(
    app: Flask, site: Site, excel: Application, mine: DeskSettings, tmp_path
):
    """The table of an exported workbook takes the rows as they are now, and the pivots are told to refresh."""
    client = program(app, site, "alice")
    name = client.get("/datasets").get_json()["datasets"][0]["name"]
    path = tmp_path / "figures.xlsx"
    path.write_bytes(client.get(f"/datasets/{name}?format=xlsx").data)
    book = excel.open(path)
    rows = client.get(f"/datasets/{name}?format=json").get_json()["rows"]
    told = actions.refresh(mine, dataset=name)

    assert [table["rows"] for table in told.facts["tables"]] == [len(rows)]
    assert excel.log[-2:] == ["RefreshAll", "CalculateUntilAsyncQueriesDone"]
    assert book.content.sheetnames


def test_a_button_ends_with_a_box(blank: Opener, mine: DeskSettings, excel: Application, served: Served):
    """Whoever presses it reads what happened, also when the server is down."""
    blank(**GOOD)
    buttons.submit()
    buttons.status()
    served.stop()
    buttons.submit()
    buttons.refresh()
    served.start()

    assert excel.alerts[0].startswith("✔")
    assert "V-" in excel.alerts[1]
    assert "待发送" in excel.alerts[2]
    assert "连不上" in excel.alerts[3]


def test_the_button_s_own_workbook_is_sent(
    blank: Opener, mine: DeskSettings, excel: Application, app: Flask, site: Site, tmp_path: Path
):
    """RunPython says whose button was pressed; another workbook may be in front by then."""
    book = blank(**GOOD)
    xw.apps.active.books.active.set_mock_caller()
    other = tmp_path / "other.xlsx"
    load_workbook(tmp_path / "走访 7月.xlsx").save(other)
    excel.open(other)
    told = actions.submit(mine)

    assert _cell(book, "AS__number").value == told.facts["record_number"]


def test_no_excel_runs(computer: Engine, mine: DeskSettings):
    """Told in words, not by a traceback; the same with an Excel that has nothing open."""
    with pytest.raises(DeskError) as none:
        actions.submit(mine)
    computer.start()
    with pytest.raises(DeskError) as empty:
        actions.submit(mine)

    assert "No Excel is running" in none.value.message.en
    assert "No workbook is open" in empty.value.message.en


def test_a_computer_without_excel(mine: DeskSettings):
    """On a system xlwings has no Excel for, the way over the page is named."""
    with pytest.raises(DeskError) as refused:
        actions.submit(mine)

    assert "no Excel here" in refused.value.message.en


def test_xlwings_is_missing(mine: DeskSettings, monkeypatch: pytest.MonkeyPatch):
    """The command that installs it is named."""
    monkeypatch.setitem(sys.modules, "xlwings", None)
    result = CliRunner().invoke(command, ["status", "--lang", "en"])

    assert result.exit_code == 1
    assert 'pip install "aftersheet[desk]"' in result.output


def test_a_busy_excel_is_said(blank: Opener, mine: DeskSettings, excel: Application, served: Served):
    """While a cell is being edited Excel refuses everything; nothing was sent."""
    blank(**GOOD)
    excel.fails_at = "SaveCopyAs"
    with pytest.raises(DeskError) as refused:
        actions.submit(mine)

    assert "Enter" in refused.value.message.en
    assert served.keys == []


def test_a_busy_excel_is_not_asked_for_ever(computer: Engine, mine: DeskSettings, monkeypatch: pytest.MonkeyPatch):
    """xlwings' engine for Windows repeats refused calls without end as it comes; ours are numbered."""
    windows = ModuleType("xlwings._xlwindows")
    windows.N_COM_ATTEMPTS, windows.ExcelBusyError = 0, type("ExcelBusyError", (Exception,), {})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "xlwings._xlwindows", windows)

    def busy(*_: Any) -> None:
        raise windows.ExcelBusyError

    monkeypatch.setattr("tests.excel.engine.Books.__len__", busy)
    computer.start()
    with pytest.raises(DeskError) as refused:
        actions.submit(mine)

    assert windows.N_COM_ATTEMPTS > 0
    assert "Enter" in refused.value.message.en


def test_a_failure_while_writing_leaves_excel_as_it_was(blank: Opener, mine: DeskSettings, excel: Application):
    """Protection, calculation and screen are back; the server has the form, and the next press gets the number."""
    book = blank(**GOOD)
    excel.Calculation = "semiautomatic"
    excel.fails_at = "Value"
    with pytest.raises(DeskError):
        actions.submit(mine)
    state = (excel.Calculation, excel.ScreenUpdating, excel.EnableEvents, book.content.worksheets[0].protection.sheet)
    told = actions.submit(mine)

    assert state == ("semiautomatic", True, True, True)
    assert _cell(book, "AS__number").value == told.facts["record_number"]


def test_the_command_line(blank: Opener, mine: DeskSettings):
    """Exit status 0 and the number; 1 and the findings; JSON for programs."""
    book = blank(**GOOD)
    good = CliRunner().invoke(command, ["submit", "--json"])
    _cell(book, "AS_severity").value = "非常严重"
    bad = CliRunner().invoke(command, ["submit", "--lang", "en"])
    state = CliRunner().invoke(command, ["status"])

    assert good.exit_code == 0
    assert json.loads(good.stdout)["record_number"].startswith("V-")
    assert (bad.exit_code, "Not accepted" in bad.output) == (1, True)
    assert "visit" in state.output


def test_signing_in_keeps_a_token_that_works(mine: DeskSettings, served: Served, tmp_path: Path):
    """The file is its owner's alone; a token that the server refuses is not kept; signing out removes it."""
    settings.forget(mine)
    arguments = ["sign-in", "--server", f"{served.url}/", "--lang", "en", "--token"]
    wrong = CliRunner().invoke(command, [*arguments, "as_000000000000_" + "x" * 43])
    kept_wrong = mine.file.exists()
    right = CliRunner().invoke(command, [*arguments, mine.token])
    mode = mine.file.stat().st_mode & 0o777
    again = settings.load()
    out = CliRunner().invoke(command, ["sign-out"])

    assert (wrong.exit_code, kept_wrong) == (1, False)
    assert right.exit_code == 0
    assert mode == 0o600
    assert (again.server, again.token) == (served.url, mine.token)
    assert (out.exit_code, mine.file.exists()) == (0, False)
    assert mine.token not in right.output


def test_nobody_has_signed_in(blank: Opener, mine: DeskSettings):
    """The command that does it is named."""
    blank(**GOOD)
    settings.forget(mine)
    result = CliRunner().invoke(command, ["submit", "--lang", "en"])

    assert result.exit_code == 1
    assert "desk sign-in" in result.output


def test_the_token_stays_with_its_server(mine: DeskSettings, monkeypatch: pytest.MonkeyPatch):
    """Another server by AFTERSHEET_SERVER does not get the token of the file."""
    monkeypatch.setenv(settings.SERVER, "https://elsewhere.example")
    elsewhere = settings.load()
    monkeypatch.setenv(settings.TOKEN, "another")
    with_token = settings.load()

    assert (elsewhere.server, elsewhere.token) == ("https://elsewhere.example", "")
    assert with_token.token == "another"


def test_a_saved_file_that_a_mac_keeps_from_us_is_told(
    app: Flask, site: Site, mine: DeskSettings, tmp_path: Path, pywin32: None, monkeypatch
):
    """Other programs' folders are shut by macOS: the message says where to save instead, and nothing was sent."""
    monkeypatch.setattr("workbooks.opened.native.sys", SimpleNamespace(platform="darwin"))

    def refuse(source: str, target: Path) -> None:
        raise PermissionError(1, "Operation not permitted", source)

    monkeypatch.setattr("workbooks.opened.native.shutil.copyfile", refuse)
    with installed(Engine(mac=True)) as engine:
        _open(engine.start(), program(app, site, "alice").get("/templates/visit?lang=zh").data, tmp_path, GOOD)
        with pytest.raises(DeskError) as refused:
            actions.submit(mine)

    assert "Operation not permitted" in refused.value.message.zh
    assert "文稿" in refused.value.message.zh
    assert program(app, site, "alice").get("/forms/visit/records").get_json()["records"] == []


def test_on_a_mac(app: Flask, site: Site, mine: DeskSettings, tmp_path: Path, pywin32: None, monkeypatch):
    """There is no SaveCopyAs: the file is saved and copied; protection and names go over Apple events."""
    monkeypatch.setattr("workbooks.opened.native.sys", SimpleNamespace(platform="darwin"))
    with installed(Engine(mac=True)) as engine:
        excel = engine.start()
        content = program(app, site, "alice").get("/templates/visit?lang=zh").data
        book = _open(excel, content, tmp_path, GOOD | {"severity": "非常严重"})
        bad = actions.submit(mine)
        wrong = _marks(book)
        _type({"severity": "严重"})
        good = actions.submit(mine)

    assert (bad.good, good.good) == (False, True)
    assert set(wrong) == {_cell(book, "AS_severity").coordinate}
    assert _marks(book) == {}
    assert _cell(book, "AS__number").value == good.facts["record_number"]
    assert book.content.worksheets[0].protection.sheet
