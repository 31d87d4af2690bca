"""Codes of choices and master data as people read them, in both languages."""

from collections.abc import Mapping

from workbooks.form import Field, FormDefinition, Text
from workbooks.master import Master

UNKNOWN = Text("（未填）", "(not given)")


class Labels:
    """Labels of one form's answers; a code that is on no list is shown as it stands."""

    def __init__(self, definition: FormDefinition, master: Master) -> None:
        self._definition = definition
        self._master = master
        self._choices: dict[str, Mapping[str, Text]] = {}

    def of(self, field_name: str, code: object) -> Text:
        """The label of *code* as an answer of field *field_name*."""
        if code is None:
            return UNKNOWN
        field = self._definition.field(field_name)
        if field.master is not None:
            return self.master(field.master.table, str(code))
        return self._of_choice(field).get(str(code), Text(str(code), str(code)))

    def master(self, table: str, code: str) -> Text:
        row = self._master.row(table, code)
        return Text(code, code) if row is None else Text(row.label("zh"), row.label("en"))

    def region(self, station: str | None) -> Text:
        row = self._master.row("stations", station) if station else None
        if row is None:
            return UNKNOWN
        region = row.attributes.get("region", "")
        return Text(region, row.attributes.get("region_en") or region) if region else UNKNOWN

    def _of_choice(self, field: Field) -> Mapping[str, Text]:
        if field.name not in self._choices:
            self._choices[field.name] = {choice.name: choice.label for choice in field.choices}
        return self._choices[field.name]
