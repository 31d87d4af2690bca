"""What replies say of files that were not opened."""

import pytest

from server.intake.mail import reply_notices
from server.intake.mail.kinds import Kind
from workbooks.form import Text

QUIET = {Kind.WORKBOOK, Kind.ZIP, Kind.WINMAIL, Kind.MESSAGE, Kind.QUIET}


@pytest.mark.parametrize("reason", sorted(reply_notices.SKIPPED))
def test_a_reason_has_words_in_both_languages(reason: str):
    """Without a full stop: they stand in a list."""
    words = reply_notices.skipped(reason)

    assert words.zh
    assert words.en
    assert not words.en.endswith(".")


def test_every_kind_that_is_left_out_has_a_reason():
    """A kind added later must not be told as merely "not opened"."""
    assert {kind for kind in Kind if kind not in reply_notices.SKIPPED} == QUIET


def test_a_limit_is_named_with_its_figure():
    """In both languages; another cause is told without one."""
    assert "20 MB" in reply_notices.over_limit("too-large", 20).zh
    assert "20 MB" in reply_notices.over_limit("too-large", 20).en
    assert reply_notices.over_limit("tomorrow", 20) == Text("系统无法读取这封邮件。", "The mail cannot be read.")
