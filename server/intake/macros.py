"""Workbooks with buttons: our macros put in, and signed where the installation says how."""

import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from server.settings import Settings
from workbooks.form import FormDefinition, Language
from workbooks.macros import ON_FORMS, ON_REPORTS, has_macros, with_macros
from workbooks.package import Package, PackageError
from workbooks.reporting.report_definition import ReportDefinition

MEDIA_TYPE = "application/vnd.ms-excel.sheet.macroEnabled.12"
_SECONDS = 120  # a time stamp is fetched from somewhere else
# The figures a form offers when its workbook has no table yet, by the form's group.
_FIGURES: Mapping[str, str] = MappingProxyType({"fracas": "fracas_cases", "feedback": "satisfaction", "trips": "trips"})


class SigningError(Exception):
    """The command set as `macro_signer` did not give back a workbook with macros; the text is what it said."""


def form_with_macros(
    content: bytes, definition: FormDefinition, *, settings: Settings, language: Language, server: str = ""
) -> bytes:
    """
    A form's workbook (.xlsx, blank or a record) with the four buttons, as .xlsm.

    *server* is the address it talks to, by default the installation's public one.

    Raises:
        SigningError: It could not be signed.
    """
    made = with_macros(
        content,
        language=language,
        buttons=ON_FORMS,
        server=server or settings.public_url,
        dataset=_FIGURES.get(definition.group, f"records_{definition.form_id}"),
    )
    return signed(made, settings.macro_signer)


def report_with_macros(
    content: bytes, report: ReportDefinition, *, settings: Settings, language: Language, server: str = ""
) -> bytes:
    """
    A report's workbook with the button that refreshes its tables, as .xlsm.

    Raises:
        SigningError: It could not be signed.
    """
    made = with_macros(
        content,
        language=language,
        buttons=ON_REPORTS,
        server=server or settings.public_url,
        tables={table.name: table.dataset for table in report.tables},
    )
    return signed(made, settings.macro_signer)


def signed(content: bytes, command: tuple[str, ...]) -> bytes:
    """
    *content* after *command* has signed it in place; without a command, *content*.

    The word {file} in the command is the workbook's path. It runs without a shell.

    Raises:
        SigningError: It failed, took too long, or left something else than such a workbook.
    """
    if not command:
        return content
    with tempfile.TemporaryDirectory(prefix="aftersheet-sign-") as folder:
        path = Path(folder, "workbook.xlsm")
        path.write_bytes(content)
        words = [word.replace("{file}", str(path)) for word in command]
        try:
            run = subprocess.run(  # noqa: S603  (the administrator's own command)
                words, capture_output=True, text=True, errors="replace", timeout=_SECONDS, check=False
            )
            if run.returncode:
                raise SigningError(f"{command[0]} ended with {run.returncode}: {(run.stderr or run.stdout).strip()}")
            made = path.read_bytes()
            if not has_macros(Package(made)):
                raise SigningError(f"{command[0]} left a workbook without macros")
        except (OSError, subprocess.TimeoutExpired, PackageError) as error:
            raise SigningError(f"{command[0]}: {error}") from error
    return made
