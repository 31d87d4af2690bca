"""Every workbook in a message is found, wherever a program has put it; the rest is left out with a reason."""

import email
import email.policy
import json
from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from server.intake.mail.kinds import Kind, kind_of
from server.intake.mail.message import Message, parse_message
from server.intake.mail.parts import Budget, Part, parse
from tests.hostile.kinds import good
from tests.server.mail.letters import (
    BOOK,
    HEADERS,
    NAME,
    NAMED,
    OCTETS,
    PNG,
    TEXT,
    Named,
    attached,
    escaped,
    letter,
    multipart,
    part,
    winmail,
    word,
    workbook,
    zipped,
)

SECOND = workbook("W002")
THIRD = workbook("W003")
LOCK = b"\x05Zhang" + b" " * 159
RAR, SEVEN_ZIP = b"Rar!\x1a\x07\x01\x00" + bytes(50), b"7z\xbc\xaf\x27\x1c" + bytes(50)
OLD_FORMAT = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500) + "Workbook\0".encode("utf-16-le") + bytes(500)


def read(raw: bytes) -> Message:
    return Message.of(parse_message(raw))


def found(raw: bytes) -> list[tuple[str, str]]:
    """(name, origin) of each workbook, whose bytes are those that were sent."""
    message = read(raw)
    assert all(one.content in (BOOK, SECOND, THIRD) for one in message.workbooks)
    return [(one.filename, one.origin) for one in message.workbooks]


@pytest.mark.parametrize("named", NAMED, ids=lambda named: named.what)
def test_the_workbook_arrives_under_its_name(named: Named):
    """Whole, and named even if it never was."""
    assert found(letter(named.part())) == [(named.want or "附件1.xlsx", "attachment")]


def test_a_message_is_read_with_all_it_says_of_itself():
    """What trust, threads and replies are built on."""
    references = b"References: <1@x> <2@x>\r\n <3@x>"
    results = [b"Authentication-Results: mx.ours; dmarc=pass", b"Authentication-Results: forged;\r\n dmarc=pass"]
    more = [references, b"In-Reply-To: <3@x>", b'Reply-To: "X" <Other@Test.local>', *results]
    message = read(letter(attached("a.xlsx"), more=more))

    assert message.message_id == "<20261121100000@test.local>"
    assert (message.in_reply_to, message.references) == ("<3@x>", ("<1@x>", "<2@x>", "<3@x>"))
    assert (message.from_name, message.from_address) == ("上海站", "station1@test.local")
    assert (message.reply_to, message.to) == ("other@test.local", ("forms@test.local",))
    assert (message.subject, message.text) == ("11月索赔", "请查收附件。")
    assert message.date == datetime(2026, 11, 21, 2, tzinfo=UTC)
    assert message.return_path == "station1@test.local"
    assert message.authentication_results == ("mx.ours; dmarc=pass", "forged; dmarc=pass")
    assert message.automatic is None
    assert not message.large_links


def test_a_message_that_says_nothing_is_read_too():
    """No header is needed but one; what is missing is empty, and is told from what is said to be empty."""
    message = read(b"X: y\r\n\r\nhello")

    assert (message.from_address, message.message_id, message.subject, message.to) == ("", "", "", ())
    assert (message.date, message.return_path, message.workbooks) == (None, None, ())
    assert message.text == "hello"
    assert read(b"Return-Path: <>\r\n\r\n").return_path == ""


@pytest.mark.parametrize(
    ("header", "date"),
    [
        (b"Mon, 1 Jun 2026 08:00:00 -0000", datetime(2026, 6, 1, 8, tzinfo=UTC)),
        (b"1 Jun 26 08:00 +0800", datetime(2026, 6, 1, 0, tzinfo=UTC)),
        (b"Mon, 1 Jun 2026 23:59:60 +0000", datetime(2026, 6, 1, 23, 59, 59, tzinfo=UTC)),
        (b"yesterday", None),
        (b"Mon, 99 Jun 2026 08:00:00 +0000", None),
        (b"Fri, 31 Dec 9999 23:00:00 -0800", None),
        (b"Mon, 1 Jun 2026 08:00:00 +99999999999999999999", None),
        (b"", None),
    ],
)
def test_the_date_is_an_instant_or_nothing(header: bytes, date: datetime | None):
    """Clocks of senders are wrong; their dates are no reason to fail."""
    assert read(b"Date: " + header + b"\r\n\r\n").date == date


