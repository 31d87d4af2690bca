"""The package: what nobody changed is saved to the byte, and what is ambiguous is not opened."""

import io
import struct
import zipfile
from collections.abc import Mapping

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbooks.ooxml.deflation import Deflation
from workbooks.package import (
    CONTENT_TYPES,
    RELATION_NS,
    Package,
    PackageError,
    relation_target,
    relations_part,
)

PARTS = {
    "[Content_Types].xml": b'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
    "xl/workbook.xml": b"<workbook/>" * 50,
    "xl/media/image1.png": bytes(range(256)) * 9,
    "xl/empty.xml": b"",
}
NAMES = st.text("abcdefghijklmnopqrstuvwxyz0123456789_/.-表单é", min_size=1, max_size=20)


def zipped(parts: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def streamed(parts: Mapping[str, bytes], *, zip64: bool = False) -> bytes:
    """As written to a pipe: sizes only behind the data (in data descriptors)."""

    class Pipe(io.RawIOBase):
        written = b""

        def writable(self) -> bool:
            return True

        def write(self, data: object) -> int:
            self.written += bytes(data)  # type: ignore[call-overload]
            return len(bytes(data))  # type: ignore[call-overload]

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            with archive.open(zipfile.ZipInfo(name), "w", force_zip64=zip64) as entry:
                entry.write(content)
    return pipe.written


def stored(content: bytes) -> dict[str, bytes]:
    """What another program reads; `testzip` has compared every checksum."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def local_records(content: bytes) -> dict[str, bytes]:
    """The raw bytes of each local record, up to the next one."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        starts = [(info.header_offset, info.filename) for info in archive.infolist()]
        ends = [*(offset for offset, _ in starts), archive.start_dir][1:]
    return {name: content[start:end] for (start, name), end in zip(starts, ends, strict=True)}


@pytest.mark.parametrize(
    "content",
    [zipped(PARTS), zipped(PARTS, zipfile.ZIP_STORED), streamed(PARTS), streamed(PARTS, zip64=True)],
    ids=["deflated", "stored", "data descriptors", "zip64 records"],
)
def test_unchanged_archive_is_saved_to_the_byte(content: bytes):
    """Local records, order and names are those of the original."""
    saved = Package(content).save()

    assert local_records(saved) == local_records(content)
    assert stored(saved) == PARTS


def test_only_the_replaced_part_differs():
    """The others keep their compressed bytes."""
    content = streamed(PARTS)
    package = Package(content)
    package.put("xl/workbook.xml", b"<workbook>other</workbook>")
    saved = package.save()

    before, after = local_records(content), local_records(saved)
    assert [name for name in before if before[name] != after[name]] == ["xl/workbook.xml"]
    assert stored(saved) == PARTS | {"xl/workbook.xml": b"<workbook>other</workbook>"}
    assert package.changed == {"xl/workbook.xml"}


def test_replacing_a_part_by_itself_changes_nothing():
    """Also when it had been changed in between."""
    package = Package(zipped(PARTS))
    package.put("xl/workbook.xml", b"other")
    package.put("xl/workbook.xml", PARTS["xl/workbook.xml"])

    assert package.changed == frozenset()


def test_removed_parts_are_gone_and_added_ones_come_last():
    package = Package(zipped(PARTS))
    package.remove("xl/empty.xml")
    package.put("xl/new.xml", b"<new/>")
    package.put("xl/passing.xml", b"<passing/>")
    package.remove("xl/passing.xml")

    assert list(stored(package.save())) == [*list(PARTS)[:3], "xl/new.xml"]
    assert list(package.names()) == [*list(PARTS)[:3], "xl/new.xml"]


def test_part_names_match_whatever_their_case():
    """Some writers say xl/Workbook.xml in one place and xl/workbook.xml in the other."""
    package = Package(zipped({"XL/Workbook.xml": b"<a/>"}))

    assert package.read("xl/workbook.xml") == b"<a/>"
    assert "xl/WORKBOOK.xml" in package


def test_backslashes_in_names_are_read_as_slashes():
    """Early .NET wrote them; what is not changed keeps them."""
    content = zipped({"xl/a.xml": b"<a/>", "xl/b.xml": b"<b/>"}).replace(b"xl/a.xml", b"xl\\a.xml")
    package = Package(content)

    assert package.read("xl/a.xml") == b"<a/>"
    assert package.save() == content


def test_utf8_names_survive():
    content = zipped({"xl/表单.xml": b"<a/>", "xl/b.xml": b"<b/>"})
    package = Package(content)
    package.put("xl/新.xml", b"<c/>")

    assert package.read("xl/表单.xml") == b"<a/>"
    assert set(stored(package.save())) == {"xl/表单.xml", "xl/b.xml", "xl/新.xml"}


def test_wide_directory_records_are_followed():
    """Streaming writers put sizes and offset into the zip64 field although they would fit."""
    content = zipped({"a.xml": b"<a/>" * 9, "b.xml": b"<b/>" * 9})
    start = content.index(b"PK\x01\x02")
    wide = bytearray(content[:start])
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for info in archive.infolist():
            extra = struct.pack("<HHQQQ", 1, 24, info.file_size, info.compress_size, info.header_offset)
            name = info.filename.encode()
            wide += struct.pack(
                "<IHHHHHHIIIHHHHHII", 0x02014B50, 45, 45, 0, 8, 0, 0x21, info.CRC, 2**32 - 1, 2**32 - 1,
                len(name), len(extra), 0, 0, 0, 0, 2**32 - 1,
            ) + name + extra  # fmt: skip
    wide += struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 2, 2, len(wide) - start, start, 0)
    package = Package(bytes(wide))
    package.put("a.xml", b"<longer/>" * 99)

    assert stored(package.save()) == {"a.xml": b"<longer/>" * 99, "b.xml": b"<b/>" * 9}


