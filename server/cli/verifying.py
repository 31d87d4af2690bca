"""`aftersheet verify`: the figures of a workbook beside the database."""

import sys
from datetime import datetime
from pathlib import Path
from typing import NoReturn
from zoneinfo import ZoneInfo

import click

from server.access.visibility import Viewer
from server.cli.installation import open_site
from server.cli.narrowing import asked_period, end_of_day, selection_of, selection_options, unknown_dataset
from server.cli.terminal import Refusal, console, json_option, language_option, plain, print_json, table_with
from server.reports import verification
from server.reports.refused_checks import CannotVerify
from server.reports.verified_words import about, as_mapping, behind, beside, counted, grouped, outcome, place_of
from server.site import Site
from server.statistics.datasets import UnknownDataset
from workbooks.form import Language, Text

_EXIT = {"equal": 0, "different": 1, "unverified": 2}
_HEADINGS = (
    Text("单元格", "Cell"),
    Text("行", "Row"),
    Text("列", "Column"),
    Text("工作簿", "Workbook"),
    Text("数据库", "Database"),
    Text("记录", "Record"),
)
_STORED = (Text("记录", "Record"), Text("字段", "Field"), Text("收下时", "As accepted"), Text("现在", "Now"))
_DAY = "%Y-%m-%d"


@click.command()
@click.argument("workbook", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
@click.option("--originals", is_flag=True, help="Hash the kept original files of the lineage again.")
@click.option("--dataset", default="", help="For a workbook without our stamp: what its table is to hold.")
@click.option("--table", help="With --dataset: the Excel table, where there are several.")
@click.option(
    "--as-of", type=click.DateTime([_DAY, "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]),
    help="With --dataset: as of the end of this day, or of this moment; now when absent.",
)  # fmt: skip
@click.option("--period", default="", help="With --dataset: only rows of 2026-05, 2026Q2 or 2026.")
@selection_options
@language_option
def verify(
    workbook: Path,
    as_json: bool,
    originals: bool,
    dataset: str,
    table: str | None,
    as_of: datetime | None,
    period: str,
    language: Language,
    **narrowed: str,
) -> None:
    """
    Derive every figure of the report WORKBOOK again from the database as of its stamp, and list what differs.

    Exits with 0 where all is equal, 1 where something differs or the stamp is broken, 2
    where something could not be checked.
    """
    operator, content = Viewer.operator(), workbook.read_bytes()
    with open_site() as site:
        try:
            if dataset:
                asked = asked_period(period, language)
                found = verification.verify_table(
                    site, content, operator, dataset,
                    table=table, as_of=_instant(site, as_of, language), start=asked.start if asked else None,
                    end=asked.end if asked else None, selection=selection_of(site, narrowed, language),
                    language=language,
                )  # fmt: skip
            else:
                found = verification.verify(site, content, operator, originals=originals)
        except CannotVerify as error:
            _refuse(error.message, as_json, language)
        except UnknownDataset as error:
            raise unknown_dataset(site, dataset, language, option="--dataset") from error
    if as_json:
        print_json(as_mapping(found))
    else:
        _print(found, site.zone, language)
    sys.exit(_EXIT[found.verdict])


def _refuse(why: Text, as_json: bool, language: Language) -> NoReturn:
    if as_json:
        print_json({"verdict": "unverified", "unverified": [{"zh": why.zh, "en": why.en}]})
    else:
        Refusal(why, language).show()
    sys.exit(_EXIT["unverified"])


def _instant(site: Site, moment: datetime | None, language: Language) -> datetime | None:
    if moment is None or moment.time() == datetime.min.time():
        return end_of_day(site, moment, language)
    return moment.replace(tzinfo=site.zone)


def _print(found: verification.Verification, zone: ZoneInfo, language: Language) -> None:
    if words := about(found, zone):
        console.print(words[language], markup=False)
    if found.broken:
        console.print(found.broken[language], markup=False)
    for (sheet, part), differences in grouped(found).items():
        stored = behind(differences[0])
        title = place_of(part)[language] if stored else " · ".join(filter(None, (sheet, part)))
        table = table_with(_STORED if stored else _HEADINGS, language)
        table.title, table.title_justify = plain(title), "left"
        for one in differences:
            here, there = beside(one, language)
            cells: tuple[str, ...] = one.record, one.column, here, there
            if not stored:
                cells = one.cell, one.row, one.column, here, there, one.record
            table.add_row(*map(plain, cells))
        console.print(table)
    if found.total > len(found.differences):
        listed = Text(
            f"共 {found.total} 处不同，列出前 {len(found.differences)} 处。",
            f"{found.total} differences; the first {len(found.differences)} are listed.",
        )
        console.print(listed[language])
    for text in (*found.unverified, *found.notes):
        console.print(text[language], markup=False)
    console.print(f"{outcome(found)[language]} · {counted(found)[language]}", markup=False)
