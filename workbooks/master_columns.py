"""The sheets and columns of a master workbook, and so of the master tables."""

from dataclasses import dataclass
from typing import Literal

from workbooks.form import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class MasterColumn:
    """One column; *refers_to* names the table whose codes stand in it. *width* is in characters."""

    name: str
    header: Text
    kind: Literal["text", "code", "date", "level"] = "text"
    required: bool = False
    refers_to: str | None = None
    width: int = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class MasterSheet:
    """One table; *parent* is the column that holds the code one step up in a cascade of drop-downs."""

    table: str
    title: Text
    columns: tuple[MasterColumn, ...]
    parent: str = ""


def _text(name: str, zh: str, en: str, width: int = 16) -> MasterColumn:
    return MasterColumn(name=name, header=Text(zh, en), width=width)


def _reference(name: str, zh: str, en: str, table: str, *, required: bool = False) -> MasterColumn:
    return MasterColumn(name=name, header=Text(zh, en), refers_to=table, required=required)


def _sheet(table: str, zh: str, en: str, *columns: MasterColumn, parent: str = "") -> MasterSheet:
    own = (
        MasterColumn(name="code", header=Text("编码", "Code"), kind="code", required=True),
        MasterColumn(name="name", header=Text("名称", "Name (Chinese)"), required=True, width=26),
        MasterColumn(name="name_en", header=Text("英文名称", "Name (English)"), width=30),
    )
    return MasterSheet(table=table, title=Text(zh, en), columns=own + columns, parent=parent)


SHEETS = (
    _sheet(
        "stations", "服务站", "Stations",
        _text("region", "区域", "Region"),
        _text("region_en", "区域（英文）", "Region (English)"),
        _text("city", "城市", "City"),
        _text("address", "地址", "Address", 34),
        _text("email", "邮箱", "E-mail", 28),
        _text("phone", "电话", "Phone"),
    ),
    _sheet(
        "customers", "客户", "Customers",
        _text("region", "区域", "Region"),
        _reference("station", "服务站编码", "Station code", "stations"),
        parent="station",
    ),
    _sheet(
        "products", "产品结构", "Products",
        MasterColumn(name="level", header=Text("层级", "Level"), kind="level", required=True, width=8),
        _reference("parent", "上级编码", "Parent code", "products"),
        _text("drawing_no", "图号", "Drawing no.", 20),
        parent="parent",
    ),
    _sheet(
        "vehicles", "列车", "Vehicles",
        _text("vehicle_type", "车型", "Vehicle type"),
        _reference("customer", "客户编码", "Customer code", "customers"),
        _reference("station", "服务站编码", "Station code", "stations"),
        _text("line", "线路", "Line"),
        MasterColumn(name="accepted_on", header=Text("验收日期", "Accepted on"), kind="date"),
        MasterColumn(name="warranty_until", header=Text("质保截至", "Warranty until"), kind="date"),
        parent="customer",
    ),
    _sheet(
        "failure_modes", "故障模式", "Failure modes",
        _reference("product", "产品编码", "Product code", "products", required=True),
        parent="product",
    ),
    _sheet(
        "people", "人员", "People",
        _reference("station", "服务站编码", "Station code", "stations"),
        _text("role", "岗位", "Role"),
        _text("phone", "电话", "Phone"),
        _text("email", "邮箱", "E-mail", 28),
        parent="station",
    ),
)  # fmt: skip
BY_TABLE = {sheet.table: sheet for sheet in SHEETS}
