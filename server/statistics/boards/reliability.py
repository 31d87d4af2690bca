"""Charts of reliability, from the datasets reports hold too: distances, growth, MCF, trends, effects of actions."""

from collections.abc import Sequence
from dataclasses import replace

from server.statistics.boards.chart import Chart, Maker
from server.statistics.boards.window import Window
from server.statistics.datasets import read
from server.statistics.sources import Sources
from server.statistics.tabular import Period
from workbooks.dataset import Dataset
from workbooks.form import Language, Text

_FROM_START = Text("全部历史", "all history")


def of_dataset(name: str, columns: Sequence[str], *, from_start: bool = False) -> Maker:
    """A chart of the dataset *name* in the window, or all up to its end: some of its columns, in this order."""

    def make(sources: Sources, window: Window, language: Language) -> Chart:
        data = read(sources, name, Period(None, window.last) if from_start else window.days, language)
        places = {column.name: index for index, column in enumerate(data.columns)}
        kept = [places[column] for column in columns]
        shown = replace(data, columns=tuple(data.columns[i] for i in kept), data=tuple(data.data[i] for i in kept))
        return replace(_chart(shown), note=_FROM_START) if from_start else _chart(shown)

    return make


def of_fleet(name: str) -> Maker:
    """A curve of all selected trains together: the scope that the dataset *name* begins with."""

    def make(sources: Sources, window: Window, language: Language) -> Chart:
        data = read(sources, name, window.days, language)
        scope = next(i for i, column in enumerate(data.columns) if column.name == "scope")
        keep = [i for i, value in enumerate(data.data[scope]) if value == data.data[scope][0]]
        return _chart(replace(data, data=tuple([values[i] for i in keep] for values in data.data)))

    return make


def _chart(data: Dataset) -> Chart:
    """*n* is the number of failures, each counted once, or of rows where they are not failures of one fleet."""
    values = {column.name: found for column, found in zip(data.columns, data.data, strict=True)}
    if "vehicle_type" in values:
        return Chart(data=data, n=sum(values["failures"]))
    counted = values.get("k") or (values.get("failures") if "scope" in values else None)
    return Chart(data=data, n=max(counted, default=0) if counted else len(data))