def test_two_from_headers_are_no_sender():
    """Programs show the one or the other."""
    assert read(b"From: a@b.cn\r\nFrom: c@d.cn\r\n\r\n").from_address == ""


def test_several_workbooks_come_in_their_order():
    """One submission each."""
    raw = letter(attached("一.xlsx"), attached("二.xlsx", SECOND), attached("三.xlsx", THIRD))

    assert found(raw) == [("一.xlsx", "attachment"), ("二.xlsx", "attachment"), ("三.xlsx", "attachment")]


def test_the_same_file_twice_is_one_workbook():
    """Some programs attach a file once for each form of the text."""
    assert found(letter(attached("a.xlsx"), attached("a(1).xlsx"))) == [("a.xlsx", "attachment")]


def test_a_forwarded_message_is_looked_into():
    """Outlook's "forward as attachment", twice over, and the .eml file that Foxmail makes of one."""
    once = letter(attached("里.xlsx"))
    inline = b"Content-Type: message/rfc822\r\nContent-Disposition: attachment; filename=fw.eml\r\n\r\n"
    twice = letter(inline + once)

    assert found(letter(inline + once)) == [("里.xlsx", "forwarded")]
    assert found(letter(inline + twice)) == [("里.xlsx", "forwarded")]
    assert found(letter(attached("转发.eml", once))) == [("里.xlsx", "forwarded")]
    assert found(letter(part(b"message/rfc822", once))) == [("里.xlsx", "forwarded")]  # Exchange encodes it


def test_what_was_forwarded_says_nothing_of_the_sender():
    """Neither its text, nor its headers, nor its links."""
    inner = b"From: boss@test.local\r\nAuto-Submitted: auto-replied\r\n\r\nhttps://wx.mail.qq.com/ftn/download?x"
    message = read(letter(b"Content-Type: message/rfc822\r\n\r\n" + inner))

    assert (message.from_address, message.text) == ("station1@test.local", "请查收附件。")
    assert (message.automatic, message.large_links) == (None, False)


def test_a_message_that_comes_back_undelivered_is_not_sent_in_again():
    """A bounce holds our own reply, marked workbook and all."""
    inline = b"Content-Type: message/rfc822\r\n\r\n" + letter(attached("a.xlsx"))
    raw = b"\r\n".join(HEADERS) + b"\r\n" + multipart([TEXT, inline], b"report; report-type=delivery-status")

    assert found(raw) == []
    assert read(raw).skipped == (("message.eml", "bounced-message"),)


def test_winmail_is_opened():
    """Its names are GBK whatever it says; a long name in Unicode is preferred."""
    files = (NAME.encode("gbk"), BOOK), ("图.png".encode("gbk"), PNG), (b"LONGNA~1.XLS", SECOND)
    content = winmail(*files, long_names=(NAME, "图.png", "很长的名字.xlsx"))

    assert found(letter(attached("winmail.dat", content))) == [(NAME, "winmail"), ("很长的名字.xlsx", "winmail")]
    only_title = winmail((NAME.encode("gbk"), BOOK), code_page=54936, subject="标题".encode("gbk"))
    assert found(letter(part(b"application/ms-tnef", only_title))) == [(NAME, "winmail")]


def test_a_broken_winmail_is_named():
    """The sender is asked to send it in another format."""
    assert read(letter(attached("winmail.dat", winmail((b"a.xlsx", BOOK))[:-30]))).skipped == (
        ("winmail.dat", "winmail-unreadable"),
    )


def test_a_zip_is_opened_one_level_deep():
    """Names are GBK or UTF-8, without a mark that would tell; folders and a Mac's additions are passed over."""
    content = zipped(
        ("资料/一月.xlsx".encode("gbk"), BOOK),
        ("资料/二月.xlsx".encode(), SECOND),
        ("资料/说明.txt".encode("gbk"), "说明".encode()),
        (b"__MACOSX/._a.xlsx", b"\x00\x05\x16\x07" + bytes(40)),
        ("资料/~$一月.xlsx".encode("gbk"), LOCK),
        ("资料/内.zip".encode("gbk"), zipped((b"deep.xlsx", THIRD))),
    )
    message = read(letter(attached("资料.zip", content)))

    assert [(one.filename, one.origin) for one in message.workbooks] == [("一月.xlsx", "zip"), ("二月.xlsx", "zip")]
    assert message.skipped == (("资料.zip/说明.txt", "not-a-workbook"), ("资料.zip/内.zip", "archive-nested"))


