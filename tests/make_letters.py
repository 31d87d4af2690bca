"""
Makes tests/data/mail: workbooks of tests/data as stations would have mailed them.

    python -m tests.make_letters

Each run makes the same bytes.
"""

import base64
from pathlib import Path

from tests.server.mail.letters import XLSX, attached, letter, part, word

DATA = Path(__file__).with_name("data")


def foxmail() -> bytes:
    """Foxmail: GBK called gb2312 in the subject, the sender and both names of the attachment."""
    name = word("出差借料单（成都站）.xlsx", "gb2312", "gbk")
    content_type = XLSX + b';\r\n\tname="' + name + b'"'
    slip = part(
        content_type,
        (DATA / "good" / "trip_loan_chengdu.xlsx").read_bytes(),
        b'Content-Disposition: attachment;\r\n\tfilename="' + name + b'"',
    )
    headers = (
        b"From: " + word("成都服务站 邓镕", "gb2312", "gbk") + b" <cd@station.example>",
        b"To: forms <forms@aftersheet.example>",
        b"Subject: " + word("出差借料单", "gb2312", "gbk"),
        b"Date: Thu, 19 Nov 2026 16:42:08 +0800",
        b"Message-ID: <2026111916420812345610@station.example>",
        b"X-Mailer: Foxmail 7.2.25.254[cn]",
        b"MIME-Version: 1.0",
    )
    return letter(slip, headers=headers)


def forwarded() -> bytes:
    """Outlook: somebody's mail, forwarded as an attachment by the office."""
    survey = attached("满意度调查表（武汉）.xlsx", (DATA / "good" / "survey_wuhan_returned.xlsx").read_bytes())
    inner = letter(
        survey,
        headers=(
            b"From: " + word("武汉地铁 周琳", "utf-8", "utf-8") + b" <zhou@metro.example>",
            b"To: wh@station.example",
            b"Subject: " + word("调查表已填好", "utf-8", "utf-8"),
            b"Date: Wed, 18 Nov 2026 11:05:00 +0800",
            b"Message-ID: <5f1c@metro.example>",
            b"MIME-Version: 1.0",
        ),
    )
    wrapped = b"Content-Type: message/rfc822\r\nContent-Disposition: attachment\r\n\r\n" + inner
    headers = (
        b"From: " + word("武汉服务站", "utf-8", "utf-8") + b" <wh@station.example>",
        b"To: forms@aftersheet.example",
        b"Subject: FW: " + word("调查表已填好", "utf-8", "utf-8"),
        b"Date: Wed, 18 Nov 2026 14:20:31 +0800",
        b"Message-ID: <AM0PR0102MB3395@station.example>",
        b"X-MS-Has-Attach: yes",
        b"MIME-Version: 1.0",
    )
    return letter(wrapped, headers=headers)


def two_workbooks() -> bytes:
    """QQ Mail: two workbooks, one of them with mistakes, and a photo beside them."""
    photo = base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    )
    headers = (
        b"From: " + word("青岛服务站", "gb18030", "gb18030") + b" <qd@station.example>",
        b"To: " + word("售后表单", "gb18030", "gb18030") + b" <forms@aftersheet.example>",
        b"Subject: " + word("10月出差总结，共两份", "gb18030", "gb18030"),
        b"Date: Fri, 20 Nov 2026 09:12:44 +0800",
        b"Message-ID: <tencent_0F3C51D2A7A8B1@qq.example>",
        b"X-QQ-mid: bizesmtp81t1763601164",
        b"MIME-Version: 1.0",
    )
    return letter(
        attached("出差总结单-1.xlsx", (DATA / "good" / "trip_summary_qingdao.xlsx").read_bytes()),
        attached("出差总结单-2.xlsx", (DATA / "bad" / "trip_summary_return_before_departure.xlsx").read_bytes()),
        attached("现场.png", photo, kind=b"image/png"),
        headers=headers,
    )


NOTICE = """# Where these files are from

Made by `python -m tests.make_letters` (tests/make_letters.py): workbooks of tests/data, mailed as Foxmail, Outlook and
QQ Mail would have sent them. No mail comes from a customer or from the network; people and addresses do not exist.
Nothing in them proves who sent them: all three wait for a person.
"""
LETTERS = {
    "foxmail_loan_slip.eml": foxmail,
    "outlook_forwarded_survey.eml": forwarded,
    "qq_two_summaries.eml": two_workbooks,
}


def main() -> None:
    folder = DATA / "mail"
    folder.mkdir(exist_ok=True)
    (folder / "NOTICE.md").write_text(NOTICE, encoding="utf-8")
    for name, make in LETTERS.items():
        (folder / name).write_bytes(make())


if __name__ == "__main__":
    main()
