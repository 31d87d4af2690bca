"""How large a workbook may be, and the one exception that says why a file was not opened."""

import hashlib
from dataclasses import dataclass

from workbooks.finding_codes import FindingCode
from workbooks.findings import Finding
from workbooks.form import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """
    What a workbook may hold; sizes in bytes.

    The figures are generous against real files (of 1,878 accepted ones the largest
    inflates to 60 MB, at most 69:1) and small against what a hostile one claims.
    """

    upload: int = 20 << 20
    part: int = 96 << 20  # one part, inflated
    total: int = 256 << 20  # all parts, inflated
    ratio: int = 150  # inflated size to file size, looked at above `ratio_from` only
    ratio_from: int = 16 << 20
    entries: int = 2_000
    sheets: int = 255
    rows: int = 200_000
    columns: int = 1_000
    dense: int = 5_000_000  # cells of the rectangle that holds all answers
    cells: int = 500_000  # of one sheet; twice as many take longer to read than a child is given
    merges: int = 5_000
    merged_area: int = 100_000  # cells
    linked_area: int = 20_000  # cells
    names: int = 20_000
    rules: int = 20_000  # conditional formats of one sheet
    comments: int = 20_000
    styles: int = 65_490
    tag: int = 64 << 10
    text: int = 8 << 20
    pictures: int = 50
    picture: int = 10 << 20


DEFAULT_LIMITS = Limits()


class Refused(Exception):
    """A file that is not read any further; *finding* tells the sender why and what to do."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding)
        self.finding = finding

    def __str__(self) -> str:
        return self.finding.what("en")


def refuse(code: FindingCode, zh: str = "", en: str = "") -> Refused:
    """A refusal whose texts have *zh* and *en* as their detail."""
    return Refused(Finding(code=code, context={"detail": Text(zh, en)}))


def unsafe(zh: str, en: str) -> Refused:
    return refuse(FindingCode.UNSAFE, zh, en)


def too_large(zh: str, en: str) -> Refused:
    return refuse(FindingCode.TOO_LARGE, zh, en)


def damaged(content: bytes, zh: str = "", en: str = "") -> Refused:
    """A refusal with a support code by which an administrator finds *content* among the originals."""
    return Refused(
        Finding(code=FindingCode.DAMAGED, context={"detail": Text(zh, en), "support": support_code(content)})
    )


def support_code(content: bytes) -> str:
    """The first eight digits of the content's sha256, under which the original is kept."""
    return hashlib.sha256(content).hexdigest()[:8].upper()