def changed_at(content: bytes, signature: bytes, offset: int, new: bytes) -> bytes:
    at = content.index(signature) + offset
    return content[:at] + new + content[at + len(new) :]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04 and nothing else",
        zipped(PARTS)[:-30],
        zipped(PARTS)[20:],
        changed_at(zipped(PARTS), b"PK\x01\x02", 42, struct.pack("<I", 7)),
        changed_at(zipped(PARTS), b"PK\x01\x02", 20, struct.pack("<I", 10**6)),
        changed_at(zipped(PARTS), b"PK\x01\x02", 46, b"[Content_TypeX].xml"),
        changed_at(zipped(PARTS), b"PK\x05\x06", 16, struct.pack("<I", 2**31)),
        zipped({"a.xml": b"1", "b.xml": b"2"}).replace(b"b.xml", b"a.xml"),
        zipped({"a.xml": b"1", "b.xml": b"2"}).replace(b"b.xml", b"A.XML"),
        zipped({"表单.xml": b"1"}).replace("表".encode(), b"\xff\xfe\xfd"),
    ],
    ids=[
        "empty", "cut after the first bytes", "end cut off", "beginning cut off", "wrong offset", "overlapping",
        "two names for one entry", "directory outside", "same name twice", "same name in another case", "not UTF-8",
    ],
)  # fmt: skip
def test_damaged_or_ambiguous_archives_are_not_opened(content: bytes):
    with pytest.raises(PackageError):
        Package(content)


@pytest.mark.parametrize(
    ("offset", "new"),
    [(16, b"\0\0\0\0"), (24, struct.pack("<I", 3)), (24, struct.pack("<I", 10**6)), (8, b"\1\0"), (10, b"\x0c\0")],
    ids=["checksum", "inflates to more", "inflates to less", "encrypted", "bzip2"],
)
def test_parts_that_are_not_as_announced_are_not_read(offset: int, new: bytes):
    """A directory that lies about a size cannot make us inflate more than it says."""
    package = Package(changed_at(zipped({"a.xml": b"<a/>" * 99}), b"PK\x01\x02", offset, new))

    with pytest.raises(PackageError):
        package.read("a.xml")


def test_damaged_compressed_bytes_are_not_read():
    content = zipped({"a.xml": bytes(range(256))})
    at = content.index(b"a.xml") + 5

    with pytest.raises(PackageError):
        Package(content[:at] + b"\xff" * 9 + content[at + 9 :]).read("a.xml")


def test_malformed_xml_is_a_package_error():
    with pytest.raises(PackageError):
        Package(zipped({"a.xml": b"<a>"})).xml("a.xml")


def test_a_part_that_is_not_there_is_a_key_error():
    package = Package(zipped(PARTS))
    package.remove("xl/empty.xml")

    with pytest.raises(KeyError):
        package.read("xl/empty.xml")
    with pytest.raises(KeyError):
        package.read("xl/nothing.xml")


CONTENTS = st.dictionaries(NAMES, st.binary(max_size=300), max_size=6)


@given(original=CONTENTS, added=CONTENTS, removed=st.sets(NAMES), through_a_pipe=st.booleans())
def test_any_edit_of_any_archive_reads_back(
    original: dict[str, bytes], added: dict[str, bytes], removed: set[str], through_a_pipe: bool
):
    """Whatever is put and removed, another program reads just that, and the rest to the byte."""
    content = streamed(original) if through_a_pipe else zipped(original)
    package = Package(content)
    for name, part in added.items():
        package.put(name, part)
    gone = {*removed, *list(original)[:1]} - added.keys()
    for name in gone:
        package.remove(name)
    saved = package.save()

    expected = {name: part for name, part in (original | added).items() if name not in gone}
    assert stored(saved) == expected
    untouched = original.keys() - added.keys() - gone
    before, after = local_records(content), local_records(saved)
    assert {name: before[name] for name in untouched} == {name: after[name] for name in untouched}
    assert {name: Package(saved).read(name) for name in expected} == expected


