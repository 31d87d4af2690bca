"""Reports: which workbook gets which datasets."""

from datetime import datetime

from server.access.visibility import Viewer
from server.site import Site
from server.statistics.datasets import load
from workbooks.form import Language
from workbooks.pivots import build_report
from workbooks.report import load_reports


class UnknownReport(LookupError):
    """There is no report of that name."""


def build_named_report(
    site: Site, name: str, viewer: Viewer, *, language: Language, as_of: datetime | None = None
) -> bytes:
    """
    The report workbook *name* with the figures *viewer* may see, as of an instant (aware; now when absent).

    Raises:
        UnknownReport: There is no such report.
    """
    report = load_reports().get(name)
    if report is None:
        raise UnknownReport(name)
    with site.session(read_only=True) as session:
        datasets = {
            dataset: load(session, dataset, viewer, site=site, as_of=as_of, language=language)
            for dataset in report.datasets
        }
    return build_report(report, datasets, language)
