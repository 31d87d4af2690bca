"""A small form, and its workbook drawn cell by cell as a person would have filled it in."""

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any

import xlsxwriter

from workbooks.form import Choice, Field, FieldType, FormDefinition, Repeat, Section, Text

SHEET = "出差 'A' 服务"
PLACES = {
    "customer": "$B$3",
    "arrived_on": "$B$4",
    "mileage": "$B$5:$D$5",
    "result": "$B$6",
    "photo": "$B$7:$D$9",
    "parts.serial": "$A$13:$A$15",
    "parts.quantity": "$B$13:$B$15",
    "parts.amount": "$C$13:$C$15",
}
LABELS = {
    "A3": "客户 *", "A4": "到达日期：", "A5": "里程（km）", "A6": "结论", "A7": "照片", "A10": "合理性说明",
    "A11": "更换件", "A12": "序列号*", "B12": "数量", "C12": "金额", "A17": "声明",
}  # fmt: skip
ENGLISH_LABELS = {
    "A3": "Customer *", "A4": "Arrived on:", "A5": "Mileage (km)", "A6": "Result", "A7": "Photo", "A10": "Reason",
    "A11": "Parts", "A12": "Serial*", "B12": "Quantity", "C12": "Amount", "A17": "Statement",
}  # fmt: skip

VISIT = FormDefinition(
    form_id="visit",
    version=2,
    title=Text("出差服务单", "Visit report"),
    number="V-{serial:04d}",
    key=("customer",),
    sections=(
        Section(
            name="visit",
            label=Text("出差", "Visit"),
            items=(
                Field(name="customer", type=FieldType.TEXT, label=Text("客户", "Customer"), required=True),
                Field(name="arrived_on", type=FieldType.DATE, label=Text("到达日期", "Arrived on")),
                Field(name="mileage", type=FieldType.DECIMAL, label=Text("里程", "Mileage"), unit=Text("km", "km")),
                Field(
                    name="result",
                    type=FieldType.SELECT_ONE,
                    label=Text("结论", "Result"),
                    choices=(Choice(name="good", label=Text("好", "good")),),
                ),
                Field(name="photo", type=FieldType.IMAGE, label=Text("照片", "Photo")),
            ),
        ),
        Section(
            name="replaced",
            label=Text("更换件", "Parts"),
            items=(
                Repeat(
                    name="parts",
                    label=Text("更换件", "Parts"),
                    rows=3,
                    fields=(
                        Field(name="serial", type=FieldType.TEXT, label=Text("序列号", "Serial")),
                        Field(name="quantity", type=FieldType.INTEGER, label=Text("数量", "Quantity")),
                        Field(
                            name="amount",
                            type=FieldType.DECIMAL,
                            label=Text("金额", "Amount"),
                            calculation="=quantity*2",
                        ),
                    ),
                ),
            ),
        ),
        Section(name="statement", label=Text("声明", "Statement"), items=()),
    ),
)
FORMS = {"visit": VISIT}
CONSTANTS = {
    "form_id": "visit",
    "version": "2",
    "instance_id": "3a3c7c52-6f0f-4b8c-9d3c-2f7c3a1b9e10",
    "language": "zh",
}


def draw(
    cells: Mapping[str, Any] | None = None,
    *,
    places: Mapping[str, str] = PLACES,
    constants: Mapping[str, str] = CONSTANTS,
    labels: Mapping[str, str] = LABELS,
    merge: bool = True,
    options: Mapping[str, Any] | None = None,
    finish: Callable[[Any, Any], None] = lambda book, sheet: None,
) -> bytes:
    """
    The form's workbook with *cells* (address → value; a pair is a value and its number format).

    An empty *places* and *constants* is a workbook that has lost its names. *finish* gets
    the XlsxWriter workbook and sheet before they are closed.
    """
    out = BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, **(options or {})})
    sheet = book.add_worksheet(SHEET)
    if merge:
        sheet.merge_range("A1:D1", "出差服务单")
        sheet.merge_range("B5:D5", "")
        sheet.merge_range("B7:D9", "")
    for address, label in labels.items():
        sheet.write_string(address, label)
    for address, value in (cells or {}).items():
        if isinstance(value, tuple):
            sheet.write(address, value[0], book.add_format({"num_format": value[1]}))
        else:
            sheet.write(address, value)
    quoted = SHEET.replace("'", "''")
    for path, place in places.items():
        name = path if path.startswith("AS_") else "AS_" + path.replace(".", "__")
        book.define_name(name, f"={place}" if "!" in place or "#" in place else f"='{quoted}'!{place}")
    for name, value in constants.items():
        book.define_name(f"AS__{name}", f'="{value}"')
    finish(book, sheet)
    book.close()
    return out.getvalue()
