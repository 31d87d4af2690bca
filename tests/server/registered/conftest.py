"""Sites with shares and a mail server; processes that are killed are forked from one that has imported everything."""

import multiprocessing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from server.mail_settings import MailSettings
from server.settings import Settings
from server.share_settings import Share
from server.site import Site
from tests.server.conftest import FORMS
from tests.server.registered.books import book
from workbooks.sandbox import Sandbox

OpenSite = Callable[..., Site]
PATH = "月报/访问.xlsx"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A shared folder with one workbook in it."""
    found = tmp_path / "share"
    (found / "月报").mkdir(parents=True)
    (found / PATH).write_bytes(book())
    return found


@pytest.fixture
def open_site(settings: Settings, sandbox: Sandbox, folder: Path) -> Iterator[OpenSite]:
    """`open_site(smtp_port=25, url="http://…")` is a site with the share 盘: the folder, or a WebDAV address."""
    opened: list[Site] = []

    def open_(smtp_port: int = 0, url: str = "", **more: Any) -> Site:
        more = {"managers": True} | more
        share = Share(name="盘", url=url, **more) if url else Share(name="盘", path=folder, **more)
        smtp = {"host": "127.0.0.1", "port": smtp_port, "security": "none", "from_address": "forms@company.cn"}
        mail = MailSettings.model_validate({"smtp": smtp if smtp_port else None, "domain": "company.cn"})
        changed = settings.model_copy(update={"mail": mail, "shares": (share,)})
        opened.append(Site.open(changed, definitions=FORMS, sandbox=sandbox))
        return opened[-1]

    yield open_
    for site in opened:
        site.close()


@pytest.fixture(scope="session")
def processes() -> multiprocessing.context.ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.server.registered.killed"])
    return context
