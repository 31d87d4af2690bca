"""Workbooks behind a password: asked for, tried at a cost known before, and read like any other."""

from io import BytesIO
from pathlib import Path

import pytest
from msoffcrypto.format.ooxml import OOXMLFile

from tests.libreoffice import Office
from tests.workbooks.test_receipt import marking
from workbooks.filled import FilledForm
from workbooks.finding_codes import FindingCode
from workbooks.library import library
from workbooks.parsing import passwords
from workbooks.reader import Refused, read
from workbooks.receipt import ReceiptError, mark
from workbooks.sandbox import Sandbox

DATA = Path(__file__).parents[1] / "data"
PLAIN = DATA / "good" / "trip_plan_shenzhen.xlsx"
PASSWORD = "服务站2026"


@pytest.fixture(scope="module")
def locked(office: Office, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A trip plan saved by LibreOffice with a password, in the new format and in the old one."""
    folder = tmp_path_factory.mktemp("locked")
    office.open_copy(PLAIN, folder)
    office("write", 0, [])
    for suffix in ("xlsx", "xls"):
        office("save", folder / f"plan.{suffix}", PASSWORD)
    return {suffix: (folder / f"plan.{suffix}").read_bytes() for suffix in ("xlsx", "xls")}


def encrypted(content: bytes, password: str) -> bytes:
    out = BytesIO()
    OOXMLFile(BytesIO(content)).encrypt(password, out)
    return out.getvalue()


def outcome(content: bytes, password: str = "") -> FilledForm | FindingCode:
    try:
        return read(content, library(), password=password)
    except Refused as refused:
        return refused.finding.code


@pytest.mark.parametrize("suffix", ["xlsx", "xls"])
def test_the_password_opens_the_workbook(locked: dict[str, bytes], suffix: str):
    """Chinese characters and all; that it was needed is told, so that the next one comes without."""
    form = outcome(locked[suffix], PASSWORD)

    assert isinstance(form, FilledForm)
    assert form.cells["destination"].value == "深圳"
    assert FindingCode.OPENED_WITH_PASSWORD in {finding.code for finding in form.findings}


@pytest.mark.parametrize("suffix", ["xlsx", "xls"])
def test_without_or_with_a_wrong_password_nothing_is_read(locked: dict[str, bytes], suffix: str):
    """The finding says which of the two it is."""
    assert outcome(locked[suffix]) is FindingCode.ENCRYPTED
    assert outcome(locked[suffix], "服务站2027") is FindingCode.WRONG_PASSWORD
    assert outcome(locked[suffix], "x" * 100_000) is FindingCode.WRONG_PASSWORD


def test_a_password_for_an_open_workbook_does_no_harm():
    """It is not tried."""
    form = outcome(PLAIN.read_bytes(), PASSWORD)

    assert isinstance(form, FilledForm)
    assert form.findings == ()


def test_excels_own_password_is_no_secret():
    """ "Read-only recommended" encrypts with a word that is the same everywhere: nobody is asked, nothing is said."""
    content = encrypted(PLAIN.read_bytes(), "VelvetSweatshop")
    form = outcome(content)

    assert isinstance(form, FilledForm)
    assert form == read(PLAIN.read_bytes(), library())
    assert mark(content, marking()).startswith(b"PK")


def test_a_locked_workbook_is_not_marked(locked: dict[str, bytes]):
    """Whoever marks it has no password: it was not kept."""
    with pytest.raises(ReceiptError):
        mark(locked["xlsx"], marking())


def test_what_is_inside_goes_through_the_same_guard():
    """A password is no way around it."""
    inside = b"PK\x03\x04" + b"x" * 5_000 + b"PK\x05\x06" + bytes(18)

    assert outcome(_with_package(inside), "secret") in (FindingCode.DAMAGED, FindingCode.UNSAFE)


def _with_package(inside: bytes) -> bytes:
    from msoffcrypto.method.ecma376_agile import ECMA376Agile

    locked: bytes = ECMA376Agile.encrypt("secret", BytesIO(inside))
    return locked


@pytest.mark.parametrize(
    ("count", "code"),
    [
        (b"200001", FindingCode.COSTLY_PASSWORD),
        (b"9999999", FindingCode.COSTLY_PASSWORD),
        (b"&#57;999999", FindingCode.COSTLY_PASSWORD),
        (b"0x989680", FindingCode.COSTLY_PASSWORD),
    ],
)
def test_a_costly_password_is_not_tried(monkeypatch: pytest.MonkeyPatch, count: bytes, code: FindingCode):
    """Ten million rounds take half a minute; whoever spells the number oddly wants that."""
    content = bytearray(encrypted(PLAIN.read_bytes(), "secret"))
    at = content.index(b'spinCount="100000"')
    new = b'spinCount="' + count + b'"'
    # What follows in the description moves into the white space behind it.
    rest = content[at + 18 : at + 18 + 150].replace(b"                            ", b"", 1)
    content[at : at + 18 + 150] = (new + rest).ljust(168)[:168]
    monkeypatch.setattr(passwords, "_unlocked", lambda *_: pytest.fail("was tried"))

    assert outcome(bytes(content), "secret") is code


def test_two_hundred_thousand_rounds_are_within_the_time_of_a_child():
    """The dearest password that is tried, with Excel's own before it."""
    from msoffcrypto.method.ecma376_agile import ECMA376Agile

    content = ECMA376Agile.encrypt("secret", BytesIO(PLAIN.read_bytes()), spin_count=passwords.MOST_ROUNDS)
    with Sandbox(workers=1, definitions=library()) as sandbox:
        form = sandbox.read(content, password="secret")

    assert form.cells["destination"].value == "深圳"


def test_an_unknown_way_of_encryption_is_told():
    """Certificates and rights management cannot be opened with a password."""
    content = encrypted(PLAIN.read_bytes(), "secret")
    at = content.index(b"\x04\x00\x04\x00\x40\x00\x00\x00")

    assert outcome(content[:at] + b"\x04\x00\x03\x00" + content[at + 4 :], "secret") is FindingCode.DAMAGED
