"""Options that narrow figures: the period, the day they are of, places and products."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import click

from server.cli.terminal import Refusal
from server.reports.choices import DIMENSIONS, NoSuchChoice, chosen
from server.site import Site
from server.statistics.datasets import names
from server.statistics.periods import OutOfReach, instant_of
from server.statistics.report_period import NoPeriod, ReportPeriod
from server.statistics.selection import Selection
from workbooks.form import Language, Text

as_of_option = click.option(
    "--as-of", type=click.DateTime(["%Y-%m-%d"]), help="State at the end of this day; now when absent."
)


def selection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options --region, --station and so on."""
    for dimension, words in reversed(tuple(DIMENSIONS.items())):
        command = click.option(
            f"--{dimension.replace('_', '-')}", dimension, default="", help=f"Only this {words.en}, by code or name."
        )(command)
    return command


def asked_period(text: str, language: Language) -> ReportPeriod | None:
    try:
        return ReportPeriod.parse(text) if text else None
    except NoPeriod as error:
        raise Refusal(error.message, language, option="--period") from error


def selection_of(site: Site, narrowed: dict[str, str], language: Language) -> Selection:
    with site.session(read_only=True) as session:
        master = site.master(session, retired=True)
    try:
        return chosen(master, narrowed)
    except NoSuchChoice as error:
        raise Refusal(error.message, language, option=f"--{error.dimension.replace('_', '-')}") from error


def end_of_day(site: Site, day: datetime | None, language: Language) -> datetime | None:
    """The end of *day* in the site's zone, as UTC."""
    if day is None:
        return None
    try:
        return instant_of(day.date(), site.zone)
    except OutOfReach as error:
        raise Refusal(error.message, language, option="--as-of") from error


def unknown_dataset(site: Site, name: str, language: Language, option: str = "DATASET") -> Refusal:
    """What to say of a dataset that is not there."""
    there = names(site)
    words = Text(
        f"没有数据集“{name}”，有：{'、'.join(there)}。", f"There is no dataset {name!r}; there are: {', '.join(there)}."
    )
    return Refusal(words, language, option=option)
