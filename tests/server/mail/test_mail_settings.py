"""Settings of mail: what is missing or wrong is named, and no password is ever shown."""

from pathlib import Path

import pytest

from server.settings import SettingsError, load_settings

BOX = '[[mail.mailboxes]]\nhost = "imap.exmail.qq.com"\nuser = "forms@company.cn"\n'
PASSWORD = 'password = "correct horse"\n'
SMTP = '[mail.smtp]\nhost = "smtp.exmail.qq.com"\nfrom_address = "forms@company.cn"\n'


def _load(home: Path, text: str):
    (home / "settings.toml").write_text(text, encoding="utf-8")
    return load_settings(home=home).mail


def test_a_mailbox_needs_little(tmp_path: Path):
    """Server, user, password; the rest has defaults, and the domain of our Message-IDs is the sender's."""
    mail = _load(tmp_path, BOX + PASSWORD + SMTP)

    (box,) = mail.mailboxes
    assert (box.account, box.port, box.security, box.done_folder) == ("forms@company.cn", 993, "tls", "已处理")
    assert (box.secret(tmp_path), box.secret_file) == ("correct horse", None)
    assert mail.message_domain == "company.cn"
    assert mail.own_addresses == {"forms@company.cn"}
    assert mail.mailbox("forms@company.cn") is box
    assert "horse" not in repr(mail)


def test_password_in_a_file_of_its_own(tmp_path: Path):
    """Relative to the data folder, without the line end an editor adds."""
    (tmp_path / "imap.password").write_text("correct horse\n")

    (box,) = _load(tmp_path, BOX + 'password_file = "imap.password"\n').mailboxes

    assert box.secret(tmp_path) == "correct horse"


def test_exchange_online_is_recognised_by_its_host(tmp_path: Path):
    """Its mailboxes believe the topmost header without a name; others do only when told."""
    text = BOX.replace("imap.exmail.qq.com", "Outlook.Office365.com")
    (box,) = _load(tmp_path, text + PASSWORD).mailboxes
    (other,) = _load(tmp_path, BOX + PASSWORD).mailboxes

    assert (box.stamped_without_name, other.stamped_without_name) == (True, False)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (BOX, r"mail\.mailboxes\.0: .*password"),
        (BOX + PASSWORD + 'password_file = "x"\n', r"mail\.mailboxes\.0: .*not both"),
        (BOX + 'password_file = "missing"\n', r"mail\.mailboxes\.0: .*missing No such file"),
        (BOX + PASSWORD + "port = 0\n", r"mail\.mailboxes\.0\.port"),
        (BOX + PASSWORD + 'folder = "已处理"\n', r"mail\.mailboxes\.0: .*three different folders"),
        (BOX + PASSWORD + 'colour = "red"\n', r"mail\.mailboxes\.0\.colour"),
        (BOX + PASSWORD + BOX + PASSWORD, r"mail: .*two mailboxes are called 'forms@company\.cn'"),
        (BOX + 'auth = "xoauth2-microsoft"\n', r"mail\.mailboxes\.0: .*tenant, client_id and client_secret_file"),
        (BOX + 'auth = "xoauth2-google"\n', r"mail\.mailboxes\.0: .*service_account_file"),
        (BOX.replace("user", "usr") + PASSWORD, r"mail\.mailboxes\.0\.usr"),
        (SMTP.replace("forms@company.cn", "Forms <forms@company.cn>"), r"mail\.smtp\.from_address"),
        (SMTP + 'user = "forms"\n', r"mail\.smtp: .*go together"),
        ("[mail]\nreplies_per_day = 0\n", r"mail\.replies_per_day"),
    ],
)
def test_mistake_is_named_with_its_key_and_without_the_password(tmp_path: Path, text: str, named: str):
    """File and key, what is wrong, and never the secret that stands beside it."""
    with pytest.raises(SettingsError, match=named) as error:
        _load(tmp_path, text)

    assert str(tmp_path / "settings.toml") in str(error.value)
    assert "horse" not in str(error.value)


def test_empty_password_file_is_named(tmp_path: Path):
    """Whoever forgot to fill it in reads which one."""
    (tmp_path / "imap.password").write_text("\n")

    with pytest.raises(SettingsError, match=r"mail\.mailboxes\.0: .*imap\.password is empty"):
        _load(tmp_path, BOX + 'password_file = "imap.password"\n')


def test_variable_that_is_not_json_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The whole of [mail] may come from the environment."""
    monkeypatch.setenv("AFTERSHEET_MAIL", '{"replies_per_day": 7}')
    assert load_settings(home=tmp_path).mail.replies_per_day == 7

    monkeypatch.setenv("AFTERSHEET_MAIL", "{")
    with pytest.raises(SettingsError, match=r"AFTERSHEET_MAIL.*JSON"):
        load_settings(home=tmp_path)
