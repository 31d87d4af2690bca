"""Named rows for reports and pushes: flat tables behind the pivots, one row per fact, no percentages to average."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from types import MappingProxyType

from sqlalchemy.orm import Session

from server.access.visibility import Viewer
from server.site import Site
from server.statistics import fracas_datasets, other_datasets, record_datasets
from server.statistics.selection import EVERYTHING, Selection
from server.statistics.snapshot import View
from server.statistics.sources import Sources
from server.statistics.tabular import Period
from workbooks.dataset import Dataset
from workbooks.form import Language

_LOADERS: Mapping[str, Callable[[Sources, Period, Language], Dataset]] = MappingProxyType(
    fracas_datasets.LOADERS | other_datasets.LOADERS
)


class UnknownDataset(LookupError):
    """There is no dataset of that name."""


def names(site: Site) -> tuple[str, ...]:
    """The datasets there are, in the order people see them: the figures, then the records of each form."""
    return (*_LOADERS, *record_datasets.names(site.definitions))


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
    if name in _LOADERS:
        return _LOADERS[name](sources, period, language or viewer.language)
    return record_datasets.load(name, sources, period, language or viewer.language)
