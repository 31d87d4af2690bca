"""The records of a form as they were known at an instant, and no record the viewer may not see."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from server.access.visibility import Viewer, visible
from server.database import table_of
from server.records import form_tables
from server.records.models import Record, Revision
from server.records.stored_answers import stored_values
from server.site import Site
from workbooks.form import FormDefinition

_RECORDS, _REVISIONS = table_of(Record), table_of(Revision)
_OWN = ("number", "station", "created_at")

Answers = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class View:
    """
    Whose eyes look at which installation, as of when.

    *as_of* is aware. What was received later does not exist in this view, and what is
    dated later has not happened: a figure for May does not change because a case was
    closed in June.
    """

    session: Session
    site: Site
    viewer: Viewer
    as_of: datetime

    @classmethod
    def at(cls, session: Session, site: Site, viewer: Viewer, as_of: datetime | None) -> "View":
        return cls(session, site, viewer, as_of or datetime.now(UTC))

    @property
    def local(self) -> datetime:
        """The instant as a naive date and time in the site's zone."""
        return self.as_of.astimezone(self.site.zone).replace(tzinfo=None)

    def rows(
        self,
        form_id: str,
        *repeats: str,
        first: date | None = None,
        last: date | None = None,
        given: str | None = None,
    ) -> list[dict[str, Any]]:
        """
        One mapping of answers per record, oldest first, with number, station and created_at.

        *first* and *last* (both included, local) narrow the records by the day they first
        came in, *given* to those that answer this field or have lines in this one of *repeats*.
        Values are as the form's table holds them: text, int, float, date, naive datetime.
        Each of *repeats* is a list of such mappings under its name.
        """
        definition = self.site.definitions.get(form_id)
        if definition is None:
            return []
        asked = _Asked(definition, repeats, tuple(self._received(first, last)), given)
        # A record that was not changed since is read as it is now; the others from the revision of then.
        return sorted(self._unchanged(asked) + self._changed(asked), key=lambda row: int(row["record_id"]))

    def local_time(self, instant: datetime) -> datetime:
        """*instant* (aware) as a naive date and time in the site's zone."""
        return instant.astimezone(self.site.zone).replace(tzinfo=None)

    def _received(self, first: date | None, last: date | None) -> Iterator[ColumnElement[bool]]:
        """What days of arrival ask of a record."""
        if first is not None:
            yield _RECORDS.c.created_at >= datetime.combine(first, time.min, self.site.zone)
        if last is not None:
            yield _RECORDS.c.created_at <= datetime.combine(last, time.max, self.site.zone)

    def _unchanged(self, asked: "_Asked") -> list[dict[str, Any]]:
        table = form_tables.table(asked.definition)
        same = _RECORDS.c.id == table.c.record_id
        own = _RECORDS.c.form_id == asked.definition.form_id
        conditions = (own, _RECORDS.c.updated_at <= self.as_of, *asked.received, *asked.answered)
        query = visible(select(table).join(_RECORDS, same).where(*conditions), table, self.viewer)
        found = [dict(row) for row in self.session.execute(query).mappings()]
        by_record = {row["record_id"]: row for row in found}
        for repeat in asked.repeats:
            for row in found:
                row[repeat] = []
            lines = form_tables.repeat_tables(asked.definition)[repeat]
            joined = select(lines).join(table, table.c.record_id == lines.c.record_id).join(_RECORDS, same)
            query = visible(joined.where(*conditions), table, self.viewer).order_by(lines.c.record_id, lines.c.line)
            for line in self.session.execute(query).mappings():
                by_record[line["record_id"]][repeat].append(dict(line))
        return found

    def _changed(self, asked: "_Asked") -> list[dict[str, Any]]:
        then = (
            select(func.max(_REVISIONS.c.revision))
            .where(_REVISIONS.c.record_id == _RECORDS.c.id, _REVISIONS.c.at <= self.as_of)
            .correlate(_RECORDS)
            .scalar_subquery()
        )
        # The station comes from the record as it is now: who may see it is decided today.
        query = (
            select(_RECORDS.c.id, *(_RECORDS.c[name] for name in _OWN), _REVISIONS.c.version, _REVISIONS.c.answers)
            .join(_REVISIONS, (_REVISIONS.c.record_id == _RECORDS.c.id) & (_REVISIONS.c.revision == then))
            .where(_RECORDS.c.form_id == asked.definition.form_id)
            .where(_RECORDS.c.updated_at > self.as_of, _RECORDS.c.created_at <= self.as_of, *asked.received)
        )
        found: list[dict[str, Any]] = []
        for record in self.session.execute(visible(query, _RECORDS, self.viewer)).mappings():
            values = stored_values(asked.definition, record["version"], record["answers"])
            row: dict[str, Any] = form_tables.row(asked.definition, values) | {name: record[name] for name in _OWN}
            row |= {"record_id": record["id"], "station": values.get("station") or record["station"]}
            for repeat in asked.repeats:
                lines: Any = values[repeat]
                row[repeat] = [
                    {"line": at, **{name: form_tables.stored(value) for name, value in line.items()}}
                    for at, line in enumerate(lines, start=1)
                ]
            if asked.given is None or row[asked.given]:
                found.append(row)
        return found


@dataclass(frozen=True, slots=True)
class _Asked:
    definition: FormDefinition
    repeats: tuple[str, ...]
    received: tuple[ColumnElement[bool], ...]
    given: str | None

    @property
    def answered(self) -> Iterator[ColumnElement[bool]]:
        """What *given* asks of a record as it is now."""
        if self.given is None:
            return
        table, repeats = form_tables.table(self.definition), form_tables.repeat_tables(self.definition)
        if self.given in repeats:
            yield table.c.record_id.in_(select(repeats[self.given].c.record_id))
        else:
            yield table.c[self.given].is_not(None)
