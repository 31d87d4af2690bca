"""bytes → a workbook that may be read: a new one (.xlsx), an old one (.xls), either behind a password."""

from collections.abc import Iterable
from dataclasses import dataclass

from workbooks.finding_codes import FindingCode
from workbooks.findings import Finding
from workbooks.guard import Inspection, Limits, inspect
from workbooks.package import SheetPart
from workbooks.parsing import biff, locks, names, passwords, sniff
from workbooks.parsing.albums import Album, NewAlbum
from workbooks.parsing.biff import BrokenRecords, OldBook
from workbooks.parsing.compound import MAGIC, Compound
from workbooks.parsing.grids import Grids, Position
from workbooks.parsing.names import Names
from workbooks.parsing.old_pictures import OldAlbum
from workbooks.parsing.unread import unread_cells, with_known_errors
from workbooks.refusal import DEFAULT_LIMITS, damaged, refuse

_MACROS, _CONTROLS, _OBJECTS = "_VBA_PROJECT_CUR", "Ctls", ("MBD", "LNK")
_REFUSED = {
    "xlm": ("Excel 4.0 宏表", "Excel 4.0 macro sheets"),
    "activex": ("ActiveX 控件", "ActiveX controls"),
    "dde": ("DDE 链接(会启动别的程序)", "DDE links (which start other programs)"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """
    A workbook the guard has let pass; either *inspection* (.xlsx) or *old* (.xls) is there.

    *findings* tell what was unusual about opening it.
    """

    sheets: tuple[SheetPart, ...]
    names: Names
    grids: Grids
    flags: frozenset[str]
    findings: tuple[Finding, ...] = ()
    inspection: Inspection | None = None
    old: OldBook | None = None

    def album(self) -> Album:
        """The workbook's pictures."""
        if self.old is not None:
            return OldAlbum(self.old)
        assert self.inspection is not None
        return NewAlbum(self.inspection)

    def unlocked(self, title: str, cells: Iterable[Position]) -> set[Position]:
        """Those of *cells* of sheet *title* that a protected sheet lets people type into."""
        if self.old is not None:
            return self.old.unlocked.get(title, set()).intersection(cells)
        assert self.inspection is not None
        return locks.unlocked(self.inspection, title, cells)


def open_workbook(content: bytes, limits: Limits, password: str = "") -> Opened:
    """
    *content* looked over, ready to be read.

    Raises:
        Refused: It is something else, damaged, too large, locked, or not to be trusted.
    """
    if not content.startswith(MAGIC) or len(content) > limits.upload:
        return _new(content, limits)
    recognised = sniff.recognise(content)
    if recognised.finding.code not in (FindingCode.ENCRYPTED, FindingCode.OLD_FILE_FORMAT):
        raise recognised
    compound = Compound(content, limits)
    if passwords.PACKAGE in compound.streams:
        plain, given = passwords.unlock(content, compound, password)
        if plain.startswith(MAGIC):
            raise damaged(content)
        return _new(plain, limits, _with_password(given))
    if "Workbook" not in compound.streams:
        raise sniff.of_streams(compound.streams) or refuse(FindingCode.OLD_FILE_FORMAT)
    return _old(content, compound, limits, password)


def unlocked(content: bytes) -> bytes:
    """
    *content* without the password that Excel sets by itself ("read-only recommended"); the same when it has none.

    Raises:
        Refused: It has a password of the sender's own.
    """
    if not content.startswith(MAGIC):
        return content
    compound = Compound(content, DEFAULT_LIMITS)
    return passwords.unlock(content, compound, "")[0] if passwords.PACKAGE in compound.streams else content


def _new(content: bytes, limits: Limits, findings: tuple[Finding, ...] = ()) -> Opened:
    inspection = inspect(content, limits)
    return Opened(
        sheets=inspection.sheets,
        names=names.sort_out(names.spelled_in(inspection.workbook), inspection.sheets),
        grids=Grids(
            content,
            lambda title: unread_cells(inspection.sheet(title)),
            lambda: with_known_errors(inspection.parts, (sheet.part for sheet in inspection.sheets)),
        ),
        flags=inspection.flags,
        findings=findings,
        inspection=inspection,
    )


def _old(content: bytes, compound: Compound, limits: Limits, password: str) -> Opened:
    given = False
    try:
        book = biff.walk(compound.read("Workbook"), limits)
        if book.encrypted:
            content, given = passwords.unlock(content, compound, password)
            compound = Compound(content, limits)
            book = biff.walk(compound.read("Workbook"), limits)
            if book.encrypted:
                raise damaged(content)
    except (BrokenRecords, KeyError) as error:
        raise damaged(content) from error
    flags = book.flags | _flags(compound)
    for flag, (zh, en) in _REFUSED.items():
        if flag in flags:
            raise refuse(FindingCode.ACTIVE_CONTENT, zh, en)
    return Opened(
        sheets=book.sheets,
        names=names.sort_out(book.names, book.sheets),
        grids=Grids(content, lambda title: book.errors.get(title, {}).items()),
        flags=flags,
        findings=(Finding(code=FindingCode.OLD_FORMAT_TAKEN), *_with_password(given)),
        old=book,
    )


def _flags(compound: Compound) -> frozenset[str]:
    """What kinds of active content the file holds, by the names of its streams and storages."""
    found = {
        "macro": _MACROS in compound.storages,
        "activex": _CONTROLS in compound.streams,
        "ole": any(name.startswith(_OBJECTS) for name in compound.storages),
    }
    return frozenset(flag for flag, there in found.items() if there)


def _with_password(given: bool) -> tuple[Finding, ...]:
    return (Finding(code=FindingCode.OPENED_WITH_PASSWORD),) if given else ()
