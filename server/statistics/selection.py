"""What a report or a chart is narrowed to: a place, a product, a customer."""

from dataclasses import dataclass, fields
from typing import Any

from workbooks.form import Text

_CODES = ("station", "customer", "vehicle_type", "system")


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """
    Which facts count; None leaves a dimension open.

    *region* is a region's Chinese name, all others are codes of master data; *system* is a
    product of level 1. A fact that has no such dimension (a trip has no train type) is not
    narrowed by it.
    """

    region: str | None = None
    station: str | None = None
    customer: str | None = None
    vehicle_type: str | None = None
    system: str | None = None

    def __bool__(self) -> bool:
        return any(getattr(self, field.name) is not None for field in fields(self))

    def holds(self, fact: Any, regions: dict[str, str]) -> bool:
        """Whether *fact* is meant; *regions* has the region of each station's code."""
        if self.region is not None and regions.get(fact.station or "") != self.region:
            return False
        wanted = {name: code for name in _CODES if (code := getattr(self, name)) is not None}
        return all(getattr(fact, name, code) == code for name, code in wanted.items())

    def label(self, named: dict[str, Text]) -> Text:
        """What is selected in words, such as 华东、B型车; *named* has the label of each dimension's value."""
        chosen = [named[field.name] for field in fields(self) if getattr(self, field.name) is not None]
        return Text("、".join(text.zh for text in chosen), ", ".join(text.en for text in chosen))


EVERYTHING = Selection()
