"""Real mail servers on loopback: pymap and aiosmtpd everywhere, Dovecot and Postfix where they are installed."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from server.intake.mail.oauth import forget
from server.mail_settings import MailboxSettings, MailSettings
from server.settings import Settings
from server.site import Site
from tests.server.conftest import FORMS
from tests.server.mail.wire import dovecot as dovecot_server
from tests.server.mail.wire import postfix as postfix_server
from tests.server.mail.wire.dovecot import Dovecot
from tests.server.mail.wire.imap_accounts import ImapAccount, Pymap
from tests.server.mail.wire.postfix import Postfix
from workbooks.sandbox import Sandbox

OpenSite = Callable[..., Site]


@pytest.fixture(scope="session")
def pymap() -> Iterator[Pymap]:
    server = Pymap()
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def dovecot() -> Iterator[Dovecot]:
    _require(dovecot_server.missing())
    with _open_folder("dovecot") as folder:
        server = Dovecot(folder)
        server.start()
        yield server
        server.stop()


@pytest.fixture(scope="session")
def postfix(dovecot: Dovecot) -> Iterator[Postfix]:
    _require(postfix_server.missing())
    with _open_folder("postfix") as folder:
        server = Postfix(folder, dovecot.lmtp)
        server.start()
        yield server
        server.stop()


@pytest.fixture(params=["pymap", "dovecot"])
def imap(request: pytest.FixtureRequest) -> ImapAccount:
    """An empty mailbox, on each of the two servers in turn."""
    account: ImapAccount = request.getfixturevalue(f"{request.param}_account")
    return account


@pytest.fixture
def pymap_account(pymap: Pymap) -> ImapAccount:
    return pymap.account()


@pytest.fixture
def dovecot_account(dovecot: Dovecot) -> ImapAccount:
    return dovecot.account()


@pytest.fixture
def open_site(settings: Settings, sandbox: Sandbox) -> Iterator[OpenSite]:
    """`open_site(mailbox, smtp_port=25)` is a site with these mailboxes and this server for replies."""
    opened: list[Site] = []

    def open_(*mailboxes: MailboxSettings, smtp_port: int = 0, **changes: object) -> Site:
        smtp = {"host": "127.0.0.1", "port": smtp_port, "security": "none", "from_address": "forms@company.cn"}
        smtp |= changes.pop("smtp", {})  # type: ignore[arg-type]
        mail = MailSettings.model_validate(
            {"mailboxes": mailboxes, "smtp": smtp if smtp_port else None, "domain": "company.cn", **changes}
        )
        opened.append(Site.open(settings.model_copy(update={"mail": mail}), definitions=FORMS, sandbox=sandbox))
        return opened[-1]

    yield open_
    for site in opened:
        site.close()


@pytest.fixture(autouse=True)
def _no_tokens_left() -> None:
    forget()


@contextmanager
def _open_folder(name: str) -> Iterator[Path]:
    """A folder that other users may enter; those of pytest are closed to them."""
    folder = Path(tempfile.mkdtemp(prefix=f"aftersheet-{name}-"))
    yield folder
    shutil.rmtree(folder)


def _require(missing: str) -> None:
    if missing and os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(f"{missing}; CI must install it (.ci/run)")
    if missing:
        pytest.skip(missing)
