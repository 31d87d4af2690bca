"""What a paper form asks for, written as a form.yaml that people go on with."""

import json
import re
from collections.abc import Iterator

from workbooks.form import FieldType, Text
from workbooks.paper.asked import Asked, AskedForm, AskedTable
from workbooks.paper.words import NOT_TEXT

_PLAIN = re.compile(r"[A-Za-z\u3400-\u9fff][\w\u3400-\u9fff（）、。，/ -]*")
_TELLING = (
    frozenset({"customer", "organisation", "project", "department"}),
    frozenset({"serial", "equipment", "vehicle", "product", "order", "contract", "no"}),
    frozenset({"on", "at", "date"}),
)
_KEYS, _LISTED = 3, 6


def definition_text(form: AskedForm, *, form_id: str, title_en: str, number: str, made_from: str) -> str:
    """The text of the form.yaml; comments name the cell of each answer and what made us think so."""
    return "\n".join(_lines(form, form_id, title_en, number, made_from)) + "\n"


def _lines(form: AskedForm, form_id: str, title_en: str, number: str, made_from: str) -> Iterator[str]:
    singles = [item for item in form.items if isinstance(item, Asked)]
    key = _telling(form, singles)[:_KEYS]
    # An empty blank is no record: where the paper marks nothing, what tells records apart must be filled in.
    needed = frozenset(key) if not any(item.required for item in singles) else frozenset[str]()
    yield f"# {form.title}: proposed from {made_from} by `aftersheet form new`."
    yield "# The look is template.xlsx beside this file; the name AS_<field> says which cell holds which answer."
    yield "# What every key means: docs/forms.md; how to go on: docs/form-authors.md."
    yield f"form_id: {form_id}"
    yield "version: 1"
    yield f"title: {_text(Text(form.title, title_en))}"
    yield f'number: "{number}"'
    yield "group: other"
    if form.hint:
        yield f"hint: {_text(Text(form.hint, form.hint))}"
    yield "# The answers that tell one record from another when the same blank is filled in twice."
    yield f"key: [{', '.join(key)}]"
    yield f"list_columns: [{', '.join(item.name for item in _listed(singles)[:_LISTED])}]"
    if form.signatures:
        yield "signatures:"
        yield from (f"  - {_text(signer)}" for signer in form.signatures)
    yield ""
    yield "sections:"
    for position, section in enumerate(form.sections):
        if position:
            yield ""
        yield f"  - name: {section.name}"
        yield f"    label: {_text(section.label)}"
        yield "    items:"
        for item in section.items:
            yield from (f"      {line}" for line in _item(item, required=item.name in needed))


def _item(item: Asked | AskedTable, *, required: bool) -> Iterator[str]:
    if isinstance(item, Asked):
        yield from _field(item, required=required)
        return
    yield f"- name: {item.name}"
    yield f"  label: {_text(item.label)}"
    yield f"  rows: {item.lines}"
    yield "  fields:"
    for column in item.columns:
        yield from (f"    {line}" for line in _field(column))
        yield f"      width: {column.width}"


def _field(asked: Asked, *, required: bool = False) -> Iterator[str]:
    yield f"- name: {asked.name}  # {asked.area}: {asked.why.en}"
    yield f"  type: {asked.type}"
    yield f"  label: {_text(asked.label)}"
    if asked.required or required:
        yield "  required: true"
    if asked.unit is not None:
        yield f"  unit: {_text(asked.unit)}"
    for key, value in (("minimum", asked.minimum), ("maximum", asked.maximum)):
        if value is not None:
            yield f"  {key}: {value:f}"
    for name, number in (("decimals", asked.decimals), ("max_length", asked.max_length)):
        if number is not None:
            yield f"  {name}: {number}"
    if asked.choices:
        yield "  choices:"
        yield from (f"    - {{name: {_word(name)}, label: {_text(label)}}}" for name, label in asked.choices)
    if asked.wide:
        yield "  wide: true"
    if asked.rows > 1:
        yield f"  rows: {asked.rows}"


def _telling(form: AskedForm, singles: list[Asked]) -> list[str]:
    """One field that says who or what, one that says which, one that says when; else the first ones there are."""
    usable = [asked for asked in singles if asked.type is not FieldType.IMAGE and asked.rows < 3]
    found: list[str] = []
    for words in _TELLING:
        asked = next((a for a in usable if words & set(a.name.split("_")) and a.name not in found), None)
        if asked is not None:
            found.append(asked.name)
    names = [*found, *(asked.name for asked in usable if asked.required), *(asked.name for asked in usable)]
    return list(dict.fromkeys(names if len(found) < 2 else found)) or [item.name for item in form.items][:1]


def _listed(singles: list[Asked]) -> list[Asked]:
    return [asked for asked in singles if asked.rows < 3 and asked.type is not FieldType.IMAGE]


def _text(text: Text) -> str:
    return f"{{zh: {_word(text.zh)}, en: {_word(text.en)}}}"


def _word(text: str) -> str:
    """*text* as YAML reads it back, without quotation marks where it can do without."""
    text = " ".join(text.split())
    if _PLAIN.fullmatch(text) and text.lower() not in NOT_TEXT and not text.endswith(" ") and "，" not in text:
        return text
    return json.dumps(text, ensure_ascii=False)
