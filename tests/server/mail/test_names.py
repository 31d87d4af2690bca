"""Attachment names, subjects and senders come out as they were typed, whatever the sender's program made of them."""

import email.charset
from collections.abc import Callable
from email.header import Header
from email.message import EmailMessage
from email.mime.base import MIMEBase
from email.policy import SMTP
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.intake.mail.addresses import Mailbox, only_address, parse_addresses
from server.intake.mail.charsets import decode
from server.intake.mail.names import LONGEST, attachment_name, clean_name, decode_header
from server.intake.mail.parameters import parse_parameters
from server.intake.mail.parts import Budget, Part, parse
from tests.server.mail.letters import LONG, NAMED, Named, word


@pytest.mark.parametrize("named", NAMED, ids=lambda named: named.what)
def test_a_name_is_read_in_every_form_programs_write(named: Named):
    """Foxmail, QQ mail, Outlook, Gmail, gateways, and those that label wrongly."""
    assert attachment_name(_part(named.part())) == named.want


_LETTERS = st.characters(codec="gb18030", categories=["Ll", "Lu", "Lo", "Nd"], max_codepoint=0x9FFF)
_TYPED = st.sampled_from("售后服务站索赔申请表二〇二六年（最终版）【】—朱镕基ABCxyz019-_ .+=&%'()[]{}~#@!,;")
_BMP = st.one_of(st.text(_TYPED, min_size=1, max_size=60), st.text(_LETTERS, min_size=1, max_size=40))
_names = st.builds("{}.xlsx".format, _BMP).filter(lambda name: len(clean_name(name)) == len(name.strip()))


def _email_message(name: str) -> bytes:
    message = EmailMessage(policy=SMTP)
    message.add_attachment(b"content", maintype="application", subtype="octet-stream", filename=name)
    return next(message.iter_attachments()).as_bytes()


def _rfc2231(codec: str) -> Callable[[str], bytes]:
    def write(name: str) -> bytes:
        part = MIMEBase("application", "octet-stream")
        part.add_header("Content-Disposition", "attachment", filename=(codec, "", name))
        return part.as_bytes()

    return write


def _header(codec: str, label: str, encoding: int) -> Callable[[str], bytes]:
    """Encoded words made by the standard library, folded, in quotes; then labelled as some programs do."""
    charset = email.charset.Charset(codec)
    charset.header_encoding = encoding

    def write(name: str) -> bytes:
        words = Header(name, charset, maxlinelen=70).encode(linesep="\r\n").replace(f"=?{codec}?", f"=?{label}?")
        return f'Content-Disposition: attachment; filename="{words}"\r\n\r\n'.encode()

    return write


def _raw(codec: str) -> Callable[[str], bytes]:
    def write(name: str) -> bytes:
        return b'Content-Disposition: attachment; filename="' + name.encode(codec) + b'"\r\n\r\n'

    return write


def _escaped(name: str) -> bytes:
    return f"Content-Disposition: attachment; filename*=UTF-8''{quote(name, safe='')}\r\n\r\n".encode()


_WAYS = {
    "EmailMessage": _email_message,
    "RFC 2231 in UTF-8": _rfc2231("utf-8"),
    "RFC 2231 in GB 18030": _rfc2231("gb18030"),
    "RFC 2231 as browsers": _escaped,
    "UTF-8 base64 words": _header("utf-8", "utf-8", email.charset.BASE64),
    "UTF-8 quoted words": _header("utf-8", "UTF-8", email.charset.QP),
    "GB 18030 base64 words": _header("gb18030", "gb18030", email.charset.BASE64),
    "GB 18030 words labelled gb2312": _header("gb18030", "gb2312", email.charset.BASE64),
    "GB 18030 quoted words": _header("gb18030", "GBK", email.charset.QP),
}


@pytest.mark.parametrize("way", _WAYS)
@given(name=_names)
def test_what_the_standard_library_encodes_reads_back(way: str, name: str):
    """In all its usual ways, whatever the characters."""
    assert attachment_name(_part(_WAYS[way](name))) == clean_name(name)


