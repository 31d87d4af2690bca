"""
The macros in a program that runs Basic: LibreOffice loads the project, compiles it and executes what it can.

It has no WinHttp, no ListObject and no dialogs without a screen: those are Excel's alone and
stay untried here (docs/excel-buttons.md says so).
"""

import json
import re
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest
from openpyxl import Workbook, load_workbook

from server.demo import demo_master
from tests.libreoffice import Office, running
from tests.sendings import GOOD, entries
from tests.workbooks.macro_doubles import DESK, MAC, WEB, mac_settings, probe
from workbooks.check import check
from workbooks.form import defined_name
from workbooks.library import library
from workbooks.macros import sources, with_macros
from workbooks.reader import read
from workbooks.template import build_template
from workbooks.vba.texts import SHEET

MASTER = demo_master(until=date(2026, 11, 20))
FORM = library()["trip_loan"]
BLANK = build_template(FORM, language="zh", master=MASTER, instance_id="macros")
SERVER = "https://forms.example.com"
# For the compile check everything is ours but the Mac's declarations.
COMPILED = dict(sources()) | {"AftersheetMac": MAC}
RUN = COMPILED | {"AftersheetWeb": WEB, "AftersheetDesk": DESK}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the macros keep their files."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def office(
    require_program: Callable[..., str], tmp_path_factory: pytest.TempPathFactory, home: Path
) -> Iterator[Office]:
    """A LibreOffice whose macros have a home of their own."""
    soffice = require_program("soffice", "libreoffice")
    if subprocess.run(["/usr/bin/python3", "-c", "import uno"], capture_output=True, check=False).returncode:
        require_program("python3-uno")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        patch.delenv("LOCALAPPDATA", raising=False)
        with running(soffice, tmp_path_factory.mktemp("office")) as started:
            yield started


def load(office: Office, folder: Path, modules: Mapping[str, str]) -> tuple[str, list[str]]:
    """Open the form with *modules*; the library they are in, and their names."""
    path = folder / "form.xlsm"
    path.write_bytes(with_macros(BLANK, language="zh", server=SERVER, dataset="trips", modules=modules))
    found = office("open_with_macros", path)
    return next((name, modules) for name, modules in found if name != "Standard")


def evaluate(office: Office, folder: Path, *expressions: str) -> list[Any]:
    library_name, _ = load(office, folder, RUN | {"Probe": probe(list(expressions))})
    return [office("call", library_name, f"Probe.P{number}") for number in range(len(expressions))]


def test_all_modules_are_listed_and_compile(office: Office, tmp_path: Path) -> None:
    """One module that does not compile would keep the whole project from running."""
    library_name, modules = load(office, tmp_path, COMPILED | {"Probe": probe(['"compiled"'])})

    assert set(sources()) <= set(modules)
    assert office("call", library_name, "Probe.P0") == "compiled"


def test_a_syntax_error_would_be_noticed(office: Office, tmp_path: Path) -> None:
    """The check above can fail: the same project with one broken line does not run."""
    broken = COMPILED["AftersheetTables"].replace("Set found = Nothing", "Set found = = Nothing", 1)
    library_name, _ = load(office, tmp_path, COMPILED | {"AftersheetTables": broken, "Probe": probe(['"compiled"'])})

    assert office("call", library_name, "Probe.P0") is None


def test_the_buttons_run_the_macros(office: Office, tmp_path: Path) -> None:
    """Each is bound to its own, says what it does, and is left out when the form is printed."""
    load(office, tmp_path, COMPILED)
    found = {
        caption: (printed, code.partition("?")[0].rpartition(".")[2]) for caption, printed, code in office("buttons")
    }

    assert found == {
        "提交": (False, "AftersheetSubmit"), "只检查": (False, "AftersheetCheck"),
        "下载记录": (False, "AftersheetFetch"), "刷新统计": (False, "AftersheetRefresh"),
    }  # fmt: skip


def json_of(value: Any) -> str:
    return '"' + json.dumps(value).replace('"', '""') + '"'


