"""Damages of the file itself: how its parts are written, packed and cut off."""

import re
from io import BytesIO
from random import Random
from zipfile import ZIP_STORED, ZipFile

from lxml import etree

from tests.fuzz.editing import STRINGS, STYLES, TYPES, WORKBOOK, Editor, spot, tag
from tests.fuzz.subject import Damage, Subject, kind, with_line

_FILE = frozenset({
    "damaged", "unsafe", "not-a-workbook", "empty-file", "text-as-workbook", "too-large", "xml-as-workbook",
})  # fmt: skip
_LOST = frozenset({"lost-names", "lost-field", "unknown-form", "misplaced-answer", "other-form"})


def _every(subject: Subject) -> frozenset[str]:
    return frozenset(path for path, _ in subject.definition.paths())


@kind
def cut_off(subject: Subject, book: Editor, rng: Random) -> tuple[bytes, Damage]:
    content = subject.content
    return content[: rng.randrange(len(content))], Damage(kind="cut_off", slugs=_FILE)


@kind
def bytes_flipped(subject: Subject, book: Editor, rng: Random) -> tuple[bytes, Damage]:
    content = bytearray(subject.content)
    for _ in range(rng.choice([1, 3, 40])):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    return bytes(content), Damage(kind="bytes_flipped", slugs=_FILE)


@kind
def packed_otherwise(subject: Subject, book: Editor, rng: Random) -> tuple[bytes, Damage]:
    """Stored, in another order, with folders: other programs' habits."""
    names = list(book.parts)
    rng.shuffle(names)
    out = BytesIO()
    with ZipFile(out, "w", ZIP_STORED if rng.random() < 0.5 else 8) as archive:
        if rng.random() < 0.3:
            archive.writestr("xl/", b"")
        for name in names:
            archive.writestr(name, book.parts[name])
    return out.getvalue(), Damage(kind="packed_otherwise", slugs=_FILE)


@kind
def packed_in_a_folder(subject: Subject, book: Editor, rng: Random) -> tuple[bytes, Damage]:
    out = BytesIO()
    with ZipFile(out, "w", 8) as archive:
        for name, data in book.parts.items():
            archive.writestr(f"表/{name}", data)
    return out.getvalue(), Damage(kind="packed_in_a_folder", slugs=_FILE)


@kind
def something_around_the_file(subject: Subject, book: Editor, rng: Random) -> tuple[bytes, Damage]:
    before, after = rng.choice(
        [(b"\xef\xbb\xbf", b""), (b"", b"\r\n"), (b"HTTP/1.1 200 OK\r\n\r\n", b""), (b"", b"\0" * 512)]
    )
    return before + subject.content + after, Damage(kind="something_around_the_file", slugs=_FILE)


@kind
def part_missing(subject: Subject, book: Editor, rng: Random) -> Damage:
    part = rng.choice([p for p in book.parts if not p.endswith("sheet2.xml")])
    del book.parts[part]
    return Damage(kind="part_missing", slugs=_FILE | _LOST, paths=_every(subject), told=part)


@kind
def parts_added(subject: Subject, book: Editor, rng: Random) -> Damage:
    book.parts["customXml/item1.xml"] = b"<properties/>"
    book.parts["docProps/thumbnail.jpeg"] = b"\xff\xd8\xff\xe0" + b"\0" * 50
    if rng.random() < 0.5:
        book.parts["xl/sharedStrings2.xml"] = (
            b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"/>'
        )
    return Damage(kind="parts_added")


@kind
def inline_texts(subject: Subject, book: Editor, rng: Random) -> Damage:
    """Every text in its cell, the table of shared ones gone, as many libraries write."""
    strings = list(book.tree(STRINGS))
    for _, cell in book.cells():
        if cell.get("t") == "s":
            entry = strings[int(cell.findtext(tag("v"), "0"))]
            for child in list(cell):
                cell.remove(child)
            cell.set("t", "inlineStr")
            holder = etree.SubElement(cell, tag("is"))
            for child in entry:
                holder.append(etree.fromstring(etree.tostring(child)))
    return Damage(kind="inline_texts")


