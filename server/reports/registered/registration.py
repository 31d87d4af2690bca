"""What somebody asks for when they register a workbook, checked before it is kept."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, time
from typing import Any, Self

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from server.access.models import User
from server.access.visibility import Viewer
from server.intake.mail.plain import plain
from server.reports.registered.models import RegisteredWorkbook
from server.reports.registered.period_rules import OF_REPORTS, PeriodRule, report_period
from server.reports.registered.places import PlaceTrouble, share_named, steps_of
from server.reports.registered.schedule import Rhythm, Schedule
from server.reports.registered.targets import Target, checked_target, look, taken, target_for
from server.settings import Settings
from server.share_settings import Share
from server.site import Site
from server.statistics.datasets import names
from server.statistics.selection import EVERYTHING, Selection
from workbooks.form import Language, Text
from workbooks.report import load_reports

MOST_RECIPIENTS = 20
MOST_KEPT = 60
_AT = re.compile(r"([01]?\d|2[0-3])[:：]([0-5]\d)")
_ADDRESS = re.compile(r"[^@\s<>\",;:()\[\]]+@([^@\s<>\",;:()\[\]]+)")


class RegistrationError(ValueError):
    """A registration that cannot be taken; *message* says why and what to do."""

    def __init__(self, message: Text) -> None:
        super().__init__(message.en)
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """Which dataset goes into a table, for which period, narrowed to what."""

    table: str
    dataset: str
    period: PeriodRule = PeriodRule.HISTORY
    selection: Selection = EVERYTHING

    def as_dict(self) -> dict[str, Any]:
        return {
            "table": self.table,
            "dataset": self.dataset,
            "period": str(self.period),
            "selection": selection_as_dict(self.selection),
        }

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Self:
        return cls(
            table=kept["table"],
            dataset=kept["dataset"],
            period=PeriodRule(kept["period"]),
            selection=Selection(**kept["selection"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """
    Where the workbook comes from: one of an upload, a share, a report definition.

    An upload is named by its sha256 among the originals. A report may be put on a share:
    *path* is where, and may have `targets.PERIOD` in the file's name.
    """

    filename: str
    content_sha256: str | None = None
    share: str = ""
    path: str = ""
    report: str = ""

    @property
    def kind(self) -> str:
        return "report" if self.report else "share" if self.share else "upload"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is done with a registered workbook, when, and for whom; a person may change it at any time."""

    title: str
    language: Language = "zh"
    bindings: tuple[Binding, ...] = ()
    period: PeriodRule = PeriodRule.LAST_MONTH  # of a report
    selection: Selection = EVERYTHING  # of a report
    rhythm: Rhythm = Rhythm.WORKING_DAYS
    at: str = "08:00"
    in_place: bool = False
    recipients: tuple[str, ...] = field(default=())
    keep: int = 10


def plan_of(row: RegisteredWorkbook) -> Plan:
    """The plan as it is kept."""
    return Plan(
        title=row.title,
        language="en" if row.language == "en" else "zh",
        bindings=tuple(Binding.of(binding) for binding in row.bindings),
        period=PeriodRule(row.period or PeriodRule.LAST_MONTH),
        selection=Selection(**row.selection),
        rhythm=Rhythm(row.schedule),
        at=row.at,
        in_place=row.in_place,
        recipients=tuple(row.recipients),
        keep=row.keep,
    )


def write_plan(row: RegisteredWorkbook, plan: Plan) -> None:
    row.title, row.language = plan.title, plan.language
    row.bindings = [binding.as_dict() for binding in plan.bindings]
    row.period, row.selection = str(plan.period), selection_as_dict(plan.selection)
    row.schedule, row.at = str(plan.rhythm), plan.at
    row.in_place, row.recipients, row.keep = plan.in_place, list(plan.recipients), plan.keep


def schedule_of(site: Site, row: RegisteredWorkbook) -> Schedule:
    return Schedule(Rhythm(row.schedule), time.fromisoformat(row.at), site.zone)


