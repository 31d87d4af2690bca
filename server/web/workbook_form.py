"""The form on which a person plans a registered workbook, read back."""

from collections.abc import Mapping

from werkzeug.datastructures import MultiDict

from server.reports.choices import DIMENSIONS, NoSuchChoice, chosen
from server.reports.registered.period_rules import PeriodRule
from server.reports.registered.registration import Binding, Plan, RegistrationError
from server.reports.registered.schedule import Rhythm
from server.statistics.selection import EVERYTHING, Selection
from workbooks.form import Text
from workbooks.master import Master

MOST_TABLES = 200


def plan_in(form: MultiDict[str, str], master: Master) -> Plan:
    """
    The plan a person has filled in.

    Raises:
        RegistrationError: A choice is none of those offered.
    """
    return Plan(
        title=form.get("title", ""),
        language="en" if form.get("language") == "en" else "zh",
        bindings=tuple(_binding(form, number, master) for number in _bound(form)),
        period=_rule(form.get("period", PeriodRule.LAST_MONTH)),
        selection=_selection(form, "", master),
        rhythm=_rhythm(form.get("rhythm", "")),
        at=form.get("at", "08:00"),
        in_place=form.get("in_place") == "1",
        recipients=tuple(form.get("recipients", "").replace("；", ";").replace(",", ";").replace("，", ";").split(";")),
        keep=form.get("keep", 10, type=int),
    )


def _bound(form: MultiDict[str, str]) -> list[int]:
    """The numbers of the tables for which a dataset is chosen."""
    return [number for number in range(MOST_TABLES) if form.get(f"dataset.{number}")]


def _binding(form: MultiDict[str, str], number: int, master: Master) -> Binding:
    return Binding(
        table=form.get(f"table.{number}", ""),
        dataset=form[f"dataset.{number}"],
        period=_rule(form.get(f"period.{number}", PeriodRule.HISTORY)),
        selection=_selection(form, f".{number}", master),
    )


def _selection(form: Mapping[str, str], suffix: str, master: Master) -> Selection:
    asked = {name: form.get(f"{name}{suffix}", "") for name in DIMENSIONS}
    if not any(asked.values()):
        return EVERYTHING
    try:
        return chosen(master, asked)
    except NoSuchChoice as error:
        raise RegistrationError(error.message) from error


def _rule(text: str) -> PeriodRule:
    try:
        return PeriodRule(text)
    except ValueError as error:
        raise RegistrationError(Text(f"没有期间“{text}”。", f"There is no period {text!r}.")) from error


def _rhythm(text: str) -> Rhythm:
    try:
        return Rhythm(text)
    except ValueError as error:
        raise RegistrationError(Text("请选择何时刷新。", "Say when it is to be refreshed.")) from error
