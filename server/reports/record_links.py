"""The address of each row's record, for tables that have a column for it: 记录链接 or Record link."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from urllib.parse import quote

from server.reports.lineage import NUMBER
from server.site import Site
from workbooks.dataset import Column, Dataset
from workbooks.form import Text

NO_ADDRESS = Text(
    "“记录链接”列留空：不知道服务器的地址。请设置 AFTERSHEET_PUBLIC_URL，或加 --server https://服务器 再刷新一次。",
    "The column of record links is empty: the server's address is not known. Set AFTERSHEET_PUBLIC_URL, or push again "
    "with --server https://your.site.",
)
NO_PUBLIC_URL = Text(
    "“记录链接”列会留空：服务器没有设置自己的地址，请管理员设置 AFTERSHEET_PUBLIC_URL。",
    "The column of record links stays empty: the server does not know its own address; an administrator has to set "
    "AFTERSHEET_PUBLIC_URL.",
)
LINK = Column("record_link", Text("记录链接", "Record link"), "text")


def unaddressed(site: Site, headings: Iterable[str]) -> Text | None:
    """What to say of a table with *headings* that asks for record links where nobody knows the server's address."""
    known = {"".join(text.split()).casefold() for text in (LINK.name, LINK.label.zh, LINK.label.en)}
    asks = any("".join(heading.split()).casefold() in known for heading in headings)
    return NO_PUBLIC_URL if asks and not site.settings.public_url else None


def link_columns(columns: Sequence[Column]) -> tuple[Column, ...]:
    """*columns* and, where rows name their record, the one of its address."""
    named = any(column.name == NUMBER and column.type == "text" for column in columns)
    return (*columns, LINK) if named and all(column.name != LINK.name for column in columns) else tuple(columns)


def with_record_links(site: Site, dataset: Dataset, address: str = "") -> Dataset:
    """
    *dataset* with the address of each row's record, where rows name one.

    *address* is that of the server, by default the setting public_url; without either there
    are none: half an address leads nowhere.
    """
    columns = link_columns(dataset.columns)
    if len(columns) == len(dataset.columns):
        return dataset
    base = (address or site.settings.public_url).rstrip("/")
    numbers = dataset.data[next(place for place, column in enumerate(columns) if column.name == NUMBER)]
    links = [f"{base}/records/{quote(number)}" if number and base else None for number in numbers]
    return replace(dataset, columns=columns, data=(*dataset.data, links))
