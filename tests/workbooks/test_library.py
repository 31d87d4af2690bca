"""form.yaml: what is wrong with one is told with file, line and key, all of it at once."""

import re
from pathlib import Path

import pytest

from workbooks.form import FieldType
from workbooks.library import DefinitionError, library, load, load_folder

GOOD = """\
form_id: visit
version: 1
title: {zh: 出访单, en: Visit}
number: "V-{year}-{serial:04d}"
key: [left]
choice_lists:
  yes_no:
    - {name: "yes", label: {zh: 是, en: "Yes"}}
    - {name: "no", label: {zh: 否, en: "No"}}
thresholds:
  longest: {value: 30, unit: {zh: 天, en: days}, source: "002:L97 (T06)"}
sections:
  - name: trip
    label: {zh: 出访, en: Trip}
    items:
      - {name: left, type: date, label: {zh: 出发, en: Left}, required: true}
      - {name: back, type: date, label: {zh: 返回, en: Back}}
      - {name: done, type: select_one, label: {zh: 完成, en: Done}, choices: yes_no}
      - name: stops
        label: {zh: 行程, en: Stops}
        fields:
          - {name: place, type: text, label: {zh: 地点, en: Place}}
          - {name: nights, type: integer, label: {zh: 天数, en: Nights}}
constraints:
  - name: order
    check: "=back>=left"
    message: {zh: 返回早于出发, en: The return is too early}
deadlines:
  - {name: due, label: {zh: 总结, en: Summary}, start: back, within: longest}
"""


def write(folder: Path, text: str = GOOD, form_id: str = "visit") -> Path:
    path = folder / form_id / "form.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def problems(tmp_path: Path, *changes: tuple[str, str]) -> list[tuple[int, str]]:
    """(line, text) of everything that is told about GOOD after *changes*."""
    text = GOOD
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path = write(tmp_path, text)
    with pytest.raises(DefinitionError) as caught:
        load(path)
    found = []
    for line in str(caught.value).splitlines():
        match = re.fullmatch(rf"{re.escape(str(path))}:(\d+): (.*)", line)
        assert match is not None, line
        found.append((int(match[1]), match[2]))
    return found


def test_shorthands_are_written_out(tmp_path: Path):
    """Choice lists are shared by name, thresholds are a mapping, a field with fields is a repeat."""
    definition = load(write(tmp_path))

    assert [choice.name for choice in definition.field("done").choices] == ["yes", "no"]
    assert definition.threshold("longest").value == 30
    assert [repeat.name for repeat in definition.repeats] == ["stops"]
    assert definition.field("stops.nights").type is FieldType.INTEGER


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        ("required: true}", "requird: true}", 16, "requird"),
        ("type: date, label: {zh: 返回", "type: dat, label: {zh: 返回", 17, "type"),
        ("title: {zh: 出访单, en: Visit}", "title: {zh: 出访单}", 3, "title.en"),
        ("version: 1", "version: one", 2, "version"),
        ("name: left,", "name: Left Side,", 16, "name"),
        ("key: [left]", "key: [gone]", 5, "no field is called 'gone'"),
        ("name: back,", "name: left,", 16, "two items are called 'left'"),
        ("name: nights,", "name: place,", 22, "two fields are called 'place'"),
        ("choices: yes_no", "choices: []", 18, "needs choices or master"),
        ("en: \"No\"", "en: \"YES\"", 18, "two choices are called 'yes'"),
        ("start: back", "start: gone", 29, "which is no field"),
        ("within: longest", "within: shortest", 29, "needs a threshold called 'shortest'"),
        ("=back>=left", "=back>=lft", 25, "no field or threshold called 'lft'"),
        ("=back>=left", "=VLOOKUP(back,left)", 25, "VLOOKUP is not supported"),
        ("=back>=left", "=back>=(left", 25, "')' is missing"),
        ("label: {zh: 天数, en: Nights}", 'label: {zh: 天数, en: Nights}, calculation: "=nights+1"', 23, "circle"),
        ("label: {zh: 天数, en: Nights}", 'label: {zh: 天数, en: Nights}, required: "=plce"', 23, "'plce'"),
        ("choices: yes_no", "choices: yes_no, lookup: {by: gone, column: x}", 18, "no field is called 'gone'"),
        ("choices: yes_no", "choices: yes_no, relevant: '=stops.nights>1'", 18, "whole column"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line_and_key(tmp_path: Path, old: str, new: str, line: int, told: str):
    """The author finds the place without searching."""
    found = problems(tmp_path, (old, new))

    assert [at for at, text in found if told in text] == [line]


def test_all_mistakes_are_told_at_once(tmp_path: Path):
    """Three mistakes, one run."""
    found = problems(
        tmp_path, ("=back>=left", "=bak>=left"), ("key: [left]", "key: [gone]"), ("start: back", "start: gone")
    )

    assert len(found) == 3


@pytest.mark.parametrize("text", ["", "just text", "- a\n- b\n", "a: [1,\n", "\t- x"])
def test_what_is_no_mapping_is_told_with_its_file(tmp_path: Path, text: str):
    """A broken YAML file names itself, whatever the parser says."""
    path = write(tmp_path, text)

    with pytest.raises(DefinitionError, match=re.escape(str(path))):
        load(path)


def test_a_folder_holds_forms_by_their_names(tmp_path: Path):
    """Adding a form is adding a folder; other folders do not matter."""
    write(tmp_path)
    (tmp_path / "notes").mkdir()

    assert list(load_folder(tmp_path)) == ["visit"]


def test_a_folder_must_be_called_like_its_form(tmp_path: Path):
    """Two names for one form would be two addresses."""
    write(tmp_path, form_id="trip")

    with pytest.raises(DefinitionError, match="form_id is 'visit', the folder 'trip'"):
        load_folder(tmp_path)


def test_the_forms_that_come_with_aftersheet_are_sound():
    """All six load, and every text is there in both languages."""
    forms = library()

    assert {"feedback", "survey", "fracas", "trip_plan", "trip_loan", "trip_summary"} <= set(forms)
    for definition in forms.values():
        assert all(field.label.zh and field.label.en for _, field in definition.paths())
        assert all(rule.message.zh and rule.message.en for rule in definition.all_constraints)
