"""What became of a damaged workbook: right values, or findings that name the damage; anything else is a fault."""

from tests.fuzz.subject import MASTER, NOW, Damage, Subject
from workbooks.check import CheckReport, check
from workbooks.filled import Row, Value
from workbooks.finding_codes import Severity
from workbooks.findings import Finding
from workbooks.form import FieldType
from workbooks.reader import read
from workbooks.refusal import Refused


def judge(subject: Subject, damaged: bytes, damage: Damage) -> list[str]:
    """The faults, none for a good end: values accepted that are wrong, or a refusal that does not say why."""
    try:
        form = read(damaged, subject.forms)
    except Refused as refused:
        return _unnamed([refused.finding], damage)
    definition = subject.forms.get(form.identity.form_id or "")
    if definition is None:
        return _unnamed(list(form.findings), damage)
    report = check(definition, form, master=MASTER, now=NOW)
    if not report.accepted:
        return _unnamed([f for f in report.findings if f.severity is Severity.ERROR], damage)
    if damage.must_refuse:
        return ["accepted, though nobody can say which answers are meant"]
    if definition is not subject.definition:
        return [f"accepted as {definition.form_id}"]
    return _wrong(subject, report, damage)


def _unnamed(errors: list[Finding], damage: Damage) -> list[str]:
    names = {path for path in damage.paths} | {path.partition(".")[0] for path in damage.paths}
    if any(error.slug in damage.slugs or error.field in names for error in errors):
        return []
    told = "; ".join(f"{e.slug} {e.field} {e.cell}" for e in errors[:6])
    return [f"turned down without naming the damage: {told or 'nothing said'}"]


def _wrong(subject: Subject, report: CheckReport, damage: Damage) -> list[str]:
    faults = []
    typed = [f for f in subject.definition.fields if not f.computed and f.type is not FieldType.IMAGE]
    for field in typed:
        before, after = subject.report.values[field.name], report.values[field.name]
        if after != before and after not in damage.becomes.get(field.name, ()):
            faults.append(f"{field.name}: {before!r} became {after!r}")
    for repeat in subject.definition.repeats:
        typed_names = [f.name for f in repeat.fields if not f.computed]
        before, after = (_lines(r.values[repeat.name], typed_names) for r in (subject.report, report))
        allowed = [_lines(lines, typed_names) for lines in damage.becomes.get(repeat.name, ())]
        if after != before and after not in allowed:
            faults.append(f"{repeat.name}: {before!r} became {after!r}")
    if not faults and not damage.becomes:
        computed = [f.name for f in subject.definition.fields if f.computed]
        changed = [n for n in computed if subject.report.values[n] != report.values[n]]
        faults += [f"{name} is worked out as {report.values[name]!r}" for name in changed]
    return faults


def _lines(rows: object, names: list[str]) -> list[list[Value]]:
    lines: tuple[Row, ...] = rows  # type: ignore[assignment]
    return [[row.get(name) for name in names] for row in lines]
