"""Findings as they are kept with a submission, and back."""

from collections.abc import Iterable
from typing import Any

import orjson

from workbooks.finding_codes import FindingCode
from workbooks.findings import Finding
from workbooks.form import Text

_BY_SLUG = {code.slug: code for code in FindingCode}


def dump(findings: Iterable[Finding]) -> str:
    """JSON of *findings*: their public form, and the context that fills their texts."""
    return orjson.dumps([finding.as_dict() | {"context": _plain(finding)} for finding in findings]).decode()


def load(text: str) -> tuple[Finding, ...]:
    """The findings that `dump` wrote."""
    return tuple(_finding(entry) for entry in orjson.loads(text))


def public(text: str) -> tuple[dict[str, Any], ...]:
    """The kept findings in their public form (`Finding.as_dict`), worded as they were then."""
    return tuple({key: value for key, value in entry.items() if key != "context"} for entry in orjson.loads(text))


def _plain(finding: Finding) -> dict[str, Any]:
    return {
        name: {"zh": value.zh, "en": value.en} if isinstance(value, Text) else value
        for name, value in finding.context.items()
    }


def _finding(entry: dict[str, Any]) -> Finding:
    context = {name: Text(**value) if isinstance(value, dict) else value for name, value in entry["context"].items()}
    return Finding(
        code=_BY_SLUG[entry["slug"]],
        sheet=entry["sheet"],
        cell=entry["cell"],
        field=entry["field"],
        label=Text(**entry["label"]) if entry["label"] else None,
        context=context,
    )