def selection_as_dict(selection: Selection) -> dict[str, str]:
    return {name: code for name, code in asdict(selection).items() if code is not None}


def may_register(viewer: Viewer) -> bool:
    """Whether *viewer* may register workbooks at all: everybody but people of one station."""
    return not viewer.station_bound


def open_shares(settings: Settings, viewer: Viewer) -> tuple[Share, ...]:
    """The shares where *viewer* may register workbooks."""
    return tuple(
        share
        for share in settings.shares
        if viewer.admin or viewer.username in share.users or (share.managers and "manager" in viewer.roles)
    )


def checked_source(site: Site, viewer: Viewer, source: Source) -> Source:
    """
    *source*, its path in one spelling.

    Raises:
        RegistrationError: *viewer* may not register there, or there is no such report or place.
    """
    if source.kind == "upload":
        return replace(source, filename=plain(source.filename, 200) or "workbook.xlsx")
    if source.kind == "report":
        if source.report not in load_reports():
            raise RegistrationError(Text(f"没有报表“{source.report}”。", f"There is no report {source.report!r}."))
        if not source.share:
            if source.path:
                raise RegistrationError(Text("请选择共享。", "Choose the share that the path is in."))
            return source
    if source.share not in {share.name for share in open_shares(site.settings, viewer)}:
        raise RegistrationError(
            Text(f"您不能使用共享“{source.share}”。", f"The share {source.share!r} is not open to you.")
        )
    try:
        share_named(site.settings, source.share)
        path = checked_target(source.path) if source.kind == "report" else "/".join(steps_of(source.path))
    except PlaceTrouble as trouble:
        raise RegistrationError(trouble.message) from trouble
    return Source(filename=path.rpartition("/")[2], share=source.share, path=path, report=source.report)


def check_target(
    site: Site, source: Source, plan: Plan, *, owner_id: int, now: datetime, workbook_id: int | None = None
) -> None:
    """
    See whether a report can be put where *source* says, in time for a person to choose another place.

    Raises:
        RegistrationError: Another registration has the place, somebody else's file is there, or it cannot be reached.
    """
    if source.kind != "report" or not source.share:
        return
    with site.session(read_only=True) as session:
        if taken(session, source.share, source.path, but=workbook_id):
            raise RegistrationError(
                Text(
                    f"“{source.path}”已由另一项登记使用，请换一个文件名。",
                    f"Another registration uses {source.path!r}; choose another name.",
                )
            )
    if plan.period not in OF_REPORTS:
        return
    period = report_period(plan.period, now.astimezone(site.zone).date())
    try:
        path = target_for(source.path, period.name)
        look(site, Target(share=source.share, path=path, report=source.report, owner_id=owner_id))
    except PlaceTrouble as trouble:
        raise RegistrationError(trouble.message) from trouble


def checked_title(title: str) -> str:
    """
    *title* in one line.

    Raises:
        RegistrationError: There is none, or it is too long.
    """
    shown = plain(title, 200)
    if not shown or len(shown) > 120:
        raise RegistrationError(Text("名称应为 1 至 120 个字符。", "A title has 1 to 120 characters."))
    return shown


def checked_plan(session: Session, site: Site, source: Source, plan: Plan) -> Plan:
    """
    *plan* in one spelling.

    Raises:
        RegistrationError: Something in it cannot be done; the first thing that cannot.
    """
    title = checked_title(plan.title)
    if not 1 <= plan.keep <= MOST_KEPT:
        raise RegistrationError(
            Text(f"保留版本数应在 1 到 {MOST_KEPT} 之间。", f"Keep between 1 and {MOST_KEPT} versions.")
        )
    if plan.in_place and not source.share:
        raise RegistrationError(
            Text(
                "就地替换需要共享：请选择共享和路径，或下载、用邮件发送。",
                "To be replaced in place it needs a share and a path; others are downloaded or mailed.",
            )
        )
    _check_contents(site, source, plan)
    return Plan(
        title=title,
        language=plan.language,
        bindings=plan.bindings,
        period=plan.period,
        selection=plan.selection,
        rhythm=plan.rhythm,
        at=_time(plan.at),
        in_place=plan.in_place or (source.kind == "report" and bool(source.share)),
        recipients=_recipients(session, site.settings, plan.recipients),
        keep=plan.keep,
    )


