"""What is wrong with a filled form, and where."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from dataclasses import field as default
from types import MappingProxyType
from typing import Any

from workbooks.finding_codes import FindingCode, Severity
from workbooks.form import Language, Text

_HOLE = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """
    One thing that is wrong with a submission, and where.

    *cell* is an address such as "C7" on *sheet*; both are empty when the finding is about
    the whole file. *label* is what the person sees beside the cell. *context* fills the
    holes of the texts; a value is a `Text` where the two languages differ.
    """

    code: FindingCode
    sheet: str = ""
    cell: str = ""
    field: str = ""
    label: Text | None = None
    context: Mapping[str, str | Text] = default(default_factory=lambda: MappingProxyType({}))

    @property
    def slug(self) -> str:
        return self.code.slug

    @property
    def severity(self) -> Severity:
        return self.code.severity

    @property
    def place(self) -> str:
        """Sheet and cell as Excel writes them: 'Feedback'!C7 or C7; empty for the whole file."""
        return f"{self.sheet}!{self.cell}" if self.sheet and self.cell else self.cell

    def what(self, language: Language) -> str:
        """What is wrong, in one sentence."""
        return self._fill(self.code.value.what[language], language)

    def fix(self, language: Language) -> str:
        """What to do about it, in one sentence."""
        return self._fill(self.code.value.fix[language], language)

    def message(self, language: Language) -> str:
        """Both sentences."""
        return f"{self.what(language)}{'' if language == 'zh' else ' '}{self.fix(language)}"

    def as_dict(self) -> dict[str, Any]:
        """The finding as JSON values, texts in both languages."""
        return {
            "slug": self.slug,
            "severity": str(self.severity),
            "sheet": self.sheet,
            "cell": self.cell,
            "field": self.field,
            "label": {"zh": self.label.zh, "en": self.label.en} if self.label else None,
            "what": {"zh": self.what("zh"), "en": self.what("en")},
            "fix": {"zh": self.fix("zh"), "en": self.fix("en")},
        }

    def _fill(self, text: str, language: Language) -> str:
        holes: dict[str, str] = {
            # Without the sheet: a receipt has a column for it, and most forms have one sheet.
            "cell": self.cell or ("该项" if language == "zh" else "this answer"),
            "support": "-",
            "detail": "",
        }
        if not self.cell:
            text = text.replace("单元格 {cell}", "{cell}")  # a page has answers, not cells
        if self.label is not None:
            holes["label"] = self.label[language]
        for name, value in self.context.items():
            holes[name] = value[language] if isinstance(value, Text) else value
        # Authors' and senders' texts are put in as they stand: one pass, no format specifiers, no second look.
        return _HOLE.sub(lambda hole: holes[hole[1]], text)


def has_errors(findings: Iterable[Finding]) -> bool:
    """Whether any of *findings* keeps the form from being accepted."""
    return any(finding.severity is Severity.ERROR for finding in findings)