@kind
def rich_text(subject: Subject, book: Editor, rng: Random) -> Damage:
    """Texts in runs, some words bold, some with a reading beside them."""
    for entry in book.tree(STRINGS):
        text = entry.findtext(tag("t"))
        if text is None or len(text) < 2:
            continue
        at = rng.randrange(1, len(text))
        for child in list(entry):
            entry.remove(child)
        for piece in (text[:at], text[at:]):
            run = etree.SubElement(entry, tag("r"))
            etree.SubElement(etree.SubElement(run, tag("rPr")), tag("b"))
            node = etree.SubElement(run, tag("t"))
            node.text = piece
            node.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
        if rng.random() < 0.5:
            reading = etree.SubElement(entry, tag("rPh"), sb="0", eb="1")
            etree.SubElement(reading, tag("t")).text = "カナ"
    return Damage(kind="rich_text")


@kind
def strings_in_another_order(subject: Subject, book: Editor, rng: Random) -> Damage:
    """Reordered with their references: another program's table."""
    table = book.tree(STRINGS)
    entries = list(table)
    order = list(range(len(entries)))
    rng.shuffle(order)
    table[:] = [entries[index] for index in order]
    new = {str(old): str(at) for at, old in enumerate(order)}
    for title in (book.form, "_lists"):
        for _, cell in book.cells(title):
            value = cell.find(tag("v"))
            if cell.get("t") == "s" and value is not None:
                value.text = new[value.text or "0"]
    return Damage(kind="strings_in_another_order")


@kind
def strings_mixed_up(subject: Subject, book: Editor, rng: Random) -> Damage:
    """Reordered without their references: every text stands in another's place."""
    table = book.tree(STRINGS)
    entries = list(table)
    by = rng.randrange(1, 20)
    table[:] = entries[by:] + entries[:by]
    return Damage(kind="strings_mixed_up", slugs=_FILE | _LOST, paths=_every(subject), told=str(by))


@kind
def strings_cut_short(subject: Subject, book: Editor, rng: Random) -> Damage:
    """A table of texts that ends too early: cells refer to what is not there."""
    table = book.tree(STRINGS)
    left = rng.randrange(len(table))
    for entry in list(table)[left:]:
        table.remove(entry)
    return Damage(kind="strings_cut_short", slugs=_FILE | _LOST, paths=_every(subject), told=str(left))


@kind
def styles_dropped(subject: Subject, book: Editor, rng: Random) -> Damage:
    """Dates are bare numbers then."""
    if rng.random() < 0.5:
        for _, cell in book.cells():
            cell.attrib.pop("s", None)
    else:
        del book.parts[STYLES]
        relations = book.tree("xl/_rels/workbook.xml.rels")
        for relation in list(relations):
            if relation.get("Target") == "styles.xml":
                relations.remove(relation)
        for override in list(book.tree(TYPES)):
            if override.get("PartName") == f"/{STYLES}":
                book.tree(TYPES).remove(override)
    return Damage(kind="styles_dropped", slugs=_FILE)


@kind
def written_with_prefixes(subject: Subject, book: Editor, rng: Random) -> Damage:
    """x:row and x:c, as some libraries write; one of the answers is an error value."""
    answer = rng.choice(subject.answers)
    broken = rng.random() < 0.5
    if broken:
        from tests.fuzz.editing import ErrorValue

        book.put(answer.spot, ErrorValue("#N/A"))
    for part in [book.part()] + ([WORKBOOK] if rng.random() < 0.5 else []):
        text = book.text(part)
        text = re.sub(r"<(/?)(?![?!/])(?!\w+:)", r"<\1x:", text).replace("xmlns=", "xmlns:x=", 1)
        book.put_text(part, text)
    paths = frozenset({answer.path}) if broken else frozenset()
    return Damage(kind="written_with_prefixes", slugs=_FILE, paths=paths, told=answer.path if broken else "")