def workbook() -> Package:
    book = openpyxl.Workbook()
    book.create_sheet("第二张").sheet_state = "hidden"
    out = io.BytesIO()
    book.save(out)
    return Package(out.getvalue())


def test_sheets_are_listed_in_tab_order_with_their_state():
    assert [(s.title, s.index, s.state) for s in workbook().sheets()] == [
        ("Sheet", 0, "visible"),
        ("第二张", 1, "hidden"),
    ]


def test_sheets_of_a_strict_workbook_are_found():
    """Strict files use other namespaces for the same things."""
    package = workbook()
    for name in list(package.names()):
        content = package.read(name)
        content = content.replace(
            b"http://schemas.openxmlformats.org/spreadsheetml/2006/main",
            b"http://purl.oclc.org/ooxml/spreadsheetml/main",
        )
        content = content.replace(RELATION_NS.encode(), b"http://purl.oclc.org/ooxml/officeDocument/relationships")
        package.put(name, content)

    assert [sheet.title for sheet in Package(package.save()).sheets()] == ["Sheet", "第二张"]


def test_a_relationship_gets_a_free_id_and_a_relative_target():
    package = workbook()
    package.put("xl/custom/one.xml", b"<one/>")
    key = package.relate(package.workbook, "http://example.com/types/one", "xl/custom/one.xml")

    assert package.related(package.workbook, "one") == {key: "xl/custom/one.xml"}
    assert len({relation.get("Id") for relation in package.relations(package.workbook)}) == 5
    assert package.relations(package.workbook)[-1].get("Target") == "custom/one.xml"


def test_unrelating_takes_what_only_it_led_to():
    """A part that something else leads to stays, so does one nothing ever led to."""
    package = workbook()
    for name in ("xl/shared.xml", "xl/only.xml", "xl/below.xml", "xl/orphan.xml"):
        package.put(name, b"<a/>")
        package.set_content_type(name, "application/x-test+xml")
    key = package.relate(package.workbook, "http://example.com/t", "xl/only.xml")
    package.relate("xl/only.xml", "http://example.com/t", "xl/below.xml")
    package.relate("xl/only.xml", "http://example.com/t", "xl/shared.xml")
    package.relate("", "http://example.com/t", "xl/shared.xml")
    package.unrelate(package.workbook, key)

    assert [name in package for name in ("xl/only.xml", "xl/below.xml", "xl/shared.xml", "xl/orphan.xml")] == [
        False, False, True, True,
    ]  # fmt: skip
    assert relations_part("xl/only.xml") not in package
    assert package.content_type("xl/below.xml") == "application/xml"
    assert package.content_type("xl/shared.xml") == "application/x-test+xml"
    assert "xl/workbook.xml" in package


def test_an_empty_package_can_be_filled():
    package = Package.empty()
    package.put("a.xml", b"<a/>")
    package.set_content_type("a.xml", "application/x-a+xml")
    saved = Package(package.save())

    assert set(saved.names()) == {CONTENT_TYPES, "a.xml"}
    assert saved.content_type("a.xml") == "application/x-a+xml"
    assert saved.content_type("b.xml") == "application/xml"


@pytest.mark.parametrize(
    ("part", "target", "expected"),
    [
        ("xl/workbook.xml", "worksheets/sheet1.xml", "xl/worksheets/sheet1.xml"),
        ("xl/worksheets/sheet1.xml", "../drawings/drawing1.xml", "xl/drawings/drawing1.xml"),
        ("xl/workbook.xml", "/xl/styles.xml", "xl/styles.xml"),
        ("xl/workbook.xml", "worksheets\\sheet1.xml", "xl/worksheets/sheet1.xml"),
        ("", "xl/workbook.xml", "xl/workbook.xml"),
    ],
)
def test_targets_are_found_from_the_part_they_stand_in(part: str, target: str, expected: str):
    assert relation_target(part, target) == expected


def test_a_part_compressed_while_it_is_written_is_read_back():
    """Before and after saving; the same contents again change nothing."""
    pieces = [b"<row/>" * 1000, b"", "表单".encode()]
    package = Package(zipped(PARTS))
    part = Deflation()
    for piece in pieces:
        part.write(piece)

    package.replace("xl/workbook.xml", part.finish())
    saved = Package(package.save())
    again = Deflation()
    again.write(b"".join(pieces))
    saved.replace("xl/workbook.xml", again.finish())

    assert package.read("xl/workbook.xml") == saved.read("xl/workbook.xml") == b"".join(pieces)
    assert saved.changed == frozenset()
