"""From the figures of a report to the records behind them, and to what people sent."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from server.access.visibility import Viewer, visible
from server.database import table_of
from server.records.channels import CHANNELS
from server.records.models import Record, Revision, Submission
from server.site import Site
from workbooks.dataset import Dataset
from workbooks.form import FormDefinition, Language
from workbooks.reporting.edition import Lineage, Origin

LIMIT = 50_000  # records listed one by one; a longer list nobody reads, and Excel takes 65,530 links on a sheet
NUMBER = "number"  # the column in which rows name their record
_OTHERS = ("summary_no",)  # columns with further records that a row is made of
_AT_ONCE = 10_000
_RECORDS, _REVISIONS, _SUBMISSIONS = table_of(Record), table_of(Revision), table_of(Submission)


def lineage(
    session: Session,
    datasets: Mapping[str, Dataset],
    viewer: Viewer,
    *,
    site: Site,
    as_of: datetime,
    language: Language,
    limit: int = LIMIT,
) -> Lineage:
    """The origins of every record that the rows of *datasets* (by table) name, as of *as_of* (aware)."""
    counted = {table: Counter(numbers_in(dataset)) for table, dataset in datasets.items()}
    named = {number: None for count in counted.values() for number in count}
    by_table = {table: dict(count) for table, count in counted.items() if count}
    if len(named) > limit:
        return Lineage(origins=(), counted=by_table, limit=limit)
    rows = (row for numbers in _pieces(list(named)) for row in _rows(session, numbers, viewer, as_of))
    forms = site.definitions
    origins = sorted((_origin(row, site, forms, language) for row in rows), key=lambda origin: origin.number)
    return Lineage(origins=origins, counted=by_table, limit=limit)


def numbers_in(dataset: Dataset) -> Iterator[str]:
    """The records that each row names."""
    for column, values in zip(dataset.columns, dataset.data, strict=True):
        if column.name in (NUMBER, *_OTHERS) and column.type == "text":
            yield from (value for value in values if value)


def _pieces(numbers: Sequence[str]) -> Iterator[Sequence[str]]:
    return (numbers[start : start + _AT_ONCE] for start in range(0, len(numbers), _AT_ONCE))


def _rows(session: Session, numbers: Sequence[str], viewer: Viewer, as_of: datetime) -> Sequence[Any]:
    """Record, its newest revision as of the instant and the submission that brought it."""
    known = _REVISIONS.alias()
    newest = (
        select(func.max(known.c.revision))
        .where(known.c.record_id == _RECORDS.c.id, known.c.at <= as_of)
        .correlate(_RECORDS)
        .scalar_subquery()
    )
    query = (
        select(
            _RECORDS.c.number, _RECORDS.c.form_id, _REVISIONS.c.revision, _SUBMISSIONS.c.id, _SUBMISSIONS.c.received_at,
            _SUBMISSIONS.c.channel, _SUBMISSIONS.c.sender, _SUBMISSIONS.c.filename, _SUBMISSIONS.c.sha256,
        )
        .join(_REVISIONS, _REVISIONS.c.record_id == _RECORDS.c.id)
        .join(_SUBMISSIONS, _SUBMISSIONS.c.id == _REVISIONS.c.submission_id)
        .where(_RECORDS.c.number.in_(numbers), _REVISIONS.c.revision == newest)
    )  # fmt: skip
    return session.execute(visible(query, _RECORDS, viewer)).all()


def _origin(row: Any, site: Site, forms: Mapping[str, FormDefinition], language: Language) -> Origin:
    form = forms.get(row.form_id)
    channel = CHANNELS.get(row.channel)
    return Origin(
        number=row.number,
        form=form.title[language] if form else row.form_id,
        revision=row.revision,
        submission=row.id,
        received_at=row.received_at.astimezone(site.zone).replace(tzinfo=None, microsecond=0),
        channel=channel[language] if channel else row.channel,
        sender=row.sender,
        filename=row.filename,
        sha256=row.sha256,
    )
