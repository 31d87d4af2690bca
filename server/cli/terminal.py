"""How results look on the terminal: tables for people, JSON for programs."""

import os
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
import orjson
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from workbooks.finding_codes import Severity
from workbooks.findings import Finding
from workbooks.form import Language

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


def print_json(value: Any) -> None:
    """*value* as indented JSON on standard output."""
    sys.stdout.buffer.write(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE, default=str))
    sys.stdout.buffer.flush()


def print_findings(findings: Iterable[Finding], language: Language) -> None:
    """Where, which label, what is wrong and below it what to do, a row per finding."""
    table = Table(show_edge=False, pad_edge=False, header_style="bold", box=None)
    table.add_column("")
    table.add_column("Cell", no_wrap=True)
    table.add_column("Label", overflow="fold", max_width=24)
    table.add_column("What is wrong, what to do", overflow="fold")
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


def write_file(path: Path, content: bytes) -> None:
    """Write *content* to *path* whole or not at all: a crash or an open Excel never leaves half a workbook."""
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
        raise click.ClickException(f"{path} cannot be written; is it open in Excel? ({error.strerror})") from error
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written: {error.strerror}") from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


def plain(text: str) -> str:
    """Senders' texts as they stand: square brackets are not rich's markup."""
    return escape(text)
