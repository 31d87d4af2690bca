"""The scorecard of technicians, from the dataset that reports hold too."""

from dataclasses import replace

from server.statistics.boards.chart import Chart
from server.statistics.boards.window import Window
from server.statistics.datasets import read
from server.statistics.sources import Sources
from workbooks.form import Language

SHOWN = (
    "technician", "station", "repairs", "mttr", "first_time_fix", "fix_decided", "arrived_in_time", "trips",
    "summaries_on_time", "ratings", "rating", "shrunk", "rank", "few",
)  # fmt: skip


def technicians(sources: Sources, window: Window, language: Language) -> Chart:
    """#17: each technician's repairs, speed, trips and ratings; who has few ratings is not ranked."""
    data = read(sources, "technicians", window.days, language)
    kept = [(column, values) for column, values in zip(data.columns, data.data, strict=True) if column.name in SHOWN]
    kept.sort(key=lambda pair: SHOWN.index(pair[0].name))
    shown = replace(data, columns=tuple(c for c, _ in kept), data=tuple(values for _, values in kept))
    return Chart(data=shown, n=len(shown))
