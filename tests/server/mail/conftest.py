"""The small company's mailboxes: one behind its own mail server, one at Exchange Online."""

import pytest

from server.mail_settings import MailSettings
from server.settings import Settings

MAIL = MailSettings.model_validate(
    {
        "mailboxes": [
            {
                "name": "forms",
                "host": "127.0.0.1",
                "user": "forms@company.cn",
                "password": "not needed here",
                "authserv_id": "mx.company.cn",
            },
            {"name": "office", "host": "outlook.office365.com", "user": "office@company.cn", "password": "neither"},
        ],
        "smtp": {"host": "127.0.0.1", "from_address": "forms@company.cn"},
    }
)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings of a site of this test's own, with two mailboxes."""
    return settings.model_copy(update={"mail": MAIL})