TWO_LINES = {"a": '提交\n"x"'}
PURE: Mapping[str, tuple[str, Any]] = {
    "url of Chinese": ('AftersheetText.UrlEncode("a b/" & ChrW$(36208))', "a%20b%2F%E8%B5%B0"),
    "url beyond the first plane": ("AftersheetText.UrlEncode(ChrW$(&HD840&) & ChrW$(&HDC00&))", "%F0%A0%80%80"),
    "url back": ('AftersheetText.UrlDecode("%E8%B5%B0%F0%A0%80%80x")', "走𠀀x"),
    "broken UTF-8": ('AftersheetText.UrlDecode("a%E8%B5")', "a\ufffd"),
    "key": ('AftersheetText.NewKey(DateSerial(2026, 11, 2) + TimeSerial(3, 4, 5)) Like "20261102T030405-*"', True),
    "key length": ("Len(AftersheetText.NewKey(Now))", 36),
    "no scheme": ('AftersheetText.ServerAddress(" forms.example.com/ ")', "https://forms.example.com"),
    "intranet": ('AftersheetText.ServerAddress("HTTP://10.0.0.7:8600")', "http://10.0.0.7:8600"),
    "no address": ('AftersheetText.ServerAddress("file:///etc/passwd")', ""),
    "user in address": ('AftersheetText.ServerAddress("https://good.example@bad.example")', ""),
    "instant": ('Format$(AftersheetText.Moment("2026-11-21T08:30:05"), "yyyy-mm-dd hh:mm:ss")', "2026-11-21 08:30:05"),
    "day": ('CDbl(AftersheetText.Moment("2026-11-21"))', 46347.0),
    "no instant": ('CDbl(AftersheetText.Moment("soon"))', 0.0),
    "file name": ('AftersheetText.FileName("FR/2026:1?")', "FR_2026_1_"),
    "text": (f'AftersheetJson.Text(AftersheetJson.Parse({json_of(TWO_LINES)}), "a")', TWO_LINES["a"]),
    "number": (f'AftersheetJson.Item(AftersheetJson.Parse({json_of({"a": -1.5e3})}), "a")', -1500.0),
    "null": (f'IsNull(AftersheetJson.Item(AftersheetJson.Parse({json_of({"a": None})}), "a"))', True),
    "true": (f'AftersheetJson.Item(AftersheetJson.Parse({json_of({"a": True})}), "a")', True),
    "missing": (f'AftersheetJson.Text(AftersheetJson.Parse({json_of({"a": 1})}), "b")', ""),
    "list": (f'AftersheetJson.Parse({json_of([1, [2, 3], {"a": []}])}).Item(2).Item(2)', 3.0),
    "inner": (
        f'AftersheetJson.Text(AftersheetJson.Inner(AftersheetJson.Parse({json_of({"a": {"b": "c"}})}), "a"), "b")', "c",
    ),
    "cut off": ('AftersheetJson.Parse("{""a"": [1, 2") Is Nothing', True),
    "too much": ('AftersheetJson.Parse("{} x") Is Nothing', True),
    "a page": ('AftersheetJson.Parse("<html>") Is Nothing', True),
    "too deep": ('AftersheetJson.Parse(String$(60, "[") & String$(60, "]")) Is Nothing', True),
    "date cell": ('CDbl(AftersheetTables.CellValue("2026-11-21", "date"))', 46347.0),
    "code cell": ('AftersheetTables.CellValue("007", "text")', "007"),
    "no value": ('IsEmpty(AftersheetTables.CellValue(Null, "decimal"))', True),
    "header": ('AftersheetTables.Plain("Mean " & vbLf & "Days")', "meandays"),
    "colour": ("AftersheetMarks.ColourOf(AftersheetMarks.Described(1, 13552127))", 13552127),
    "no fill": ("AftersheetMarks.ColourOf(AftersheetMarks.Described(-4142, 16777215))", -1),
    "server's words": ('AftersheetMarks.ColourOf("pattern=solid fgColor.rgb=FFFFF2CC bgColor.indexed=64")', 0xCCF2FF),
    "words": ('Words("refreshed", "3")', "已刷新 3 张表。"),
    "setting": ('AftersheetForm.Said("AS__server")', SERVER),
}  # fmt: skip


def test_what_is_computed_is_right(office: Office, tmp_path: Path) -> None:
    """JSON, URLs, dates, keys, colours and texts: run, not read."""
    results = evaluate(office, tmp_path, *(expression for expression, _ in PURE.values()))

    assert dict(zip(PURE, results, strict=True)) == {name: expected for name, (_, expected) in PURE.items()}


