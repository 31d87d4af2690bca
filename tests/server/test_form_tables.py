"""Tables of forms: typed, extended by themselves, and never changed behind anybody's back."""

import re

import pytest
import yaml
from sqlalchemy import inspect, text

from server.records import form_tables
from server.settings import Settings, SettingsError
from server.site import Site
from tests.server.company import VISIT
from workbooks.form import FieldType, FormDefinition
from workbooks.library import load


def _form(tmp_path, *fields: str, form_id: str = "note", repeat: str = "") -> FormDefinition:
    """A form with these fields, each "name type"."""
    items: list[dict] = [{"name": n, "type": t, "label": {"zh": n, "en": n}} for n, t in (f.split() for f in fields)]
    if repeat:
        line = {"name": "what", "type": "text", "label": {"zh": "w", "en": "w"}}
        items.append({"name": repeat, "label": {"zh": "r", "en": "r"}, "fields": [line]})
    raw = {
        "form_id": form_id,
        "version": 1,
        "title": {"zh": "便条", "en": "Note"},
        "number": "N-{serial:04d}",
        "key": [items[0]["name"]],
        "sections": [{"name": "all", "label": {"zh": "全", "en": "All"}, "items": items}],
    }
    path = tmp_path / "form.yaml"
    path.write_text(yaml.safe_dump(raw, allow_unicode=True))
    return load(path)


def _open(settings: Settings, form: FormDefinition) -> Site:
    return Site.open(settings, definitions={form.form_id: form})


def test_columns_have_the_types_of_the_fields(site: Site):
    """Any SQL or BI tool sees numbers as numbers and dates as dates."""
    with site.engine.connect() as connection:
        columns = {c["name"]: str(c["type"]) for c in inspect(connection).get_columns(form_tables.table(VISIT).name)}

    kinds = {name: re.split(r"[ (]", kind)[0].replace("TIMESTAMP", "DATETIME") for name, kind in columns.items()}
    assert {name: kinds[name] for name in ("visited_on", "arrived_at", "departs", "hours", "visitors", "note")} == {
        "visited_on": "DATE",
        "arrived_at": "DATETIME",
        "departs": "TIME",
        "hours": "NUMERIC",
        "visitors": "BIGINT",
        "note": "TEXT",
    }


def test_every_field_type_has_a_column():
    """A new type of field cannot be forgotten here."""
    for kind in FieldType:
        assert kind in form_tables._TYPES


def test_new_field_becomes_a_column_and_a_dropped_one_stays(settings: Settings, tmp_path):
    """The next version of a form extends its table; the old answers are still there."""
    _open(settings, _form(tmp_path, "title text", "old text")).close()

    site = _open(settings, _form(tmp_path, "title text", "amount decimal", repeat="entries"))

    with site.engine.connect() as connection:
        columns = {column["name"] for column in inspect(connection).get_columns("form_note")}
        tables = set(inspect(connection).get_table_names())
    site.close()
    assert {"title", "old", "amount"} <= columns
    assert "form_note__entries" in tables


def test_changed_type_stops_the_start_and_says_what_to_do(settings: Settings, tmp_path):
    """Nothing is converted by itself: form, table and column are named."""
    _open(settings, _form(tmp_path, "title text", "amount text")).close()

    with pytest.raises(SettingsError, match=r"form note: form_note\.amount .*migration"):
        _open(settings, _form(tmp_path, "title text", "amount decimal"))


def test_reserved_names_are_refused(settings: Settings, tmp_path):
    """A field called like one of our own columns would hide it."""
    for name in ("number", "revision", "record_id", "created_at"):
        with pytest.raises(SettingsError, match=name):
            _open(settings, _form(tmp_path, f"{name} text"))


def test_long_names_stay_apart(settings: Settings, tmp_path):
    """Two repeats of a form with a very long name differ after 63 characters; PostgreSQL would cut both alike."""
    long = "a_form_with_a_very_long_name_that_goes_on_and_on_and_on_for_ever"[:58]
    form = _form(tmp_path, "title text", form_id=long, repeat="lines_of_the_first_kind")
    other = _form(tmp_path, "title text", form_id=long, repeat="lines_of_the_other_kind")
    names = [form_tables.repeat_tables(form)["lines_of_the_first_kind"].name]
    names.append(form_tables.repeat_tables(other)["lines_of_the_other_kind"].name)

    site = _open(settings, form)

    with site.engine.connect() as connection:
        assert names[0] in inspect(connection).get_table_names()
        connection.execute(text(f'SELECT * FROM "{names[0]}"'))
    site.close()
    assert len(set(names)) == 2
    assert all(len(name) <= 63 for name in names)


def test_all_forms_of_the_house_have_tables(site: Site):
    """Opening a site has made a table for every form, and opening it again changes nothing."""
    with site.engine.begin() as connection:
        before = inspect(connection).get_table_names()
        form_tables.ensure(connection, site.definitions)
        after = inspect(connection).get_table_names()

    assert sorted(before) == sorted(after)
    assert {form_tables.table(definition).name for definition in site.definitions.values()} <= set(after)
