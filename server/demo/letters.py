"""Mails as stations of the demo company send them: forms on sealed templates, filled in with what a workbook says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from server.access import seals
from server.access.visibility import Viewer
from server.site import Site
from workbooks.check import check
from workbooks.filled import Values
from workbooks.template import build_template

TO = "forms@aftersheet.example"
_XLSX = ("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet")


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What a station sends: the answers of *workbooks*, each on a template that was issued to it."""

    name: str
    station: str
    who: str
    subject: str
    text: str
    workbooks: Sequence[tuple[str, str]]  # file below the folder of workbooks, name as it is sent


LETTERS = (
    Letter(
        name="shanghai",
        station="SH",
        who="上海服务站 谢文斌",
        subject="故障报告：0101 车制动控制单元",
        text="您好：\n\n附件是 0101 车的故障报告，请查收。\n\n上海服务站 谢文斌",
        workbooks=(("good/fracas_shanghai_bcu.xlsx", "故障报告 0101车.xlsx"),),
    ),
    Letter(
        name="qingdao",
        station="QD",
        who="青岛服务站",
        subject="出差总结，共两份",
        text="您好：\n\n附上两份出差总结单。\n\n青岛服务站",
        workbooks=(
            ("good/trip_summary_qingdao.xlsx", "出差总结单-1.xlsx"),
            ("bad/trip_summary_return_before_departure.xlsx", "出差总结单-2.xlsx"),
        ),
    ),
)


def write_letters(site: Site, workbooks: Path, folder: Path) -> list[Path]:
    """
    The demo's mails as .eml files in *folder*, made the first time and found there after.

    Taking the same file in again is then the same mail again, as it would be in a mailbox.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for letter in LETTERS:
        path = folder / f"{letter.name}.eml"
        if not path.is_file() and all((workbooks / file).is_file() for file, _ in letter.workbooks):
            path.write_bytes(_compose(site, letter, workbooks))
        if path.is_file():
            written.append(path)
    return written


def address_of(station: str) -> str:
    """The address the demo company has on record for a station."""
    return f"{station.lower()}@station.example"


def _compose(site: Site, letter: Letter, folder: Path) -> bytes:
    message = EmailMessage(policy=SMTP)
    message["Date"] = format_datetime(site.now())
    message["From"] = f"{letter.who} <{address_of(letter.station)}>"
    message["To"] = TO
    message["Subject"] = letter.subject
    message["Message-ID"] = f"<{letter.name}.{site.now():%Y%m%d%H%M%S}@station.example>"
    message.set_content(letter.text, cte="base64")
    for file, name in letter.workbooks:
        content = _sealed(site, (folder / file).read_bytes(), letter.station)
        message.add_attachment(content, *_XLSX, filename=name)
    return message.as_bytes()


def _sealed(site: Site, content: bytes, station: str) -> bytes:
    """The answers of a filled workbook on a template of the station's own: a new form that says what that one says."""
    filled = site.sandbox.read(content)
    definition = site.definitions[filled.identity.form_id or ""]
    with site.session() as session:
        master = site.master(session)
        _, seal = seals.issue(
            session,
            site.seal_key,
            form_id=definition.form_id,
            version=definition.version,
            station=station,
            by=Viewer.operator(),
        )
    values = _day_before(check(definition, filled, master=master, now=site.now()).values)
    return build_template(
        definition, language=filled.identity.language, master=master, station=station, seal=seal, values=values
    )


def _day_before(values: Values) -> Values:
    """The same, a day earlier: the workbook itself is sent over HTTP, and this is another case."""
    return {
        name: tuple({field: _moved(value) for field, value in row.items()} for row in answer)
        if isinstance(answer, tuple) and answer and isinstance(answer[0], Mapping)
        else _moved(answer)
        for name, answer in values.items()
    }


def _moved(value: Any) -> Any:
    return value - timedelta(days=1) if isinstance(value, date) else value
