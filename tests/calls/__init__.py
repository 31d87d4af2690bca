"""A form in three versions, and a workbook of the first one as somebody filled it in."""

from pathlib import Path

from workbooks.library import load

V1, V2, V3 = (load(Path(__file__).with_name(f"v{version}.yaml")) for version in (1, 2, 3))

# (defined name, line, what is typed) for a blank of version 1
TYPED = [
    ("AS_customer", 0, "常州地铁"),
    ("AS_called_on", 0, "2026-11-03"),
    ("AS_tel", 0, "0519-8888"),
    ("AS_contact", 0, "王五 ／ 13800001111"),
    ("AS_urgency", 0, "急"),
    ("AS_fax", 0, "0519-9999"),
    ("AS_items__what", 0, "密封条"),
    ("AS_items__count", 0, "2"),
    ("AS_items__colour", 0, "黑"),
    ("AS_items__what", 1, "螺栓"),
    ("AS_items__count", 1, "8"),
]