def test_a_refreshed_report_says_from_when_it_is(office: Office, tmp_path: Path) -> None:
    """New figures under an old date would mislead: the cover's lines are written anew, everything else stays."""
    book = Workbook()
    cover = book.active
    assert cover is not None
    for address, text in {
        "B4": "截至 2026-01-02 03:04，范围：全部",
        "B9": "T_cases", "C9": "数据集 cases，0 行，截至 2026-01-02 03:04，范围：全部。",
        "B10": "T_other", "C10": "数据集 other，5 行",
    }.items():  # fmt: skip
        cover[address] = text
    out = BytesIO()
    book.save(out)
    data = json_of({"name": "cases", "rows": [{}, {}]})
    act = 'Public Sub Act()\n    AftersheetTables.NoteOrigin "T_cases", AftersheetJson.Parse(' + data + ")\nEnd Sub\n"
    made = with_macros(out.getvalue(), language="zh", modules=RUN | {"Probe": probe([]) + act})
    (tmp_path / "report.xlsm").write_bytes(made)
    libraries = [name for name, _ in office("open_with_macros", tmp_path / "report.xlsm") if name != "Standard"]
    office("call", libraries[0], "Probe.Act")

    _, texts = office("sheet", "Sheet")
    assert re.fullmatch(r"截至 20\d\d-\d\d-\d\d \d\d:\d\d，范围：全部", texts[3][1])
    assert "2026-01-02" not in texts[3][1] + texts[8][2]
    assert texts[8][2].startswith("数据集 cases，2 行，截至 20")
    assert texts[9][1:3] == ["T_other", "数据集 other，5 行"]


