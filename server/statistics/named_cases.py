"""Cases by what other forms or their own lines say of them: by number, or with parts replaced."""

from collections.abc import Iterable

from sqlalchemy import select

from server.access.visibility import visible
from server.database import table_of
from server.records import form_tables
from server.records.models import Record, Revision
from server.records.stored_answers import stored_values
from server.statistics import case_rows
from server.statistics.cases import Case
from server.statistics.snapshot import View

_RECORDS, _REVISIONS = table_of(Record), table_of(Revision)
_AT_ONCE = 500
_PARTS = "replaced_parts"


def cases_named(view: View, numbers: Iterable[str]) -> dict[str, Case]:
    """The cases with these *numbers* that the viewer may see, as they stood; they do not say whether they repeat."""
    kept = case_rows.kept(view)
    wanted = sorted(set(numbers))
    found: dict[str, Case] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        ids = select(_RECORDS.c.id).where(_RECORDS.c.number.in_(wanted[start : start + _AT_ONCE]))
        query = case_rows.query_of(view, neighbours=False).where(kept.c.record_id.in_(ids))
        found |= {case.number: case for case in case_rows.read(view, query)}
    return found


def with_parts(view: View) -> set[str]:
    """The numbers of the cases that the viewer may see for which parts were replaced, as the forms stood."""
    form = view.site.definitions.get(case_rows.FORM)
    if form is None:
        return set()
    lines, c = form_tables.repeat_tables(form)[_PARTS], _RECORDS.c
    unchanged = select(c.number).where(
        c.form_id == form.form_id, c.updated_at <= view.as_of, c.id.in_(select(lines.c.record_id))
    )
    found = set(view.session.scalars(visible(unchanged, _RECORDS, view.viewer)))
    changed = (
        select(c.number, _REVISIONS.c.version, _REVISIONS.c.answers)
        .join(_REVISIONS, _REVISIONS.c.record_id == c.id)
        .where(c.form_id == form.form_id, c.updated_at > view.as_of, _REVISIONS.c.at <= view.as_of)
        .order_by(c.id, _REVISIONS.c.revision)
    )
    then = {n: bool(stored_values(form, v, text)[_PARTS])
            for n, v, text in view.session.execute(visible(changed, _RECORDS, view.viewer))}  # fmt: skip
    return found | {number for number, parts in then.items() if parts}