@kind
def written_with_single_quotes(subject: Subject, book: Editor, rng: Random) -> Damage:
    """Single quotes, attributes in another order; one answer an error, one never calculated."""
    from tests.fuzz.editing import ErrorValue, Formula

    answer = rng.choice(subject.answers)
    content = rng.choice([None, ErrorValue("#REF!", formula=True), Formula("A1")])
    if content is not None:
        book.put(answer.spot, content)
    for _, cell in book.cells():
        items = list(reversed(cell.attrib.items()))
        cell.attrib.clear()
        cell.attrib.update(items)
    text = book.text(book.part())
    book.put_text(book.part(), re.sub(r'(\s[\w:]+=)"([^"\'<>]*)"', r"\1'\2'", text))
    paths = frozenset({answer.path}) if content else frozenset()
    return Damage(kind="written_with_single_quotes", slugs=_FILE, paths=paths, told=str(content))


@kind
def written_with_white_space(subject: Subject, book: Editor, rng: Random) -> Damage:
    """Pretty-printed, as by hand: line ends and blanks between the elements and inside the numbers."""
    from tests.fuzz.editing import ErrorValue

    answer = rng.choice(subject.answers)
    broken = rng.random() < 0.4
    if broken:
        book.put(answer.spot, ErrorValue("#N/A", formula=rng.random() < 0.5))
    text = book.text(book.part())
    text = re.sub(r"(<(?:row|c|v|/row|/c|/sheetData|f)\b)", r"\n  \1", text)
    if rng.random() < 0.5:
        text = re.sub(r"<v>([^<]*)</v>", r"<v>\n \1 \n</v>", text)
    book.put_text(book.part(), text)
    return Damage(
        kind="written_with_white_space", slugs=_FILE, paths=frozenset({answer.path}) if broken else frozenset()
    )


@kind
def comments_inside_values(subject: Subject, book: Editor, rng: Random) -> Damage | None:
    """<v>12<!-- -->34</v>: one number to an XML parser, another to who only looks at the first piece."""
    values = [(a, book.cell(a.spot).find(tag("v"))) for a in subject.answers]
    long = [(answer, v) for answer, v in values if v is not None and v.text and len(v.text) > 1]
    if not long:
        return None
    answer, value = rng.choice(long)
    marker = "\ue000"
    value.text = f"{value.text[:1]}{marker}{value.text[1:]}"
    odd = rng.choice(["<!-- -->", "<?x y?>"])
    text = book.text(book.part()).replace(marker, odd)
    book.put_text(book.part(), text)
    return Damage(kind="comments_inside_values", slugs=_FILE, paths=_every(subject), told=answer.spot.address)


@kind
def places_left_out(subject: Subject, book: Editor, rng: Random) -> Damage:
    """Rows and cells without their r: each is where counting says."""
    for row in book.rows():
        column = 0
        for cell in list(row):
            column += 1
            assert spot(cell.get("r", "")).column >= column
            while spot(cell.get("r", "")).column > column:
                cell.addprevious(etree.Element(tag("c")))
                column += 1
    numbers = [int(row.get("r", "0")) for row in book.rows()]
    if numbers == list(range(1, len(numbers) + 1)):
        for row in book.rows():
            row.attrib.pop("r", None)
            for cell in row:
                cell.attrib.pop("r", None)
    return Damage(kind="places_left_out", slugs=_FILE)


@kind
def a_wrong_dimension(subject: Subject, book: Editor, rng: Random) -> Damage:
    dimension = book.sheet().find(tag("dimension"))
    assert dimension is not None
    dimension.set("ref", rng.choice(["A1", "A1:B2", "C5:D9", "A1:XFD1048576", "A1:A1", "B2:A1"]))
    return Damage(kind="a_wrong_dimension", slugs=_FILE)