class _Listener(BaseHTTPRequestHandler):
    """Takes one request down and answers like the server."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken = (self.path, dict(self.headers), body)  # type: ignore[attr-defined]
        self.send_response(201)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *arguments: Any) -> None:
        pass


def test_on_a_mac_curl_sends_what_winhttp_sends(
    office: Office, tmp_path: Path, require_program: Callable[..., str]
) -> None:
    """The settings the macros write for curl, run by curl: method, headers, the raw bytes, status and answer."""
    curl = require_program("curl")
    body, answer_file = tmp_path / 'my "form".xlsm', tmp_path / "answer.txt"
    body.write_bytes(bytes(range(256)))
    listener = HTTPServer(("127.0.0.1", 0), _Listener)
    address = f"http://127.0.0.1:{listener.server_port}/api/v1/submissions?lang=zh&filename=a%20b.xlsm"
    words = ["POST", address, "as_token", "key-1", str(body), "application/vnd.ms-excel.sheet.macroEnabled.12"]
    given = ", ".join('"' + word.replace('"', '""') + '"' for word in [*words, str(answer_file)])
    modules = RUN | {"AftersheetMac": mac_settings(sources()["AftersheetMac"]), "Probe": probe(
        [f"AftersheetMac.Options({given})"]
    )}  # fmt: skip
    del modules["AftersheetWeb"], modules["AftersheetButtons"]
    library_name, _ = load(office, tmp_path, modules)
    (tmp_path / "request.txt").write_text(office("call", library_name, "Probe.P0"), encoding="ascii")

    thread = threading.Thread(target=listener.handle_request)
    thread.start()
    run = subprocess.run([curl, "--config", str(tmp_path / "request.txt")], capture_output=True, text=True, timeout=30)
    thread.join(10)
    listener.server_close()

    path, headers, taken = listener.taken  # type: ignore[attr-defined]
    assert (run.returncode, run.stdout, answer_file.read_bytes()) == (0, "201", b"{}")
    assert (f"http://127.0.0.1:{listener.server_port}{path}", taken) == (address, body.read_bytes())
    assert headers["Authorization"] == "Bearer as_token"
    assert (headers["Idempotency-Key"], headers["Content-Type"]) == ("key-1", words[5])


def reply(home: Path, status: int, body: Any) -> None:
    """Let this be what the server says next."""
    (home / "answer.txt").write_text(f"{status}\n{quote(json.dumps(body))}\n", encoding="ascii")


def noted(home: Path, name: str) -> list[str]:
    """What the doubles wrote down since the last time."""
    path = home / name
    lines = path.read_text(encoding="ascii").splitlines() if path.exists() else []
    path.unlink(missing_ok=True)
    return [unquote(line) for line in lines]


def answer(**more: Any) -> dict[str, Any]:
    return {
        "submission_id": "s1", "record_number": None, "revision": None, "findings": [],
        "state_text": {"zh": "已接收", "en": "Received"}, "received_at_local": "2026-11-22T10:15:00",
    } | more  # fmt: skip


def test_pressing_submit_until_it_is_accepted(office: Office, tmp_path: Path, home: Path) -> None:
    """Findings become notes and a list; the next press takes them away and writes number, revision and state."""
    library_name, _ = load(office, tmp_path, RUN)
    findings = [finding.as_dict() for finding in check(FORM, read(BLANK, library())).findings]
    title, cell = findings[0]["sheet"], findings[0]["cell"]
    messages = {"zh": "没有被接收", "en": "not accepted"}
    rejected = answer(
        findings=findings, slug="findings", messages=messages, state_text={"zh": "退回改正", "en": "Back"}
    )

    reply(home, 422, rejected)
    office("call", library_name, "AftersheetButtons.AftersheetSubmit")
    (said,) = noted(home, "said.txt")
    notes = dict(office("notes", title))
    _, texts = office("sheet", "检查结果")
    assert said.startswith(f"warn ✘ 未接收：{len(findings)} 处必须改正")
    assert set(notes) == {finding["cell"] for finding in findings}
    assert findings[0]["what"]["zh"] in notes[cell]
    assert notes[cell].startswith("检查结果 · Aftersheet")
    assert [row[5] for row in texts[4:]] == [finding["what"]["zh"] for finding in findings]
    assert office("sheet", title)[0]
    assert office("values", ["AS__state"]) == {"AS__state": ["退回改正"]}

    reply(home, 201, answer(record_number="JL-2026-000001", revision=1))
    office("call", library_name, "AftersheetButtons.AftersheetSubmit")
    assert noted(home, "said.txt") == ["tell ✔ 已接收，编号 JL-2026-000001，第 1 版。"]
    assert office("notes", title) == []
    assert office("sheet", title)[0]
    own = office("values", ["AS__number", "AS__state", "AS__received_at"])
    assert (own["AS__number"], own["AS__state"]) == (["JL-2026-000001"], ["已接收"])
    assert own["AS__received_at"] == [pytest.approx(46348 + (10 + 15 / 60) / 24)]  # 2026-11-22 10:15
    office("save", tmp_path / "answered.xlsm")
    identity = read((tmp_path / "answered.xlsm").read_bytes(), library()).identity
    assert (identity.record_number, identity.revision) == ("JL-2026-000001", 1)
    listed = load_workbook(tmp_path / "answered.xlsm")["检查结果"]  # listed twice: its rows are as high as their text
    heights = [row.height or 0 for row in listed.row_dimensions.values()]
    assert max(listed.sheet_format.defaultRowHeight, *heights) < 40
    assert list((home / "Aftersheet" / "Queue").iterdir()) == []
    first, second = (line.split() for line in noted(home, "requests.txt"))
    assert first[:3] == ["POST", f"{SERVER}/api/v1/submissions?lang=zh&filename=form.xlsm", f"Tokens-of-{SERVER}"]
    assert first[3] != second[3]


def test_without_a_network_nothing_is_lost_and_nothing_sent_twice(office: Office, tmp_path: Path, home: Path) -> None:
    """The copy stays with its key; the next press sends it first, under the same key."""
    library_name, _ = load(office, tmp_path, RUN)
    queue = home / "Aftersheet" / "Queue"
    noted(home, "requests.txt")

    reply(home, 0, {})
    office("call", library_name, "AftersheetButtons.AftersheetSubmit")
    (tried,) = (line.split() for line in noted(home, "requests.txt"))
    (said,) = noted(home, "said.txt")
    assert said.startswith(f"warn 连接不上服务器 {SERVER}")
    kept = (queue / f"{tried[3]}.xlsm").read_bytes()
    assert sorted(file.suffix for file in queue.iterdir()) == [".txt", ".xlsm"]

    reply(home, 502, {"html": "from a proxy"})
    office("call", library_name, "AftersheetButtons.AftersheetSubmit")
    (again,) = (line.split() for line in noted(home, "requests.txt"))
    assert again[3] == tried[3]
    assert (queue / f"{tried[3]}.xlsm").read_bytes() == kept
    assert min(queue.iterdir()).stem == tried[3]

    noted(home, "said.txt")
    reply(home, 500, {"slug": "internal-error", "messages": {"zh": "出错了", "en": "failed"}})
    office("call", library_name, "AftersheetButtons.AftersheetSubmit")
    asked = [line.split()[3] for line in noted(home, "requests.txt")]
    assert (asked[0], len(set(asked)), len(asked)) == (tried[3], 3, 3)  # one ill copy does not hold up the others
    assert noted(home, "said.txt")[0].count("form.xlsm") == 2

    reply(home, 201, answer(record_number="JL-2026-000002", revision=1))
    office("call", library_name, "AftersheetButtons.AftersheetSubmit")
    sent = [line.split()[3] for line in noted(home, "requests.txt")]
    assert sent[0] == tried[3]
    assert len(set(sent)) == len(sent) == 4
    assert list(queue.iterdir()) == []
    noted(home, "said.txt")


def test_a_number_is_told_even_if_the_workbook_cannot_take_it_all(office: Office, tmp_path: Path, home: Path) -> None:
    """The server has the record by then: an error while marking must not hide its number."""
    begin = "Public Sub TakeBack()\r\n"
    marks = sources()["AftersheetMarks"]
    assert begin in marks
    broken = marks.replace(begin, begin + '    Err.Raise 1004, , "no"\r\n')
    library_name, _ = load(office, tmp_path, RUN | {"AftersheetMarks": broken})

    reply(home, 201, answer(record_number="JL-2026-000003", revision=1))
    office("call", library_name, "AftersheetButtons.AftersheetSubmit")

    (said,) = noted(home, "said.txt")
    assert said.startswith("warn ✔ 已接收，编号 JL-2026-000003，第 1 版。\n以上是服务器的答复")
    assert office("values", ["AS__number"]) == {"AS__number": ["JL-2026-000003"]}
    noted(home, "requests.txt")


def test_check_only_marks_and_keeps_no_copy(office: Office, tmp_path: Path, home: Path) -> None:
    """The form's own cells stay empty, and nothing waits to be sent."""
    library_name, _ = load(office, tmp_path, RUN)
    findings = [finding.as_dict() for finding in check(FORM, read(BLANK, library())).findings]
    noted(home, "requests.txt")

    reply(home, 200, {"accepted": False, "outcome": "rejected", "findings": findings})
    office("call", library_name, "AftersheetButtons.AftersheetCheck")

    (request,) = noted(home, "requests.txt")
    assert request.startswith(f"POST {SERVER}/api/v1/checks?lang=zh&filename=form.xlsm")
    assert "没有提交" in noted(home, "said.txt")[0]
    assert len(office("notes", findings[0]["sheet"])) == len(findings)
    assert office("values", ["AS__number", "AS__state"]) == {"AS__number": [None], "AS__state": [None]}
    assert [file for name in ("Queue", "Temporary") for file in (home / "Aftersheet" / name).iterdir()] == []


def test_a_form_with_macros_filled_and_saved_by_another_program(office: Office, tmp_path: Path) -> None:
    """LibreOffice writes the project anew; the answers are those of the same form without macros."""
    sending = next(sending for sending in GOOD if sending.form_id == FORM.form_id and sending.language == "zh")
    typed = [(defined_name(path), line, text) for path, line, text in entries(sending.typed)]
    plain, macros = tmp_path / "form.xlsx", tmp_path / "form.xlsm"
    plain.write_bytes(BLANK)
    macros.write_bytes(with_macros(BLANK, language="zh", server=SERVER))
    forms = {}
    for path in (plain, macros):
        office.fill(path, typed)
        saved = path.with_stem("saved")
        office("save", saved)
        forms[path.suffix] = read(saved.read_bytes(), library())

    assert forms[".xlsm"].flags == frozenset({"macro"})
    assert forms[".xlsm"].identity == forms[".xlsx"].identity
    assert check(FORM, forms[".xlsm"], master=MASTER).values == check(FORM, forms[".xlsx"], master=MASTER).values
    assert SHEET not in {cell.sheet for cell in forms[".xlsm"].cells.values()}
