"""What a button or a command does: the open workbook, the queue and the server brought together, told in words."""

import time
from dataclasses import dataclass, field
from typing import Any

from server.desk.client import Client, NoConnection, NotAnswered, NotSignedIn, TurnedDown
from server.desk.settings import DeskSettings
from server.desk.unsent import Queue, Unsent
from workbooks import desk
from workbooks.desk import Answer, DeskError, OpenForm, Refreshed, Submitted
from workbooks.form import Language, Text

_TRIES, _PAUSE = 3, 1.0  # while the first request with a key is still at work
_MOST_FAILURES = 3  # of waiting copies in a row: then the server is ill, and nobody waits longer


@dataclass(slots=True)
class Told:
    """The outcome of an action: lines for people, *facts* for programs."""

    good: bool
    language: Language
    lines: list[Text] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return "\n".join(line[self.language] for line in self.lines)


def submit(settings: DeskSettings, *, any_workbook: bool = False, language: Language | None = None) -> Told:
    """
    Send the open workbook, and before it what could not be sent earlier.

    Raises:
        DeskError: Nothing was sent; the text says whether a copy waits.
    """
    client, queue = Client(settings), Queue(settings.folder)
    earlier: list[tuple[Unsent, Answer | DeskError]] = []

    def post(content: bytes, filename: str) -> Answer:
        own = queue.add(content, filename, settings.server)
        return deliver(client, queue, own, earlier)

    try:
        done = desk.submit(post, any_workbook=any_workbook)
    except (NoConnection, NotAnswered, NotSignedIn) as error:
        raise type(error)(_waits(error.message, len(queue.items()))) from error
    told = Told(good=done.answer.accepted, language=language or done.form.language)
    told.lines = [*_told_answer(done), *(line for each in earlier for line in _told_earlier(*each))]
    told.facts = {
        "accepted": done.answer.accepted,
        "record_number": done.answer.number,
        "revision": done.answer.revision,
        "outcome": _both(done.answer.outcome),
        "state": _both(done.answer.state),
        "errors": done.answer.errors,
        "warnings": len(done.answer.remarks) - done.answer.errors,
        "unmarked_sheets": list(done.unmarked),
        "sent_earlier_copies": len(earlier),
    }
    return told


def refresh(
    settings: DeskSettings, *, dataset: str | None = None, table: str | None = None, language: Language = "zh"
) -> Told:
    """
    Write the newest rows into the tables of the open workbook.

    Raises:
        DeskError: Nothing was changed, or the text says what was.
    """
    client = Client(settings)
    known = client.datasets()
    if dataset is not None and dataset not in known:
        raise DeskError(
            Text(
                f"没有数据集“{dataset}”。可用：{'、'.join(known)}。",
                f"There is no dataset {dataset!r}; there are: {', '.join(known)}.",
            )
        )
    done = desk.refresh(client.dataset, known, dataset=dataset, table=table, language=language)
    told = Told(good=True, language=language, lines=[_told_table(each) for each in done])
    told.facts = {
        "tables": [
            {"dataset": each.dataset, "table": each.table, "sheet": each.sheet, "rows": each.rows} for each in done
        ]
    }
    return told


def status(settings: DeskSettings, *, language: Language | None = None) -> Told:
    """
    What the open workbook is, what waits to be sent, and what the server knows of it.

    Without a connection the first two are told all the same.

    Raises:
        DeskError: No workbook is open.
    """
    form = desk.status()
    told = Told(good=True, language=language or form.language, lines=_told_form(form))
    told.facts = {name: getattr(form, name) for name in OpenForm.__slots__}
    waiting = Queue(settings.folder).items()
    if waiting:
        names = "、".join(item.filename for item in waiting)
        told.lines.append(
            Text(f"待发送：{len(waiting)} 份（{names}）。", f"Waiting to be sent: {len(waiting)} ({names}).")
        )
    told.facts["unsent"] = [item.filename for item in waiting]
    try:
        told.lines += _ask_server(Client(settings), form, told.facts)
    except DeskError as error:
        told.good = False
        told.lines.append(error.message)
    return told


def deliver(client: Client, queue: Queue, own: Unsent, earlier: list[tuple[Unsent, Answer | DeskError]]) -> Answer:
    """
    Send everything that waits for this server, oldest first; the answer to *own*.

    What became of the others is put into *earlier*. One that the server fails on does not
    hold up those behind it; after several the rest waits.

    Raises:
        NoConnection, NotAnswered, NotSignedIn: *own* waits.
        TurnedDown: The server will never take *own* as it is.
    """
    failures = 0
    for item in queue.items():
        if item.server != own.server or item.key == own.key or failures == _MOST_FAILURES:
            continue
        try:
            earlier.append((item, _send(client, queue, item)))
            failures = 0
        except (NotAnswered, TurnedDown) as error:
            earlier.append((item, error))
            failures = failures + 1 if isinstance(error, NotAnswered) else 0
    return _send(client, queue, own)


