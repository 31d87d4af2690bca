"""The address of each row's record, for tables that have a column for it: 记录链接 or Record link."""

from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import quote

from server.reports.lineage import NUMBER
from server.site import Site
from workbooks.dataset import Column, Dataset
from workbooks.form import Text

NO_ADDRESS = Text(
    "“记录链接”没有服务器地址，点不开：请设置 AFTERSHEET_PUBLIC_URL，或加 --server https://服务器 再刷新一次。",
    "The record links have no server address and lead nowhere: set AFTERSHEET_PUBLIC_URL, or push again with "
    "--server https://your.site.",
)
LINK = Column("record_link", Text("记录链接", "Record link"), "text")


def link_columns(columns: Sequence[Column]) -> tuple[Column, ...]:
    """*columns* and, where rows name their record, the one of its address."""
    named = any(column.name == NUMBER and column.type == "text" for column in columns)
    return (*columns, LINK) if named and all(column.name != LINK.name for column in columns) else tuple(columns)


def with_record_links(site: Site, dataset: Dataset, address: str = "") -> Dataset:
    """
    *dataset* with the address of each row's record, where rows name one.

    *address* is that of the server, by default the setting public_url; without either the
    addresses are relative to it.
    """
    columns = link_columns(dataset.columns)
    if len(columns) == len(dataset.columns):
        return dataset
    base = (address or site.settings.public_url).rstrip("/")
    numbers = dataset.data[next(place for place, column in enumerate(columns) if column.name == NUMBER)]
    links = [f"{base}/records/{quote(number)}" if number else None for number in numbers]
    return replace(dataset, columns=columns, data=(*dataset.data, links))
