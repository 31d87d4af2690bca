"""XML that multiplies, reaches outside, nests, or hides in another encoding."""

from tests.archives import MAIN, SHEET, STRINGS, TYPES, WORKBOOK, XML, content_types, sheet, strings, workbook
from tests.hostile.kinds import ANSWER, READ, Hostile, changed, inflating, rows

_TEXTS = ("工单号", "W001")


def markup() -> list[Hostile]:
    laughs = strings("&e9;", head=_entities())
    from_outside = '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/hostname"><!ENTITY w SYSTEM "http://127.0.0.1:9/w">]>'
    on_the_web = '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/d">'
    long_entity = f'<!DOCTYPE x [<!ENTITY q "{"Q" * 90_000}">]>'
    nested = f'<row r="1"><c r="A1" t="inlineStr"><is>{"<r>" * 250_000}{"</r>" * 250_000}</is></c></row>'
    numbered = " ".join(f'n{i}="0"' for i in range(150_000))
    attribute = f'{XML}<worksheet xmlns="{MAIN}" x="'
    not_utf8 = strings("??", "W001").encode().replace(b"??", b"\xfe\xff\xfa")
    escaped = strings("a_x0000_b_x0007_c_xD800_&#xFFFE;", "W001")
    return [
        Hostile("entities that multiply, in a sheet", "unsafe", changed(SHEET, _declaring(sheet(), _entities()))),
        Hostile("entities that multiply, in the strings", "unsafe", changed(STRINGS, laughs)),
        Hostile(
            "entities that multiply, in the workbook", "unsafe", changed(WORKBOOK, _declaring(workbook(), _entities()))
        ),
        Hostile(
            "entities that multiply, in the types", "unsafe", changed(TYPES, _declaring(content_types(), _entities()))
        ),
        Hostile("one long entity used often", "unsafe", changed(STRINGS, strings("&q;" * 2_500, head=long_entity))),
        Hostile("entities from a file and the web", "unsafe", changed(STRINGS, strings("&f;&w;", head=from_outside))),
        Hostile("a document type on the web", "unsafe", changed(WORKBOOK, _declaring(workbook(), on_the_web))),
        Hostile("250,000 nested elements", READ, rows(nested + ANSWER)),
        Hostile("an attribute of 30 MB", "too-large", inflating(SHEET, attribute, "w" * 1024, 30 << 10, '"/>')),
        Hostile("150,000 attributes on one row", "unsafe", rows(f'<row r="1" {numbered}/>')),
        Hostile("a part in UTF-16", "unsafe", changed(STRINGS, _in(strings(*_TEXTS), "UTF-16"))),
        Hostile("entities hidden in UTF-16", "unsafe", changed(STRINGS, _in(laughs, "UTF-16"))),
        Hostile("a part in GBK", "unsafe", changed(STRINGS, _in(strings(*_TEXTS), "GBK"))),
        Hostile("bytes that are not UTF-8", "damaged", changed(STRINGS, not_utf8)),
        Hostile("escaped control characters", READ, changed(STRINGS, escaped)),
        Hostile("raw control characters", "damaged", changed(STRINGS, strings("a&#0;b\x01", "W001"))),
    ]


def _entities() -> str:
    levels = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 10))
    return f'<!DOCTYPE x [<!ENTITY e0 "ha">{levels}]>'


def _declaring(part: str, declaration: str) -> str:
    return part.replace(XML, XML + declaration, 1)


def _in(part: str, encoding: str) -> bytes:
    return part.replace("UTF-8", encoding, 1).encode(encoding)
