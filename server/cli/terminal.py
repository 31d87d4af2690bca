"""How results look on the terminal: tables for people, JSON for programs."""

import os
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any

import click
import orjson
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from workbooks.finding_codes import Severity
from workbooks.findings import Finding
from workbooks.form import Language, Text

console = Console()
language_option = click.option(
    "--lang", "language", type=click.Choice(["zh", "en"]), default="zh", show_default=True, help="Language of texts."
)
json_option = click.option("--json", "as_json", is_flag=True, help="JSON on standard output, for programs.")
password_option = click.option(
    "--password",
    default="",
    prompt=True,
    prompt_required=False,
    hide_input=True,
    help="Opens encrypted workbooks; without a value it is asked for, and does not stand in the shell's history.",
)
out_option = click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="File to write."
)


_HEADINGS = (Text("单元格", "Cell"), Text("标签", "Label"), Text("哪里不对，怎么改", "What is wrong, what to do"))


class Refusal(click.ClickException):
    """
    Why a command cannot do what it was asked, and what to do, in the *language* it was asked in or else in both.

    The exit status is 1, or 2 where *option* was used wrongly.
    """

    def __init__(self, why: Text, language: Language | None = None, *, option: str = "") -> None:
        super().__init__(why[language] if language else f"{why.zh}\n{why.en}")
        self._heading = Text("错误：", "Error: ")[language or "zh"] + (f"{option}: " if option else "")
        self._option = option

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        return 2 if self._option else 1

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"{self._heading}{self.message}", file=file, err=file is None)


def print_json(value: Any) -> None:
    """*value* as indented JSON on standard output."""
    sys.stdout.buffer.write(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE, default=str))
    sys.stdout.buffer.flush()


def print_findings(findings: Iterable[Finding], language: Language) -> None:
    """Where, which label, what is wrong and below it what to do, a row per finding."""
    table = Table(show_edge=False, pad_edge=False, header_style="bold", box=None)
    cell, label_, what = (heading[language] for heading in _HEADINGS)
    table.add_column("")
    table.add_column(cell, no_wrap=True)
    table.add_column(label_, overflow="fold", max_width=24)
    table.add_column(what, overflow="fold")
    for finding in findings:
        mark = "[red]✗[/]" if finding.severity is Severity.ERROR else "[yellow]![/]"
        label = finding.label[language] if finding.label else ""
        text = f"{plain(finding.what(language))}\n[dim]{plain(finding.fix(language))}[/]"
        table.add_row(mark, finding.cell, plain(label), text)
    console.print(table)


def progress_bar(description: str) -> Progress:
    """A bar with count and remaining time, on standard error so that output can be piped."""
    return Progress(
        TextColumn(description),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )


def table_with(headings: Sequence[Text], language: Language, *, copied: Text | None = None) -> Table:
    """A table for the terminal; the column *copied* is never folded, people copy from it."""
    table = Table(header_style="bold")
    for heading in headings:
        table.add_column(heading[language], overflow="fold", no_wrap=heading is copied)
    return table


def write_file(path: Path, content: bytes, language: Language | None = None) -> None:
    """
    Write *content* to *path* whole or not at all: a crash or an open Excel never leaves half a workbook.

    Raises:
        Refusal: It cannot be written there.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except PermissionError as error:
        words = Text(
            f"{path} 写不进去（{error.strerror}）。若正在 Excel 中打开，请先关闭；否则请检查文件夹的写入权限。",
            f"{path} cannot be written ({error.strerror}). Close it if it is open in Excel, or let its folder be "
            "written.",
        )
        raise Refusal(words, language) from error
    except OSError as error:
        words = Text(
            f"{path} 写不进去（{error.strerror}）。请换一个文件名或文件夹，或腾出空间。",
            f"{path} cannot be written ({error.strerror}). Choose another name or folder, or make room.",
        )
        raise Refusal(words, language) from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


def plain(text: str) -> str:
    """Senders' texts as they stand: square brackets are not rich's markup."""
    return escape(text)