def _check_contents(site: Site, source: Source, plan: Plan) -> None:
    if source.kind == "report":
        definition = load_reports()[source.report]
        kinds = getattr(definition, "periods", ("month", "quarter", "history"))
        if plan.period not in OF_REPORTS or _KIND[plan.period] not in kinds:
            raise RegistrationError(
                Text(
                    f"报表“{definition.title.zh}”不能按“{plan.period.label.zh}”生成。",
                    f"The report “{definition.title.en}” is not made for “{plan.period.label.en}”.",
                )
            )
        return
    if not plan.bindings:
        raise RegistrationError(Text("请至少给一张表选择数据集。", "Choose the dataset of at least one table."))
    tables = [binding.table.casefold() for binding in plan.bindings]
    if len(set(tables)) < len(tables):
        raise RegistrationError(Text("一张表只能对应一个数据集。", "A table takes one dataset only."))
    known = set(names(site))
    if unknown := [binding.dataset for binding in plan.bindings if binding.dataset not in known]:
        raise RegistrationError(Text(f"没有数据集“{unknown[0]}”。", f"There is no dataset {unknown[0]!r}."))


_KIND: Mapping[PeriodRule, str] = {
    PeriodRule.THIS_MONTH: "month",
    PeriodRule.LAST_MONTH: "month",
    PeriodRule.THIS_QUARTER: "quarter",
    PeriodRule.LAST_QUARTER: "quarter",
    PeriodRule.HISTORY: "history",
}


def _time(text: str) -> str:
    match = _AT.fullmatch(text.strip())
    if match is None:
        raise RegistrationError(Text("时间请写成 08:00 的样子。", "Write the time like 08:00."))
    return f"{int(match[1]):02d}:{match[2]}"


def _recipients(session: Session, settings: Settings, asked: tuple[str, ...]) -> tuple[str, ...]:
    """The addresses, each once; figures leave for the house's own addresses only."""
    addresses = tuple(dict.fromkeys(address.strip().lower() for address in asked if address.strip()))
    if len(addresses) > MOST_RECIPIENTS:
        raise RegistrationError(
            Text(f"收件人最多 {MOST_RECIPIENTS} 个。", f"There may be at most {MOST_RECIPIENTS} recipients.")
        )
    if addresses and settings.mail.smtp is None:
        raise RegistrationError(
            Text("服务器没有设置发信，不能用邮件发送。", "No server for mail is set: it cannot be mailed.")
        )
    for address in addresses:
        match = _ADDRESS.fullmatch(address)
        if match is None or not address.isprintable() or address in settings.mail.own_addresses:
            raise RegistrationError(Text(f"“{address}”不是可用的邮箱地址。", f"{address!r} is no address to mail to."))
        if match[1] not in allowed_domains(settings) and not _is_of_a_person(session, address):
            raise RegistrationError(
                Text(
                    f"不能把数据发给 {address}：只能发给本系统用户，或域名 {'、'.join(allowed_domains(settings))}。",
                    f"Figures are not mailed to {address}: only to people who sign in here, and to "
                    f"{', '.join(allowed_domains(settings))}.",
                )
            )
    return addresses


def allowed_domains(settings: Settings) -> tuple[str, ...]:
    """The domains whose addresses may be sent figures."""
    if settings.recipient_domains:
        return tuple(domain.lower().lstrip("@") for domain in settings.recipient_domains)
    return (settings.mail.smtp.from_address.rpartition("@")[2].lower(),) if settings.mail.smtp else ()


def _is_of_a_person(session: Session, address: str) -> bool:
    found = session.scalar(select(User.id).where(func.lower(User.email) == address, User.active).limit(1))
    return found is not None