@kind
def a_cell_written_twice(subject: Subject, book: Editor, rng: Random) -> Damage:
    """Two elements for one place: Excel takes such a file for damaged, and nobody can say which one counts."""
    answer = rng.choice(subject.answers)
    element = book.cell(answer.spot)
    double = etree.fromstring(
        f'<c xmlns="{element.nsmap[None]}" r="{answer.spot.address}" t="inlineStr"><is><t>另一个</t></is></c>'
    )
    element.addnext(double) if rng.random() < 0.5 else element.addprevious(double)
    becomes = with_line(subject, answer, "另一个")
    return Damage(
        kind="a_cell_written_twice", slugs=_FILE, paths=frozenset({answer.path}), becomes=becomes, told=answer.path
    )


@kind
def a_row_written_twice(subject: Subject, book: Editor, rng: Random) -> Damage:
    answer = rng.choice(subject.answers)
    row = next(r for r in book.rows() if r.get("r") == str(answer.spot.row))
    double = etree.fromstring(
        f'<row xmlns="{row.nsmap[None]}" r="{answer.spot.row}"><c r="{answer.spot.address}" t="inlineStr">'
        "<is><t>另一个</t></is></c></row>"
    )
    row.addnext(double) if rng.random() < 0.5 else row.addprevious(double)
    becomes = with_line(subject, answer, "另一个")
    return Damage(kind="a_row_written_twice", slugs=_FILE, paths=_every(subject), becomes=becomes, told=answer.path)


@kind
def rows_in_another_order(subject: Subject, book: Editor, rng: Random) -> Damage:
    rows = book.rows()
    elements = list(rows)
    rng.shuffle(elements)
    rows[:] = elements
    return Damage(kind="rows_in_another_order", slugs=_FILE | _LOST, paths=_every(subject))


@kind
def dates_in_words_of_xml(subject: Subject, book: Editor, rng: Random) -> Damage | None:
    """t="d": ISO dates, as the standard allows and few programs write."""
    from datetime import date, datetime

    found = [a for a in subject.answers if isinstance(a.value, date)]
    if not found:
        return None
    for answer in found:
        moment = answer.value
        assert isinstance(moment, date)
        text = (
            moment.isoformat()
            if isinstance(moment, datetime) or rng.random() < 0.5
            else f"{moment.isoformat()}T00:00:00"
        )
        element = book.cell(answer.spot)
        for child in list(element):
            element.remove(child)
        element.set("t", "d")
        etree.SubElement(element, tag("v")).text = text
    return Damage(kind="dates_in_words_of_xml", paths=frozenset(a.path for a in found))


@kind
def another_encoding(subject: Subject, book: Editor, rng: Random) -> Damage:
    part = rng.choice([book.part(), WORKBOOK, STRINGS])
    text = book.text(part)
    encoding = rng.choice(["utf-16", "gbk", "utf-8-sig"])
    declared = {"utf-8-sig": "UTF-8"}.get(encoding, encoding)
    text = re.sub(r"encoding=(['\"])UTF-8\1", f'encoding="{declared}"', text, count=1)
    book.parts[part] = text.encode(encoding, "replace")
    return Damage(kind="another_encoding", slugs=_FILE, told=f"{part} {encoding}")


@kind
def an_impossible_character(subject: Subject, book: Editor, rng: Random) -> Damage:
    answer = rng.choice(subject.answers)
    text = book.text(book.part())
    odd = rng.choice(["&#0;", "&#xFFFE;", "&unknown;", chr(1), "&"])
    element = f'<c r="{answer.spot.address}" t="inlineStr"><is><t>a{odd}b</t></is></c>'
    text = re.sub(rf'<c r="{answer.spot.address}"(?:[^>]*/>|.*?</c>)', lambda _: element, text, count=1)
    book.put_text(book.part(), text)
    becomes = with_line(subject, answer, "ab")
    return Damage(kind="an_impossible_character", slugs=_FILE, paths=_every(subject), becomes=becomes, told=element)
