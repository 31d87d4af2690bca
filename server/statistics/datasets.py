"""Named rows for reports and pushes: flat tables behind the pivots, one row per fact, no percentages to average."""

from collections.abc import Collection, Mapping
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy.orm import Session

from server.access.visibility import Viewer
from server.site import Site
from server.statistics import (
    action_datasets,
    approval_datasets,
    confirmation_datasets,
    cost_datasets,
    deadline_datasets,
    feedback_datasets,
    forecast_datasets,
    form_datasets,
    fracas_datasets,
    growth_datasets,
    hint_datasets,
    history_datasets,
    installation_datasets,
    loop_datasets,
    pareto_datasets,
    plan_datasets,
    rate_datasets,
    rating_datasets,
    record_datasets,
    repair_datasets,
    satisfaction_datasets,
    station_datasets,
    survey_datasets,
    technician_datasets,
    train_datasets,
    trip_datasets,
)
from server.statistics.selection import EVERYTHING, Selection
from server.statistics.snapshot import View
from server.statistics.sources import Sources
from server.statistics.tabular import Computed, Period, Query, Summed, check_computed, compute
from workbooks.dataset import Dataset
from workbooks.form import Language
from workbooks.reporting.dataset_definition import DatasetDefinition, load_datasets

_COMPUTED: Mapping[str, Computed[Any] | Summed] = MappingProxyType(
    fracas_datasets.COMPUTED
    | history_datasets.COMPUTED
    | pareto_datasets.COMPUTED
    | rate_datasets.COMPUTED
    | growth_datasets.COMPUTED
    | action_datasets.COMPUTED
    | forecast_datasets.COMPUTED
    | loop_datasets.COMPUTED
    | hint_datasets.COMPUTED
    | confirmation_datasets.COMPUTED
    | satisfaction_datasets.COMPUTED
    | survey_datasets.COMPUTED
    | station_datasets.COMPUTED
    | trip_datasets.COMPUTED
    | repair_datasets.COMPUTED
    | technician_datasets.COMPUTED
    | train_datasets.COMPUTED
    | installation_datasets.COMPUTED
    | feedback_datasets.COMPUTED
    | rating_datasets.COMPUTED
    | cost_datasets.COMPUTED
    | approval_datasets.COMPUTED
    | plan_datasets.COMPUTED
    | deadline_datasets.COMPUTED
    | form_datasets.COMPUTED
    | record_datasets.COMPUTED
)
check_computed(_COMPUTED, load_datasets())


class UnknownDataset(LookupError):
    """There is no dataset of that name."""


def names(site: Site) -> tuple[str, ...]:
    """The datasets there are, in the order people see them: the figures, then the records of each form."""
    return (*_COMPUTED, *record_datasets.names(site.definitions))


def definition_of(site: Site, name: str) -> DatasetDefinition:
    """
    Columns, measures and meaning of the dataset *name*.

    Raises:
        UnknownDataset: There is no such dataset.
    """
    if name not in names(site):
        raise UnknownDataset(name)
    return load_datasets()[name] if name in _COMPUTED else record_datasets.definition_of(name, site.definitions)


def load(
    session: Session,
    name: str,
    viewer: Viewer,
    *,
    site: Site,
    as_of: datetime | None = None,
    start: date | None = None,
    end: date | None = None,
    language: Language | None = None,
    selection: Selection = EVERYTHING,
) -> Dataset:
    """
    The rows of dataset *name* that *viewer* may see, as of an instant (aware; now when absent).

    *start* and *end* (both included) narrow the facts by the dataset's own date, which
    its definition names, *selection* by place, product or customer. Choices and codes are
    labels in *language*, by default the viewer's.

    Raises:
        UnknownDataset: There is no such dataset.
    """
    if name not in names(site):
        raise UnknownDataset(name)
    sources, period = Sources(View.at(session, site, viewer, as_of), selection), Period(start, end)
    return read(sources, name, period, language or viewer.language)


def read(sources: Sources, name: str, period: Period, language: Language, only: Collection[str] = ()) -> Dataset:
    """
    The rows of dataset *name* from *sources*, which may have read some of the facts already.

    It has *only* these columns, where they are named.

    Raises:
        UnknownDataset: There is no such dataset.
    """
    site = sources.view.site
    definition = definition_of(site, name)
    computed = _COMPUTED[name] if name in _COMPUTED else record_datasets.computed(name, site.definitions)
    return compute(definition, computed, Query(sources, period, language), only)