def _send(client: Client, queue: Queue, item: Unsent) -> Answer:
    content = item.content()
    for remaining in reversed(range(_TRIES)):
        try:
            answer = client.submit(content, item.filename, item.key)
        except NotAnswered as error:
            if not (remaining and error.at_work):
                raise
            time.sleep(_PAUSE)
        except TurnedDown as error:
            kept = queue.turned_down(item)
            raise TurnedDown(
                Text(f"{error.message.zh} 副本保存在 {kept}。", f"{error.message.en} The copy is kept at {kept}.")
            ) from error
        else:
            queue.answered(item)
            return answer
    raise AssertionError("unreachable")


def _waits(message: Text, count: int) -> Text:
    return Text(
        f"{message.zh} 副本已保存，共 {count} 份待发送；下次按“提交”时会自动先发。",
        f"{message.en} A copy is kept ({count} waiting); it is sent by itself at the next Submit.",
    )


def _told_answer(done: Submitted) -> list[Text]:
    answer = done.answer
    lines = [Text(desk.verdict(answer, "zh"), desk.verdict(answer, "en"))]
    if answer.next_step:
        lines.append(answer.next_step)
    if answer.remarks and not done.listed:
        lines.append(
            Text(
                "工作簿结构受保护，加不了“检查结果”表；明细如下：",
                "The workbook's structure is protected, so there is no findings sheet; the findings are:",
            )
        )
        lines += [
            Text(f"{r.sheet} {r.cell} {r.what.zh}{r.fix.zh}", f"{r.sheet} {r.cell} {r.what.en} {r.fix.en}")
            for r in answer.remarks[:20]
        ]
    if done.unmarked:
        names = "、".join(done.unmarked)
        lines.append(
            Text(
                f"工作表 {names} 有密码保护，没有在上面写入编号和标记。",
                f"Sheets under a password, in which nothing was written: {names}.",
            )
        )
    return lines


def _told_earlier(item: Unsent, outcome: Answer | DeskError) -> list[Text]:
    if isinstance(outcome, DeskError):
        return [Text(f"先前的 {item.filename}：{outcome.message.zh}", f"Earlier {item.filename}: {outcome.message.en}")]
    return [
        Text(
            f"先前的 {item.filename}：{desk.verdict(outcome, 'zh')}",
            f"Earlier {item.filename}: {desk.verdict(outcome, 'en')}",
        )
    ]


def _told_table(done: Refreshed) -> Text:
    return Text(
        f"{done.sheet} 表 {done.table}：{done.title.zh}，{done.rows} 行（原 {done.rows_before} 行）。",
        f"{done.sheet}, table {done.table}: {done.title.en}, {done.rows} rows (before: {done.rows_before}).",
    )


def _told_form(form: OpenForm) -> list[Text]:
    if not form.form_id:
        return [Text(f"{form.filename}：不是表单。", f"{form.filename}: not a form.")]
    lines = [
        Text(
            f"{form.filename}：表单 {form.form_id}，第 {form.version} 版",
            f"{form.filename}: form {form.form_id}, version {form.version}",
        )
    ]
    if form.number:
        revision = form.revision or "-"
        lines.append(
            Text(
                f"编号 {form.number}，第 {revision} 次修订，{form.state}",
                f"Number {form.number}, revision {revision}, {form.state}",
            )
        )
    else:
        lines.append(Text("还没有编号。", "No number yet."))
    if form.station:
        lines.append(Text(f"发给站点：{form.station}", f"Issued to station {form.station}"))
    return lines


def _ask_server(client: Client, form: OpenForm, facts: dict[str, Any]) -> list[Text]:
    lines: list[Text] = []
    in_use = client.forms().get(form.form_id) if form.form_id else None
    facts["version_in_use"] = in_use
    if form.form_id and in_use is None:
        lines.append(Text("服务器上没有这种表单。", "The server has no such form."))
    elif in_use is not None and in_use != form.version:
        lines.append(Text(f"服务器上现行的是第 {in_use} 版。", f"Version {in_use} is in use on the server."))
    if not form.number:
        return lines
    record = client.record(form.number)
    facts["record"] = None if record is None else {n: record[n] for n in ("revision", "state", "updated_at")}
    if record is None:
        return [
            *lines,
            Text(f"服务器上没有 {form.number}，或您无权查看。", f"The server has no {form.number}, or none for you."),
        ]
    lines.append(
        Text(
            f"服务器：{form.number} 第 {record['revision']} 次修订，{record['state']}，{record['updated_at']}",
            f"Server: {form.number}, revision {record['revision']}, {record['state']}, {record['updated_at']}",
        )
    )
    if form.revision is not None and record["revision"] != form.revision:
        lines.append(
            Text(
                "这份工作簿不是最新的：请下载最新的再修改。",
                "This workbook is not the newest: download the newest before changing anything.",
            )
        )
    return lines


def _both(text: Text) -> dict[str, str]:
    return {"zh": text.zh, "en": text.en}
