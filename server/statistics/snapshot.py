"""The records of a form as they were known at an instant, and no record the viewer may not see."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select
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

    def rows(self, form_id: str, *repeats: str) -> list[dict[str, Any]]:
        """
        One mapping of answers per record, oldest first, with number, station and created_at.

        Values are as the form's table holds them: text, int, float, date, naive datetime.
        Each of *repeats* is a list of such mappings under its name.
        """
        definition = self.site.definitions.get(form_id)
        if definition is None:
            return []
        newest = self.session.scalar(
            select(func.max(_RECORDS.c.updated_at)).where(_RECORDS.c.form_id == definition.form_id)
        )
        if newest is None or newest <= self.as_of:
            return self._current(definition, repeats)
        return self._past(definition, repeats)

    def local_time(self, instant: datetime) -> datetime:
        """*instant* (aware) as a naive date and time in the site's zone."""
        return instant.astimezone(self.site.zone).replace(tzinfo=None)

    def _current(self, definition: FormDefinition, repeats: tuple[str, ...]) -> list[dict[str, Any]]:
        table = form_tables.table(definition)
        query = visible(select(table), table, self.viewer).order_by(table.c.record_id)
        found = [dict(row) for row in self.session.execute(query).mappings()]
        by_record = {row["record_id"]: row for row in found}
        for repeat in repeats:
            for row in found:
                row[repeat] = []
            lines = form_tables.repeat_tables(definition)[repeat]
            joined = select(lines).join(table, table.c.record_id == lines.c.record_id)
            query = visible(joined, table, self.viewer).order_by(lines.c.record_id, lines.c.line)
            for line in self.session.execute(query).mappings():
                by_record[line["record_id"]][repeat].append(dict(line))
        return found

    def _past(self, definition: FormDefinition, repeats: tuple[str, ...]) -> list[dict[str, Any]]:
        newest = (
            select(_REVISIONS.c.record_id, func.max(_REVISIONS.c.revision).label("revision"))
            .where(_REVISIONS.c.at <= self.as_of)
            .group_by(_REVISIONS.c.record_id)
            .subquery()
        )
        # The station comes from the record as it is now: who may see it is decided today.
        query = (
            select(_RECORDS.c.id, *(_RECORDS.c[name] for name in _OWN), _REVISIONS.c.version, _REVISIONS.c.answers)
            .join(_REVISIONS, _REVISIONS.c.record_id == _RECORDS.c.id)
            .join(newest, (newest.c.record_id == _REVISIONS.c.record_id) & (newest.c.revision == _REVISIONS.c.revision))
            .where(_RECORDS.c.form_id == definition.form_id)
            .order_by(_RECORDS.c.id)
        )
        found: list[dict[str, Any]] = []
        for record in self.session.execute(visible(query, _RECORDS, self.viewer)).mappings():
            values = stored_values(definition, record["version"], record["answers"])
            row: dict[str, Any] = form_tables.row(definition, values) | {name: record[name] for name in _OWN}
            row["station"] = values.get("station") or record["station"]
            for repeat in repeats:
                lines: Any = values[repeat]
                row[repeat] = [{name: form_tables.stored(value) for name, value in line.items()} for line in lines]
            found.append(row)
        return found