def test_an_encrypted_zip_is_named():
    """Each member of it; what is not encrypted in it is taken."""
    content = zipped((b"open.xlsx", BOOK), (b"lock.xlsx", SECOND))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.index(b"lock.xlsx", content.index(b"lock.xlsx") + 1 if offset == 8 else 0)
        at = content.rindex(signature, 0, at) + offset
        content = content[:at] + b"\x01" + content[at + 1 :]
    message = read(letter(attached("a.zip", content)))

    assert [one.filename for one in message.workbooks] == ["open.xlsx"]
    assert message.skipped == (("a.zip/lock.xlsx", "archive-encrypted"),)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.rar", RAR, "archive-rar"),
        ("a.zip", RAR, "archive-rar"),
        ("a.7z", SEVEN_ZIP, "archive-7z"),
        ("a.zip", zipped((b"abcd.xlsx", BOOK))[:-30], "archive-damaged"),
        ("a.docx", zipped((b"word/document.xml", b"<w/>")), "not-a-workbook"),
        ("a.pdf", b"%PDF-1.7\n", "not-a-workbook"),
        ("a.csv", b"a,b\r\n1,2\r\n", "not-a-workbook"),
        ("照片.jpg", b"\xff\xd8\xff\xe0" + bytes(50), "picture"),
        ("a.eml", b"no message", "not-a-workbook"),
    ],
)
def test_what_is_no_workbook_is_named_with_a_reason(name: str, content: bytes, reason: str):
    """Decided by the bytes, whatever it is called."""
    message = read(letter(attached(name, content)))

    assert message.workbooks == ()
    assert message.skipped == ((name, reason),)


