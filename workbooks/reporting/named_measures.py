"""Measures that a report.yaml names: written out as the column, function, format and label they stand for."""

from collections.abc import Iterator, Mapping
from typing import Any

from workbooks.reporting.dataset_definition import load_datasets

_Place = tuple[Any, ...]
_IN_PIVOTS = ("sum", "count", "average", "max", "min")
_ON_COVERS = ("sum", "average", "count", "ratio")


def write_out_measures(raw: dict[str, Any]) -> Iterator[tuple[_Place, str]]:
    """
    Write out each `measure: <name>` in the mapping of a report.yaml.

    A label or format that stands beside it stays. Yields (place, what is wrong) for
    measures that do not exist or that cannot stand where they are named.
    """
    datasets = load_datasets()
    tables = dict(_tables(raw))
    for place, table, value, functions in _named(raw):
        dataset = datasets.get(tables.get(table, ""))
        wanted = value["measure"]
        if dataset is None or wanted not in {measure.name for measure in dataset.measures}:
            yield place, f"{tables.get(table, table)!r} has no measure {wanted!r}"
            continue
        measure = dataset.measure(wanted)
        if measure.function not in functions:
            yield place, f"{wanted!r} is a {measure.function}, which cannot stand here"
            continue
        written = {"column": measure.column, "function": measure.function}
        if measure.denominator is not None:
            written["denominator"] = measure.denominator
        value |= {"label": measure.label, "format": measure.format} | value | written


def _tables(raw: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(table, dataset) of every table in the report."""
    for _, sheet in _items(raw, "sheets"):
        table = sheet.get("table")
        if isinstance(table, dict):
            yield str(table.get("name")), str(table.get("dataset"))


def _named(raw: Mapping[str, Any]) -> Iterator[tuple[_Place, str, dict[str, Any], tuple[str, ...]]]:
    """(place, table, value, functions allowed) of every value that names a measure."""
    for number, sheet in _items(raw, "sheets"):
        pivot = _mapping(sheet, "pivot")
        for index, value in _items(pivot, "values"):
            if "measure" in value:
                place = ("sheets", number, "pivot", "values", index, "measure")
                yield place, str(pivot.get("table")), value, _IN_PIVOTS
    indicators = _mapping(raw, "indicators")
    for index, value in _items(indicators, "items"):
        if "measure" in value:
            yield ("indicators", "items", index, "measure"), str(indicators.get("table")), value, _ON_COVERS


def _mapping(mapping: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The mapping under *key*; what has another shape is left to the reader of the whole."""
    found = mapping.get(key)
    return found if isinstance(found, Mapping) else {}


def _items(mapping: Mapping[str, Any], key: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The mappings in the list under *key*, each with its place."""
    found = mapping.get(key)
    for number, item in enumerate(found if isinstance(found, list) else ()):
        if isinstance(item, dict):
            yield number, item
