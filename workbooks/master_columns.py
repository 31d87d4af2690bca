"""The sheets and columns of a master workbook, and so of the master tables."""

from dataclasses import dataclass
from typing import Literal

from workbooks.form import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class MasterColumn:
    """
    One column; *refers_to* names the table whose codes stand in it, or <table>.<column>.

    *width* is in characters; a number is not below *least*, and *whole* if so said.
    """

    name: str
    header: Text
    kind: Literal["text", "code", "date", "level", "number"] = "text"
    required: bool = False
    refers_to: str | None = None
    width: int = 16
    least: float = 0
    whole: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MasterSheet:
    """
    One table; *parent* is the column that holds the code one step up in a cascade of drop-downs.

    A sheet with a *key* has no column for codes and names: the columns of the key make
    one. A sheet that *grows* may hold new rows only: those that are not in it stay.
    """

    table: str
    title: Text
    columns: tuple[MasterColumn, ...]
    parent: str = ""
    key: tuple[str, ...] = ()
    grows: bool = False

    @property
    def named(self) -> bool:
        """Whether a row has a code and names of its own."""
        return not self.key

    def values(self) -> tuple[MasterColumn, ...]:
        """What a row of a sheet that grows measures; without any of them it says nothing."""
        return tuple(column for column in self.columns if column.kind == "number")


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
        MasterColumn(name="retired_on", header=Text("停用日期", "Retired on"), kind="date"),
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
    MasterSheet(
        table="exposures", title=Text("里程与运行小时", "Mileage and hours"), key=("vehicle", "as_of"), grows=True,
        columns=(
            _reference("vehicle", "列车编码", "Train code", "vehicles", required=True),
            MasterColumn(name="as_of", header=Text("读数日期", "Read on"), kind="date", required=True),
            MasterColumn(name="odometer_km", header=Text("里程读数(km)", "Odometer (km)"), kind="number", width=18),
            MasterColumn(name="operating_hours", header=Text("运行小时(h)", "Operating hours"), kind="number"),
        ),
    ),
    MasterSheet(
        table="fitted_parts", title=Text("装车数量", "Parts per train"), key=("vehicle_type", "part", "valid_from"),
        columns=(
            _reference("vehicle_type", "车型", "Vehicle type", "vehicles.vehicle_type", required=True),
            _reference("part", "部件编码", "Part code", "products", required=True),
            MasterColumn(
                name="quantity", header=Text("每列数量", "Quantity per train"), kind="number", required=True, least=1,
                whole=True,
            ),
            MasterColumn(name="valid_from", header=Text("生效日期", "Valid from"), kind="date"),
        ),
    ),
    MasterSheet(
        table="retrofits", title=Text("措施实施", "Retrofits"), key=("change_no", "vehicle"), grows=True,
        columns=(
            MasterColumn(name="change_no", header=Text("变更单号", "Change no."), required=True),
            _reference("vehicle", "列车编码", "Train code", "vehicles", required=True),
            MasterColumn(name="done_on", header=Text("实施日期", "Done on"), kind="date", required=True),
        ),
    ),
)  # fmt: skip
BY_TABLE = {sheet.table: sheet for sheet in SHEETS}
