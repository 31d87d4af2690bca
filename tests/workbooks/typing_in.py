"""What stands in one cell of a field made for the test, as `normalise` reads it, and a little master data."""

from typing import Any

from tests.workbooks.drawing import define, field, text
from workbooks.filled import RawValue, Value
from workbooks.finding_codes import FindingCode
from workbooks.form import Field
from workbooks.master import Master, MasterRow
from workbooks.values import Problem, normalise

YES_NO = [{"name": "yes", "label": text("是", "Yes")}, {"name": "no", "label": text("否", "No")}]
STATIONS = [
    MasterRow(code="0305", label_zh="上海站", label_en="Shanghai", attributes={}),
    MasterRow(code="0401", label_zh="上海南站", label_en="Shanghai South", attributes={}),
    MasterRow(code="0500", label_zh="广州站", label_en="Guangzhou", attributes={}),
]
PRODUCTS = [
    MasterRow(code="A", label_zh="制动系统", label_en="Brake system", level=1),
    MasterRow(code="B", label_zh="空调系统", label_en="Air conditioning", level=1),
    MasterRow(code="A1", label_zh="中继阀", label_en="Relay valve", level=2, parent="A"),
    MasterRow(code="A2", label_zh="压力传感器", label_en="Pressure sensor", level=2, parent="A"),
    MasterRow(code="B2", label_zh="压力传感器", label_en="Pressure sensor", level=2, parent="B"),
]
PEOPLE = [
    MasterRow(code="U001", label_zh="张伟", label_en="Zhang Wei"),
    MasterRow(code="U002", label_zh="张伟", label_en="Zhang Wei"),
    MasterRow(code="U003", label_zh="李娜", label_en="Li Na"),
]
MASTER = Master({"stations": STATIONS, "products": PRODUCTS, "people": PEOPLE})


def made(kind: str, **more: Any) -> Field:
    return define(field("it", kind, **more)).field("it")


def typed(
    kind: str, raw: RawValue, *, parent: str | None = None, **more: Any
) -> Value | FindingCode | tuple[Value, str]:
    """The value of *raw*; with a warning the value and "?", with an error its code."""
    answer = normalise(made(kind, **more), raw, master=MASTER, parent=parent)
    if not isinstance(answer, Problem):
        return answer
    return (answer.value, "?") if answer.code is FindingCode.CORRECTED_VALUE else answer.code
