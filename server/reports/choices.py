"""What a report can be narrowed to: the places and products there are, by their codes or names."""

from collections.abc import Mapping

from server.statistics.selection import Selection
from workbooks.form import Text
from workbooks.master import Master

DIMENSIONS: Mapping[str, Text] = {
    "region": Text("区域", "region"),
    "station": Text("站点", "station"),
    "customer": Text("客户", "customer"),
    "vehicle_type": Text("车型", "train type"),
    "system": Text("系统", "system"),
}


class NoSuchChoice(ValueError):
    """Master data has nothing of that name; *message* says what there is."""

    def __init__(self, dimension: str, asked: str, options: Mapping[str, Text]) -> None:
        self.dimension = dimension
        name = DIMENSIONS[dimension]
        zh = "、".join(f"{code}（{text.zh}）" if text.zh != code else code for code, text in options.items())
        en = ", ".join(f"{code} ({text.en})" if text.en != code else code for code, text in options.items())
        self.message = Text(f"没有{name.zh}“{asked}”，有：{zh}。", f"There is no {name.en} {asked!r}; there are: {en}.")
        super().__init__(self.message.en)


def options(master: Master, dimension: str) -> dict[str, Text]:
    """The values of *dimension* that facts may be narrowed to, with their labels."""
    if dimension == "region":
        rows = [row.attributes for row in master.rows("stations") if row.attributes.get("region")]
        return {a["region"]: Text(a["region"], a.get("region_en") or a["region"]) for a in rows}
    if dimension == "vehicle_type":
        types = dict.fromkeys(row.attributes.get("vehicle_type", "") for row in master.rows("vehicles"))
        return {name: Text(name, name) for name in types if name}
    table = {"station": "stations", "customer": "customers", "system": "products"}[dimension]
    rows_ = (row for row in master.rows(table) if dimension != "system" or row.level == 1)
    return {row.code: Text(row.label("zh"), row.label("en")) for row in rows_}


def chosen(master: Master, asked: Mapping[str, str | None]) -> Selection:
    """
    The selection of what is *asked* for by dimension, each a code or a label in either language; empty: open.

    Raises:
        NoSuchChoice: Nothing of that name is in master data.
    """
    found: dict[str, str] = {}
    for dimension in DIMENSIONS:
        if name := (asked.get(dimension) or "").strip():
            offered = options(master, dimension)
            codes = [code for code, label in offered.items() if name in (code, label.zh, label.en)]
            if not codes:
                raise NoSuchChoice(dimension, name, offered)
            found[dimension] = codes[0]
    return Selection(**found)


def label(master: Master, selection: Selection) -> Text:
    """*selection* in words, such as 华东、制动系统; "全部" when nothing is chosen."""
    if not selection:
        return Text("全部", "all")
    named: dict[str, Text] = {}
    for dimension in DIMENSIONS:
        if (code := getattr(selection, dimension)) is not None:
            named[dimension] = options(master, dimension).get(code, Text(code, code))
    return selection.label(named)
