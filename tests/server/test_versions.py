"""A workbook on disk is replaced whole or not at all, and what it held before can be had again."""

import os
from pathlib import Path

import pytest
from sqlalchemy import select

from server.access.visibility import Viewer
from server.records.models import AuditEntry
from server.reports import versions
from server.reports.pushing import Delivery, push_in_place
from server.settings import Settings
from server.site import Site
from server.statistics.datasets import load
from workbooks.export import tables_workbook
from workbooks.ooxml.tables import PushError

SYSTEM = Viewer.operator()


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "share" / "月报.xlsx"
    path.parent.mkdir()
    path.write_bytes(b"first")
    return path


def test_what_a_workbook_held_is_kept_and_comes_back(site: Site, book: Path):
    """Restoring is a replacement like any other: what it takes away is kept too."""
    versions.replace(site, book, b"second", by=SYSTEM, reason="push:fracas_cases")
    versions.replace(site, book, b"third", by=SYSTEM, reason="push:trips")

    kept = versions.versions(site, book)
    assert [(v.number, v.reason, v.size) for v in kept] == [(2, "push:trips", 6), (1, "push:fracas_cases", 5)]
    assert versions.restore(site, book, 1, by=SYSTEM).number == 1
    assert book.read_bytes() == b"first"
    assert versions.restore(site, book, by=SYSTEM).reason == "restore:1"
    assert book.read_bytes() == b"third"
    with pytest.raises(versions.UnknownVersion):
        versions.restore(site, book, 99, by=SYSTEM)


def test_only_the_newest_are_kept(settings: Settings, sandbox, book: Path):
    """As many as are set; their numbers go on counting."""
    site = Site.open(settings.model_copy(update={"versions_kept": 2}), sandbox=sandbox)
    for content in (b"2", b"3", b"4", b"5"):
        versions.replace(site, book, content, by=SYSTEM, reason="push:x")

    assert [version.number for version in versions.versions(site, book)] == [4, 3]
    assert versions.content(site, book, 4).read_bytes() == b"4"
    assert len(list(versions.content(site, book, 4).parent.glob("0*"))) == 2
    site.close()


def test_mode_and_owner_stay(site: Site, book: Path):
    """A shared file stays as shared as it was."""
    book.chmod(0o664)
    if os.geteuid() == 0:
        os.chown(book, 1234, 2345)

    versions.replace(site, book, b"second", by=SYSTEM, reason="push:x")

    now = book.stat()
    assert now.st_mode & 0o777 == 0o664
    if os.geteuid() == 0:
        assert (now.st_uid, now.st_gid) == (1234, 2345)
    assert [file.name for file in book.parent.iterdir()] == [book.name]


def opened(book: Path) -> None:
    name = "王芳"
    held = bytes([4]) + name.encode("gb18030").ljust(54) + b"\x02\x00" + name.encode("utf-16-le")
    book.with_name(f"~${book.name}").write_bytes(held)


def linked(book: Path) -> None:
    target = book.rename(book.with_name("elsewhere.xlsx"))
    book.symlink_to(target)


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (opened, "王芳"),
        (linked, "elsewhere.xlsx"),
        (lambda book: book.chmod(0o444), "只读"),
        (lambda book: book.write_bytes(b"changed"), "改过"),
    ],
)
def test_what_must_not_be_replaced_is_refused_and_stays(site: Site, book: Path, spoil, what: str):
    """Open elsewhere, a link, read-only, changed meanwhile: the reason is told and nothing is left behind."""
    expected = versions.fingerprint(book)
    spoil(book)
    before = {file.name: file.read_bytes() for file in book.parent.iterdir()}

    with pytest.raises(PushError) as refused:
        versions.replace(site, book, b"new", by=SYSTEM, reason="push:x", expected=expected)

    assert what in refused.value.message.zh
    assert {file.name: file.read_bytes() for file in book.parent.iterdir()} == before
    assert versions.versions(site, book) == []


def test_a_save_in_the_middle_is_not_lost(site: Site, book: Path, monkeypatch: pytest.MonkeyPatch):
    """Somebody saves while the old contents are being kept: their work stands."""
    keep = versions._keep

    def slow(*args, **more):
        version = keep(*args, **more)
        book.write_bytes(b"saved by somebody")
        return version

    monkeypatch.setattr(versions, "_keep", slow)

    with pytest.raises(PushError):
        versions.replace(site, book, b"new", by=SYSTEM, reason="push:x")

    assert book.read_bytes() == b"saved by somebody"


def test_a_push_in_place_is_noted_and_happens_once(site: Site, tmp_path: Path):
    """Datasets for several tables go in together; the same rows again replace nothing; the audit chain has both."""
    path = tmp_path / "mine.xlsx"
    with site.session(read_only=True) as session:
        deliveries = [Delivery(load(session, name, SYSTEM, site=site)) for name in ("trips", "fracas_cases")]
    path.write_bytes(tables_workbook([delivery.rows for delivery in deliveries], "zh"))

    changes = push_in_place(site, path, deliveries, by=SYSTEM)
    again = push_in_place(site, path, deliveries, by=SYSTEM)

    assert [change.rows for change in changes] == [len(delivery.rows) for delivery in deliveries]
    assert [change.table for change in again] == [change.table for change in changes]
    assert len(versions.versions(site, path)) == 1
    with site.session(read_only=True) as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.action == "pushed")).all()
        assert [entry.subject for entry in entries] == ["workbook:mine.xlsx"] * 2