@given(
    name=st.text(st.sampled_from("售后服务站索赔申请表二六年最终版朱镕基"), min_size=2),
    codec=st.sampled_from(["utf-8", "gb18030"]),
)
def test_raw_chinese_reads_back_without_a_label(name: str, codec: str):
    """A guess, right for any two Chinese characters in a row."""
    assert attachment_name(_part(_raw(codec)(f"{name}.xlsx"))) == f"{name}.xlsx"


@given(
    text=st.text(st.sampled_from("售后服务站索赔申请表Aa1（）"), min_size=1, max_size=30),
    cuts=st.lists(st.integers(1, 40), max_size=30),
    codec=st.sampled_from(["utf-8", "gb18030"]),
)
def test_a_name_in_pieces_reads_back_wherever_it_is_cut(text: str, cuts: list[int], codec: str):
    """Inside %XX, inside a character, in pieces out of order."""
    rest, pieces = f"{codec}''{quote(text.encode(codec), safe='')}", []
    for cut in cuts:
        pieces.append(rest[:cut])
        rest = rest[cut:]
    numbered = [f"filename*{number}*={piece}" for number, piece in enumerate([*pieces, rest])]
    _, parameters = parse_parameters("attachment; " + "; ".join(reversed(numbered)))

    # The charset itself is never cut by a program.
    assert not pieces or len(pieces[0]) < len(f"{codec}''") or parameters["filename*"] == text


@pytest.mark.parametrize(
    ("sent", "clean"),
    [
        ("a/b\\c.xlsx", "c.xlsx"),
        ("/etc/passwd", "passwd"),
        ("..", ""),
        ("   ", ""),
        ("folder/", "folder"),
        ("nul", "_nul"),
        ("Com1.xlsx", "_Com1.xlsx"),
        ("lpt9 .xlsx", "_lpt9 .xlsx"),
        ("COMMON.xlsx", "COMMON.xlsx"),
        ("x.xlsx:stream", "x.xlsx_stream"),
        ("x.xlsx. . ", "x.xlsx"),
        ("e\u0301.xlsx", "\xe9.xlsx"),
        ("a\u200bb\ufeff\x00\x1f.xlsx", "ab.xlsx"),
        ("页\u3000签.xlsx", "页\u3000签.xlsx"),
        ("表" * 300 + ".xlsx", "表" * (LONGEST - 5) + ".xlsx"),
    ],
)
def test_a_name_is_cleaned(sent: str, clean: str):
    """It can be shown, offered for saving on Windows, and put into a header."""
    assert clean_name(sent) == clean


@given(st.text())
def test_cleaning_twice_changes_nothing(text: str):
    """And never leaves a path, an invisible character or half a surrogate pair."""
    name = clean_name(text)

    assert clean_name(name) == name
    assert len(name) <= LONGEST
    assert not set(name) & set('\\/:*?"<>|\r\n\0\u202e')
    name.encode("utf-8")


def test_a_lost_suffix_is_not_invented():
    """Too long a name keeps its own suffix, and no other."""
    assert clean_name(LONG) == LONG
    assert clean_name("表" * 300) == "表" * LONGEST


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"=?GB2312?B?MTHUwsv3xeI=?=", "11月索赔"),
        (b"=?utf-8?Q?=E5=94=AE?=\r\n =?utf-8?Q?=E5=90=8E?=", "售后"),
        (b"=?utf-8?B?5ZSu5Q==?= =?utf-8?B?kI4=?=", "售后"),
        (b"Re: =?GBK?B?ytu687f+?= =?GBK?B?zvE=?= (2)", "Re: 售后服务 (2)"),
        ("售后".encode(), "售后"),
        ("售后服务".encode("gbk"), "售后服务"),
        ("一些".encode("gbk"), "一些"),  # these bytes are valid UTF-8 for һЩ
        ("Größe, déjà vu".encode(), "Größe, déjà vu"),
        (b"=?iso-8859-1?Q?Gr=F6=DFe?=", "Größe"),
        (b"=?koi8-r?B?8NLJ18XU?=", "Привет"),
        (b"=?shift_jis?B?k/qWew==?=", "日本"),
        (b"=?bogus?B?5ZSu5ZCO?=", "售后"),
        (b"=?zlib?B?5ZSu5ZCO?=", "售后"),
        (b"=?utf-8?X?5ZSu?=", "=?utf-8?X?5ZSu?="),
        (b"=?utf-8?B??=", ""),
        (b"one\r\n two\r\n\tthree", "one two three"),
        (b"=?utf-8?B?YQ0KQmNjOiBi?=", "a Bcc: b"),
        (b"\xff\xff", "\ufffd" * 2),
        ("=?utf-8?B?5ZSu?= \udce5\udc90\udc8e", "售 后"),
    ],
)
def test_a_header_is_decoded(raw: bytes | str, text: str):
    """Joined before decoding, named by what the bytes are, on one line."""
    assert decode_header(raw) == text


