"""
A VBA project from sources ([MS-OVBA]): dir, PROJECT, PROJECTwm and one stream per module.

There is no compiled code in it: `_VBA_PROJECT` says version 0xFFFF, for which the host
compiles the sources when it opens the file.
"""

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from workbooks.vba.compound import compound_file
from workbooks.vba.compression import compress

NAME = "Aftersheet"
_ID = "{7B1D2F6E-3C0A-4E55-9A57-A5F7E25BEE70}"  # fixed: the same sources give the same bytes
_CODE_PAGE = 1252  # the sources are ASCII, which is the same everywhere
_SOURCE_CODEC = "ascii"
_REFERENCES = (
    ("stdole", r"*\G{00020430-0000-0000-C000-000000000046}#2.0#0#C:\Windows\System32\stdole2.tlb#OLE Automation"),
    (
        "Office",
        r"*\G{2DF8D04C-5BFA-101B-BDE5-00AA0044DE52}#2.0#0#"
        r"C:\Program Files\Common Files\Microsoft Shared\OFFICE16\MSO.DLL#Microsoft Office 16.0 Object Library",
    ),
)
_ATTRIBUTE_NAME = re.compile(r'Attribute VB_Name = "([A-Za-z][A-Za-z0-9_]{0,30})"')
_DOCUMENT = """\
Attribute VB_Name = "{name}"
Attribute VB_Base = "0{{{base}-0000-0000-C000-000000000046}}"
Attribute VB_GlobalNameSpace = False
Attribute VB_Creatable = False
Attribute VB_PredeclaredId = True
Attribute VB_Exposed = True
Attribute VB_TemplateDerived = False
Attribute VB_Customizable = True
"""


class SourceError(ValueError):
    """A source that cannot be a module: it has no name, two have the same, or it is not ASCII."""


@dataclass(frozen=True, slots=True)
class Module:
    """One module: its name, its source with CRLF line ends, and whether it belongs to the workbook or a sheet."""

    name: str
    source: str
    is_document: bool


def standard_module(source: str) -> Module:
    """
    A module as the editor exports it: its first line says its name.

    Raises:
        SourceError: It does not, or there is something else than ASCII in it.
    """
    found = _ATTRIBUTE_NAME.match(source)
    if found is None:
        raise SourceError("the first line must be: Attribute VB_Name = ...")
    if not source.isascii():
        raise SourceError(f"{found[1]}: only ASCII survives every code page")
    return Module(found[1], "\r\n".join(source.splitlines()) + "\r\n", is_document=False)


def document_module(name: str, *, workbook: bool = False) -> Module:
    """The (empty) module behind the workbook or one of its sheets; *name* is the code name there."""
    base = "00020819" if workbook else "00020820"
    source = _DOCUMENT.format(name=name, base=base).replace("\n", "\r\n")
    return Module(name, source, is_document=True)


def vba_project(modules: Sequence[Module]) -> bytes:
    """
    The vbaProject.bin with *modules* in this order.

    Raises:
        SourceError: Two modules have the same name.
    """
    names = [module.name.lower() for module in modules]
    if len(set(names)) != len(names):
        raise SourceError("two modules have the same name")
    streams = {f"VBA/{module.name}": _compressed(module.source) for module in modules}
    streams["VBA/_VBA_PROJECT"] = b"\xcc\x61\xff\xff\x00\x00\x00"
    streams["VBA/dir"] = compress(_directory(modules))
    streams["PROJECT"] = _project(modules).encode(_SOURCE_CODEC)
    streams["PROJECTwm"] = _names(modules)
    return compound_file(streams)


@lru_cache(maxsize=64)
def _compressed(source: str) -> bytes:
    """The same sources go into every workbook."""
    return compress(source.encode(_SOURCE_CODEC))


def _directory(modules: Sequence[Module]) -> bytes:
    records = [
        _record(0x0001, struct.pack("<I", 1)),  # 32-bit Windows, as Excel writes it on 64-bit, too
        _record(0x0002, struct.pack("<I", 0x0409)),
        _record(0x0014, struct.pack("<I", 0x0409)),
        _record(0x0003, struct.pack("<H", _CODE_PAGE)),
        _record(0x0004, NAME.encode()),
        _record(0x0005, b"") + _record(0x0040, b""),  # description
        _record(0x0006, b"") + _record(0x003D, b""),  # help file
        _record(0x0007, struct.pack("<I", 0)),  # help context
        _record(0x0008, struct.pack("<I", 0)),
        struct.pack("<HIIH", 0x0009, 4, 1, 1),  # the project's version
        _record(0x000C, b"") + _record(0x003C, b""),  # constants
    ]
    for name, library in _REFERENCES:
        records.append(_texts(0x0016, 0x003E, name))
        text = struct.pack("<I", len(library)) + library.encode() + bytes(6)
        records.append(_record(0x000D, text))
    records.append(_record(0x000F, struct.pack("<H", len(modules))) + _record(0x0013, b"\xff\xff"))
    for module in modules:
        records += [
            _texts(0x0019, 0x0047, module.name),
            _texts(0x001A, 0x0032, module.name),
            _record(0x001C, b"") + _record(0x0048, b""),  # description
            _record(0x0031, struct.pack("<I", 0)),  # the source begins at once: no compiled code before it
            _record(0x001E, struct.pack("<I", 0)),
            _record(0x002C, b"\xff\xff"),
            _record(0x0022 if module.is_document else 0x0021, b""),
            _record(0x002B, b""),
        ]
    return b"".join([*records, _record(0x0010, b"")])


def _record(kind: int, content: bytes) -> bytes:
    return struct.pack("<HI", kind, len(content)) + content


def _texts(kind: int, unicode_kind: int, text: str) -> bytes:
    return _record(kind, text.encode(_SOURCE_CODEC)) + _record(unicode_kind, text.encode("utf-16-le"))


def _project(modules: Sequence[Module]) -> str:
    lines = [f'ID="{_ID}"']
    lines += [
        f"Document={module.name}/&H00000000" if module.is_document else f"Module={module.name}" for module in modules
    ]
    lines += [
        f'Name="{NAME}"',
        'HelpContextID="0"',
        'VersionCompatible32="393222000"',
        f'CMG="{_hidden(bytes(4))}"',  # not protected
        f'DPB="{_hidden(bytes(1))}"',  # no password
        f'GC="{_hidden(bytes([0xFF]))}"',  # shown in the editor
        "",
        "[Host Extender Info]",
        "&H00000001={3832D640-CF90-11CF-8E43-00A0C911005A};VBE;&H00000000",
        "",
        "[Workspace]",
    ]
    lines += [f"{module.name}=0, 0, 0, 0, C" for module in modules]
    return "\r\n".join(lines) + "\r\n"


def _names(modules: Sequence[Module]) -> bytes:
    pairs = (module.name.encode(_SOURCE_CODEC) + b"\0" + (module.name + "\0").encode("utf-16-le") for module in modules)
    return b"".join(pairs) + b"\0\0"


def _hidden(data: bytes) -> str:
    """*data* in the obfuscation of [MS-OVBA] 2.4.3, with a seed that needs no filling."""
    seed, version = 0, 2
    key = sum(_ID.encode()) & 0xFF
    out = [seed, seed ^ version, seed ^ key]
    before, plain = (out[2], out[1]), key  # the last encrypted byte, and the one before it
    for byte in struct.pack("<I", len(data)) + data:
        encrypted = byte ^ ((before[1] + plain) & 0xFF)
        out.append(encrypted)
        before, plain = (encrypted, before[0]), byte
    return bytes(out).hex().upper()
