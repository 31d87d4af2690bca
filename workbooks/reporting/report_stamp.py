"""The stamp of a report workbook: from what it was built, in properties that Excel and LibreOffice keep."""

import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Self

from lxml import etree

from workbooks.form import Language
from workbooks.package import Package, PackageError

PREFIX = "aftersheet."
_PART = "docProps/custom.xml"
_TABLE = "table."
_OPEN = "*"  # a span without a first or last day


@dataclass(frozen=True, slots=True, kw_only=True)
class StampedTable:
    """What an Excel table of the report was filled with: *dataset* from *start* to *end*, open where None."""

    dataset: str
    start: date | None
    end: date | None
    rows: int

    @classmethod
    def parse(cls, text: str) -> Self:
        dataset, start, end, rows = text.split(" ")
        return cls(dataset=dataset, start=_day(start), end=_day(end), rows=int(rows))

    def __str__(self) -> str:
        return f"{self.dataset} {self.start or _OPEN} {self.end or _OPEN} {self.rows}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportStamp:
    """
    Everything it takes to build the same report again.

    *as_of* and *built_at* are aware; *selection* has codes by dimension; *username*,
    *roles*, *station* and *region* are those of whoever it was built for, so that the same
    rows are in their scope; *tables* go by the name of the Excel table. The *seal* says
    that the installation with the key has written all this.
    """

    report: str
    period: str
    as_of: datetime
    built_at: datetime
    language: Language
    selection: Mapping[str, str]
    username: str
    roles: tuple[str, ...]
    station: str | None
    region: str | None
    tables: Mapping[str, StampedTable]
    version: str
    seal: str = ""

    @classmethod
    def read(cls, workbook: bytes) -> Self | None:
        """
        The stamp of *workbook*; None where it has none or parts of it are gone.

        Raises:
            PackageError: It is not a workbook.
        """
        package = Package(workbook)
        if _PART not in package.names():
            return None
        try:
            return cls._of(dict(_read(package)))
        except (KeyError, ValueError):
            return None

    @classmethod
    def _of(cls, found: Mapping[str, str]) -> Self:
        language = found["language"]
        if language not in ("zh", "en"):
            raise ValueError(language)
        return cls(
            report=found["report"],
            period=found["period"],
            as_of=_instant(found["as_of"]),
            built_at=_instant(found["built_at"]),
            language=language,  # type: ignore[arg-type]
            selection=dict(pair.split("=", 1) for pair in found["selection"].split("; ") if pair),
            username=found["username"],
            roles=tuple(found["roles"].split()),
            station=found["station"] or None,
            region=found["region"] or None,
            tables={
                name.removeprefix(_TABLE): StampedTable.parse(text)
                for name, text in found.items()
                if name.startswith(_TABLE)
            },
            version=found["version"],
            seal=found["seal"],
        )

    def properties(self) -> dict[str, str]:
        """The stamp as custom document properties, by their full names."""
        return {PREFIX + name: text for name, text in (*self._texts(), ("seal", self.seal))}

    def sealed(self, key: bytes) -> Self:
        return replace(self, seal=self._seal(key))

    def genuine(self, key: bytes) -> bool:
        """Whether who sealed it had *key*, and nothing has been changed since."""
        return hmac.compare_digest(self.seal, self._seal(key))

    def _seal(self, key: bytes) -> str:
        told = "\n".join(f"{name}={text}" for name, text in sorted(self._texts()))
        return hmac.new(key, told.encode(), "sha256").hexdigest()

    def _texts(self) -> Iterator[tuple[str, str]]:
        yield "report", self.report
        yield "period", self.period
        yield "as_of", self.as_of.isoformat()
        yield "built_at", self.built_at.isoformat()
        yield "language", self.language
        yield "selection", "; ".join(f"{name}={code}" for name, code in self.selection.items())
        yield "username", self.username
        yield "roles", " ".join(self.roles)
        yield "station", self.station or ""
        yield "region", self.region or ""
        yield "version", self.version
        for name, table in self.tables.items():
            yield _TABLE + name, str(table)


def _read(package: Package) -> Iterator[tuple[str, str]]:
    try:
        root = package.xml(_PART)
    except etree.XMLSyntaxError as error:
        raise PackageError(str(error)) from error
    for entry in root:
        name = entry.get("name", "")
        if name.startswith(PREFIX):
            yield name.removeprefix(PREFIX), "".join(map(str, entry.itertext())).strip()


def _instant(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(text)
    return found


def _day(text: str) -> date | None:
    return None if text == _OPEN else date.fromisoformat(text)