@given(st.one_of(st.binary(), st.text(), st.text(st.sampled_from("=?utf-8gb2312BQbq/+\r\n\"\\;*' %E5"))))
def test_no_header_is_too_strange(raw: bytes | str):
    """There is always some text, and it can be stored."""
    decode_header(raw).encode("utf-8")
    for mailbox in parse_addresses(raw):
        "".join(mailbox).encode("utf-8")
    parse_parameters(decode_header(raw))


@given(
    st.binary(),
    st.sampled_from(["", "gb2312", "utf-8", "us-ascii", "big5", "hz-gb-2312", "utf-7", "utf-16", "iso-2022-jp"]),
)
def test_any_bytes_are_text_of_some_kind(data: bytes, label: str):
    """Decoding never fails; the bytes of a known charset never become anything else."""
    decode(data, label)


def test_half_a_character_at_the_end_is_left_out():
    """A gateway that cuts names at a number of bytes does not make the rest unreadable."""
    assert decode("售后服务".encode()[:-1], "utf-8") == "售后服"
    assert decode("售后服务".encode("gbk")[:-1], "gbk") == "售后服"


@pytest.mark.parametrize(
    ("header", "mailboxes"),
    [
        (b"a@b.cn", [("a@b.cn", "a@b.cn")]),
        (b"Station <A@B.cn>", [("Station", "a@b.cn")]),
        (b'"Zhang, San" <a@b.cn>, c@d.cn', [("Zhang, San", "a@b.cn"), ("c@d.cn", "c@d.cn")]),
        (b'"' + word("张三", "gb2312", "gbk") + b'" <a@b.cn>', [("张三", "a@b.cn")]),
        ("张三 <a@b.cn>".encode("gbk"), [("张三", "a@b.cn")]),
        (b"a@b.cn (Zhang (San))", [("Zhang San", "a@b.cn")]),
        (b"staff: a@b.cn, c@d.cn;", [("a@b.cn", "a@b.cn"), ("c@d.cn", "c@d.cn")]),
        (b"undisclosed-recipients:;", []),
        (b"<@relay.cn:a@b.cn>", [("a@b.cn", "a@b.cn")]),
        (b"<>", [("", "")]),
        (word("<evil@b.cn>", "utf-8", "utf-8") + b" <a@b.cn>", [("<evil@b.cn>", "a@b.cn")]),
        (b"good@b.cn <evil@b.cn>", [("good@b.cn", "evil@b.cn")]),
        (b"<good@b.cn> <evil@b.cn>", [("", "")]),
        (b"a@b.cn\r\n <c@d.cn>", [("a@b.cn", "c@d.cn")]),
        ("а@b.cn".encode(), [("а@b.cn", "")]),  # a Cyrillic letter
        (b"a@b@c.cn", [("a@b@c.cn", "")]),
        (b'"a\\"b" <a@b.cn>', [('a"b', "a@b.cn")]),
        (b'"never closed <a@b.cn>', [("never closed <a@b.cn>", "")]),
    ],
)
def test_an_address_list_is_read(header: bytes, mailboxes: list[tuple[str, str]]):
    """Names as typed, addresses in lower case; what could be read in two ways has none."""
    assert parse_addresses(header) == tuple(Mailbox(*mailbox) for mailbox in mailboxes)


def test_two_senders_are_none():
    """A reply, and trust, need exactly one."""
    assert only_address(parse_addresses(b"a@b.cn")) == "a@b.cn"
    assert only_address(parse_addresses(b"a@b.cn, c@d.cn")) == ""
    assert only_address(()) == ""


def _part(raw: bytes) -> Part:
    return parse(raw, Budget())
