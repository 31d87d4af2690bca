"""The stamp of a report workbook: from what it was built, in properties that Excel and LibreOffice keep."""

import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Self
from urllib.parse import unquote

from lxml import etree

from workbooks.form import Language
from workbooks.package import Package, PackageError

PREFIX = "aftersheet."
PART = "docProps/custom.xml"
_TABLE = "table."
_OPEN = "*"  # a span without a first or last day
_MARK = 6  # hexadecimal digits: Excel keeps 255 characters of a property


@dataclass(frozen=True, slots=True, kw_only=True)
class StampedTable:
    """
    What an Excel table of the report was filled with: *dataset* from *start* to *end*, open where None.

    A table that was pushed into later has an instant, a selection and a scope of its own in *pushed*.
    """

    dataset: str
    start: date | None
    end: date | None
    rows: int
    pushed: "PushedRows | None" = None

    @classmethod
    def parse(cls, text: str) -> Self:
        dataset, start, end, rows, *more = text.split(" ")
        pushed = PushedRows.parse(more) if more else None
        return cls(dataset=dataset, start=_day(start), end=_day(end), rows=int(rows), pushed=pushed)

    def __str__(self) -> str:
        told = f"{self.dataset} {self.start or _OPEN} {self.end or _OPEN} {self.rows}"
        return f"{told} {self.pushed}" if self.pushed else told


@dataclass(frozen=True, slots=True, kw_only=True)
class PushedRows:
    """Rows pushed into a table of a finished report: as of when (aware), narrowed how, in whose scope."""

    as_of: datetime
    selection: Mapping[str, str]
    language: Language
    username: str
    roles: tuple[str, ...]
    station: str | None
    region: str | None

    @classmethod
    def parse(cls, fields: Sequence[str]) -> Self:
        as_of, selection, language, username, roles, station, region = map(unquote, fields)
        if language not in ("zh", "en"):
            raise ValueError(language)
        return cls(
            as_of=_instant(as_of), selection=_selection(selection), language=language,  # type: ignore[arg-type]
            username=username, roles=tuple(roles.split()),
            station=None if station == _OPEN else station, region=None if region == _OPEN else region,
        )  # fmt: skip

    def __str__(self) -> str:
        fields = (
            self.as_of.isoformat(), _written(self.selection), self.language, self.username, " ".join(self.roles),
            self.station or _OPEN, self.region or _OPEN,
        )  # fmt: skip
        return " ".join(field.replace("%", "%25").replace(" ", "%20") for field in fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportStamp:
    """
    Everything it takes to build the same report again.

    *as_of* and *built_at* are aware; *selection* has codes by dimension; *username*,
    *roles*, *station* and *region* are those of whoever it was built for, so that the same
    rows are in their scope; *tables* go by the name of the Excel table. The *seal* says
    that the installation with the key has written all this; *marks*, a few digits for each
    property, tell which was changed where the seal is broken.
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
    marks: str = ""

    @classmethod
    def read(cls, workbook: bytes) -> Self | None:
        """
        The stamp of *workbook*; None where it has none or parts of it are gone.

        Raises:
            PackageError: It is not a workbook.
        """
        return cls.of(Package(workbook))

    @classmethod
    def of(cls, package: Package) -> Self | None:
        """`read` for a workbook that is open already."""
        if PART not in package.names():
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
            selection=_selection(found["selection"]),
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
            marks=found.get("marks", ""),
        )

    def properties(self) -> dict[str, str]:
        """The stamp as custom document properties, by their full names."""
        return {PREFIX + name: text for name, text in (*self._texts(), ("marks", self.marks), ("seal", self.seal))}

    def sealed(self, key: bytes) -> Self:
        return replace(self, seal=self._seal(key), marks="".join(self._marks(key).values()))

    def genuine(self, key: bytes) -> bool:
        """Whether who sealed it had *key*, and nothing has been changed since."""
        return hmac.compare_digest(self.seal, self._seal(key))

    def altered(self, key: bytes) -> list[str] | None:
        """
        The names of the properties that are not as they were sealed; None where another installation sealed it.
        """
        marks = self._marks(key)
        if len(self.marks) != _MARK * len(marks):
            return None
        given = [self.marks[place : place + _MARK] for place in range(0, len(self.marks), _MARK)]
        found = [name for (name, mark), told in zip(marks.items(), given, strict=True) if mark != told]
        return None if len(found) == len(marks) else found or ["seal"]

    def _marks(self, key: bytes) -> dict[str, str]:
        return {
            name: hmac.new(key, f"{name}={text}".encode(), "sha256").hexdigest()[:_MARK]
            for name, text in sorted(self._texts())
        }

    def _seal(self, key: bytes) -> str:
        told = "\n".join(f"{name}={text}" for name, text in sorted(self._texts()))
        return hmac.new(key, told.encode(), "sha256").hexdigest()

    def _texts(self) -> Iterator[tuple[str, str]]:
        yield "report", self.report
        yield "period", self.period
        yield "as_of", self.as_of.isoformat()
        yield "built_at", self.built_at.isoformat()
        yield "language", self.language
        yield "selection", _written(self.selection)
        yield "username", self.username
        yield "roles", " ".join(self.roles)
        yield "station", self.station or ""
        yield "region", self.region or ""
        yield "version", self.version
        for name, table in self.tables.items():
            yield _TABLE + name, str(table)


def restamped(workbook: bytes, stamp: ReportStamp) -> bytes:
    """*workbook*, which has a stamp, with *stamp* in its place; no other part changes."""
    package = Package(workbook)
    restamp(package, stamp)
    return package.save()


def restamp(package: Package, stamp: ReportStamp) -> None:
    """Put *stamp* in place of the one there is."""
    root = package.xml(PART)
    texts = stamp.properties()
    for entry in root:
        text = texts.get(entry.get("name", ""))
        if text is not None and len(entry):
            entry[0].text = text
    package.replace(PART, root)


def read_stamp(workbook: bytes) -> ReportStamp | None:
    """`ReportStamp.read` as a function, for a child process."""
    return ReportStamp.read(workbook)


def _read(package: Package) -> Iterator[tuple[str, str]]:
    try:
        root = package.xml(PART)
    except etree.XMLSyntaxError as error:
        raise PackageError(str(error)) from error
    for entry in root:
        name = entry.get("name", "")
        if name.startswith(PREFIX):
            yield name.removeprefix(PREFIX), "".join(map(str, entry.itertext())).strip()


def _selection(text: str) -> dict[str, str]:
    return {name: code for pair in text.split("; ") if pair for name, _, code in [pair.partition("=")]}


def _written(selection: Mapping[str, str]) -> str:
    return "; ".join(f"{name}={code}" for name, code in selection.items())


def _instant(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(text)
    return found


def _day(text: str) -> date | None:
    return None if text == _OPEN else date.fromisoformat(text)