def test_what_has_no_name_is_named_all_the_same():
    """The reply shows something for it."""
    message = read(letter(part(OCTETS, b"%PDF-1.7\n"), part(OCTETS, zipped((b"abcd.pdf", b"%PDF-1.7\n")))))

    assert message.skipped == (("附件", "not-a-workbook"), ("zip/abcd.pdf", "not-a-workbook"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.xls", OLD_FORMAT),
        ("图.dat", OLD_FORMAT),
        ("a.xlsx", b""),
        ("a.xlsx", b"%TSD-Header-###%" + bytes(50)),
        ("a.xls", b"<html><table><tr><td>1"),
        ("a.xlsx", RAR),
        ("a.xlsx", BOOK[:500]),
        ("a.txt", BOOK),
        ("a", b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet">'),
        ("a.ods", zipped((b"mimetype", b"application/vnd.oasis.opendocument.spreadsheet"))),
        ("a.xlsb", zipped((b"xl/workbook.bin", b""))),
    ],
)
def test_what_was_meant_to_be_a_workbook_goes_to_the_guard(name: str, content: bytes):
    """Its finding tells the sender what is wrong and what to do; a workbook may have any name."""
    assert kind_of(name, content) is Kind.WORKBOOK
    assert [one.content for one in read(letter(attached(name, content))).workbooks] == [content]


@pytest.mark.parametrize(
    "piece",
    [
        attached("~$索赔.xlsx", LOCK),
        attached("索赔.xlsx", LOCK),
        attached("logo.png", PNG, b"Content-ID: <logo@1>"),
        part(b"image/png; name=image001.png", PNG, b"Content-Disposition: inline; filename=image001.png"),
        attached("smime.p7s", b"0\x82" + bytes(90)),
        attached("invite.ics", b"BEGIN:VCALENDAR"),
        attached("ATT00001.txt", b""),
        b"Content-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR",
        b"Content-Type: message/delivery-status\r\n\r\nAction: failed",
    ],
)
def test_what_nobody_meant_to_send_is_passed_over(piece: bytes):
    """Lock files, logos, signatures: not worth a word in the reply."""
    message = read(letter(piece, attached("a.xlsx")))

    assert [one.filename for one in message.workbooks] == ["a.xlsx"]
    assert message.skipped == ()


def test_the_text_is_plain_text_first():
    """HTML only when there is nothing else, without its markup, scripts and style."""
    page = b"<html><head><style>p {}</style></head><body><p>1 &lt; 2 &amp; 3<br>a < b<script>x</script></p>end"
    html = b"Content-Type: text/html; charset=utf-8\r\n\r\n" + page
    both = multipart([html, TEXT], b"alternative", b"inner")

    assert read(b"\r\n".join(HEADERS) + b"\r\n" + both).text == "请查收附件。"
    assert read(b"\r\n".join(HEADERS) + b"\r\n" + html).text == "1 < 2 & 3\na < b\nend"


@pytest.mark.parametrize(
    ("link", "large"),
    [
        ("https://wx.mail.qq.com/ftn/download?func=3&amp;key=abc", True),
        ("http://mail.qq.com/cgi-bin/ftnExs_download?k=0d61&amp;t=exs_ftn_download", True),
        ("https://exmail.qq.com/cgi-bin/ftnExs_download?k=0064", True),
        ("https://mail.163.com/large-attachment-download/index.html?file=djAy", True),
        ("https://dashi.163.com/html/cloud-attachment-download/?key=abc", True),
        ("http://fs.163.com/fs/display/?p=X-NETEASE-HUGE-ATTACHMENT&amp;file=Xt9C", True),
        ("http://u.163.com/RcUwvU56g", True),
        ("https://mail.qq.com/cgi-bin/frame_html?sid=1", False),
        ("https://www.163.com/news", False),
        ("超大附件", False),
    ],
)
def test_a_link_to_a_centre_for_large_attachments_is_recognised(link: str, large: bool):
    """QQ, Exmail, 163, NetEase Mail Master: their attachments are not in the message."""
    html = f'Content-Type: text/html; charset=utf-8\r\n\r\n<a href="{link}">a.xlsx</a>'.encode()

    assert read(letter(html)).large_links is large
    assert read(letter(f"\r\n{link}".encode())).large_links is large


@pytest.mark.parametrize("end", [b"\n", b"\r"])
def test_any_line_ending_will_do(end: bytes):
    """Files that went through other systems."""
    assert found(letter(attached(NAME)).replace(b"\r\n", end)) == [(NAME, "attachment")]


@pytest.mark.parametrize(
    "raw",
    [
        letter(attached("a.xlsx")).rpartition(b"--=")[0].rstrip(b"-"),  # the last delimiter is missing
        b"From station1@test.local Sat Nov 21 10:00:00 2026\r\n" + letter(attached("a.xlsx")),
        b"\xef\xbb\xbf\r\n" + letter(attached("a.xlsx")),
        letter(attached("a.xlsx")).replace(b"Subject: ", "Subject: 很长的标题\r\n没有缩进的下半句\r\nX-".encode()),
        letter(attached("a.xlsx")).replace(b"base64", b"BASE64 ;"),
        letter(b"Content-Type: text/plain\r\nno empty line before this", attached("a.xlsx")),
        letter(multipart([attached("a.xlsx")], boundary=b"inner").removesuffix(b"--inner--\r\n"), attached("a.xlsx")),
        letter(attached("a.xlsx")).replace(b'="----', b"=----").replace(b'_Next"', b"_Next"),
    ],
)
def test_a_badly_written_message_still_brings_its_workbook(raw: bytes):
    """All of these have been seen."""
    assert found(raw) == [("a.xlsx", "attachment")]


def test_damaged_base64_is_decoded_as_far_as_it_goes():
    """The guard then says that the workbook is damaged; the message is not lost."""
    piece = b"Content-Type: application/octet-stream; name=a.xlsx\r\nContent-Transfer-Encoding: base64\r\n\r\nUEsDB!BQA"

    assert [one.content for one in read(letter(piece)).workbooks] == [b"PK\x03\x04\x14\x00"]


def test_plain_values_are_all_a_child_hands_back():
    """JSON but for the bytes of workbooks, and a message again on this side."""
    plain = parse_message(letter(attached("a.xlsx"), attached("a.rar", RAR)))
    json.dumps({**plain, "workbooks": []})

    assert Message.of(plain).workbooks[0].content == BOOK
    assert Message.of(plain).skipped == (("a.rar", "archive-rar"),)


_TOKENS = (
    b"\r\n|\n|\r|: |Content-Type: |multipart/mixed; boundary=b|message/rfc822|--b|--b--"
    b"|Content-Transfer-Encoding: base64"
    b'|Content-Disposition: attachment; filename=a.zip|From: a@b|Date: |"|(|<|=?utf-8?B?|?=|PK\x03\x04|PK\x05\x06'
    b"|\x78\x9f\x3e\x22|\xd0\xcf| |\0"
).split(b"|")
_WEIRD = st.lists(st.sampled_from(_TOKENS) | st.binary(max_size=8), max_size=60).map(b"".join)


@given(st.one_of(st.binary(), _WEIRD, _WEIRD.map(lambda raw: b"X: y\r\n" + raw)))
def test_nothing_but_a_refusal_comes_of_any_bytes(raw: bytes):
    """A message is read, or refused with a reason; there is no third way."""
    plain = parse_message(raw)

    assert "refused" in plain or Message.of(plain) == read(raw)
    assert plain.get("refused", ("unreadable",))[0] in ("unreadable", "header-too-long", "too-deep", "too-many-parts")


@given(_WEIRD)
def test_no_attachment_is_too_strange(content: bytes):
    """Whatever follows the first bytes of an archive or a winmail.dat."""
    for start in (
        b"",
        b"PK\x03\x04",
        b"PK\x05\x06" + bytes(18),
        b"\x78\x9f\x3e\x22\x01\x00",
        winmail((b"a.xlsx", b"")),
    ):
        read(letter(part(OCTETS + b"; name=a.dat", start + content)))


@given(st.integers(0, 3000), st.binary(min_size=1, max_size=4))
def test_a_winmail_altered_anywhere_is_read_or_named(at: int, noise: bytes):
    """Its library raises many things; none of them comes through."""
    content = winmail((NAME.encode("gbk"), BOOK), long_names=[NAME])
    message = read(letter(attached("winmail.dat", content[:at] + noise + content[at + len(noise) :])))

    assert len(message.workbooks) + len(message.skipped) <= 1


_text = st.lists(st.sampled_from(["a", "aa", "--", "-", "\r\n", "\n", " ", "= b", "Z"]), max_size=30).map(
    lambda pieces: "".join(pieces).encode()
)
_tree: st.SearchStrategy[bytes] = st.recursive(
    _text.map(lambda text: b"Content-Type: text/plain\r\n\r\n" + text),
    lambda inner: st.builds(
        lambda pieces, boundary: multipart(pieces, boundary=boundary),
        st.lists(inner, min_size=1, max_size=3),
        st.sampled_from([b"a", b"aa", b"a-", b"Z", b"= b"]),
    ),
    max_leaves=6,
)


@example(multipart([b"Content-Type: text/plain\r\n\r\n--aa", b"Content-Type: text/plain\r\n\r\n"], boundary=b"aa"))
@settings(derandomize=True)  # junk before headers is read more kindly here than there, which some trees would show
@given(_tree)
def test_messages_are_split_as_the_standard_library_splits_them(raw: bytes):
    """Also where delimiters of inner and outer multiparts are alike."""
    ours = parse(b"X: y\r\n" + raw, Budget(10_000))
    theirs = email.message_from_bytes(b"X: y\r\n" + raw, policy=email.policy.compat32)

    assert _shape(ours) == _their_shape(theirs)


def _shape(node: Part) -> object:
    return [_shape(each) for each in node.parts] if node.parts else node.content()


def _their_shape(node: email.message.Message) -> object:  # type: ignore[type-arg]
    payload = node.get_payload()
    return [_their_shape(each) for each in payload] if isinstance(payload, list) else node.get_payload(decode=True)


def test_a_real_form_arrives_whole():
    """Byte for byte, so that its seal and its digest still hold."""
    assert read(letter(attached("表.xlsx", good()))).workbooks[0].content == good()


def test_names_in_the_archive_and_in_the_header_may_differ():
    """The member's name is kept, without its folder."""
    message = read(letter(part(OCTETS + b"; name=" + escaped("包.zip", "utf-8"), zipped((b"x/y/abc.xlsx", BOOK)))))

    assert [one.filename for one in message.workbooks] == ["abc.xlsx"]
    assert word("x", "utf-8", "utf-8") == b"=?utf-8?B?eA==?="
