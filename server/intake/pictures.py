"""Pictures that come with answers instead of in a workbook."""

from collections.abc import Iterator
from typing import Any

from server.intake.answers import Answers
from server.site import Site
from workbooks.filled import Picture, Values
from workbooks.finding_codes import FindingCode
from workbooks.findings import Finding
from workbooks.form import Field, FieldType
from workbooks.parsing.pictures import picture_type
from workbooks.sandbox import Stopped


def pictures_of(site: Site, item: Answers, before: Values | None) -> Iterator[Picture | Finding]:
    """
    The pictures in *item*, and a finding for each file that is none.

    A picture is given as its bytes, or as its sha256 when the record (*before*) has it
    already: by a sha256 alone nobody gets a copy of other people's files.
    """
    for field in site.definitions[item.form_id].fields:
        if field.type is not FieldType.IMAGE:
            continue
        had: Any = (before or {}).get(field.name) or ()
        given = item.answers.get(field.name, had)
        for entry in given if isinstance(given, list | tuple) else (given,):
            content = site.originals.read(entry) if isinstance(entry, str) and entry in had else entry
            if content not in (None, "", b""):
                yield _picture(site, field, content)


def _picture(site: Site, field: Field, content: Any) -> Picture | Finding:
    kind = None
    if isinstance(content, bytes):
        try:
            kind = site.sandbox.run(picture_type, content)
        except Stopped:
            kind = None  # a picture that kills its reader is none
    if kind is None:
        return Finding(code=FindingCode.NOT_AN_IMAGE, field=field.name, label=field.label)
    return Picture(field.name, content, kind)
