"""Workbooks on shares: read, and replaced only where nobody is at work on them; a real folder, a real WebDAV server."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from webdav4.client import Client

from server.reports.registered.folders import FolderPlace
from server.reports.registered.places import ChangedMeanwhile, Found, Place, PlaceTrouble, steps_of
from server.reports.registered.webdav import WebdavPlace
from tests.server.registered.dav import PASSWORD, USER, DavServer

STEPS = ("月报", "故障 2026.xlsx")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "share"
    (folder / "月报").mkdir(parents=True)
    (folder / "月报" / STEPS[1]).write_bytes(b"first")
    return folder


@pytest.fixture
def dav(root: Path) -> Iterator[DavServer]:
    with DavServer(root) as server:
        yield server


@pytest.fixture(params=["folder", "webdav"])
def place(request: pytest.FixtureRequest, root: Path) -> Place:
    """The same file in a folder and over WebDAV."""
    if request.param == "folder":
        return FolderPlace(root, STEPS)
    return WebdavPlace(request.getfixturevalue("dav").url, STEPS, user=USER, password=PASSWORD)


def test_a_workbook_is_replaced_whole(place: Place, root: Path):
    found = place.read()

    place.replace(b"second", found)

    assert found.content == b"first"
    assert place.read().content == b"second"
    assert [path.name for path in (root / "月报").iterdir()] == [STEPS[1]]


def test_what_somebody_has_saved_meanwhile_stays(place: Place, root: Path):
    """Read, then saved by a person, then replaced: theirs stays; read anew, it can be replaced."""
    found = place.read()
    (root / "月报" / STEPS[1]).write_bytes(b"a person's work")

    with pytest.raises(ChangedMeanwhile):
        place.replace(b"second", found)

    assert place.read().content == b"a person's work"
    place.replace(b"third", place.read())
    assert place.read().content == b"third"
    assert [path.name for path in (root / "月报").iterdir()] == [STEPS[1]]


def test_a_workbook_that_is_gone_may_come_back(place: Place, root: Path):
    found = place.read()
    (root / "月报" / STEPS[1]).rename(root / "elsewhere.xlsx")
    for act in (place.read, lambda: place.replace(b"second", found)):
        with pytest.raises(PlaceTrouble) as trouble:
            act()
        assert trouble.value.passing
    assert list((root / "月报").iterdir()) == []


@pytest.mark.parametrize(
    ("mark", "content", "who"),
    [
        ("~$故障 2026.xlsx", b"\x02Wu" + b" " * 52 + b"\x02\x00" + "吴敏".encode("utf-16-le"), "吴敏"),
        (".~lock.故障 2026.xlsx#", b",chen,desk-7,22.11.2026 09:00,file:///x;", "chen"),
        (".~故障 2026.xlsx", b"", "打开"),
    ],
)
def test_a_workbook_that_is_open_is_left_alone(root: Path, mark: str, content: bytes, who: str):
    """Excel, LibreOffice and WPS each leave a file beside it; whose it is is told. Reading does no harm."""
    place = FolderPlace(root, STEPS)
    (root / "月报" / mark).write_bytes(content)

    found = place.read()
    with pytest.raises(PlaceTrouble) as trouble:
        place.replace(b"second", found)

    assert trouble.value.passing
    assert who in trouble.value.message.zh
    assert place.read().content == b"first"


def test_links_lead_nowhere(root: Path, tmp_path: Path):
    """Neither the file nor a folder on the way may be a link; what it points at is not even read."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.xlsx").write_bytes(b"secret")
    (root / "linked").symlink_to(outside)
    (root / "link.xlsx").symlink_to(outside / "secret.xlsx")
    for steps in (("linked", "secret.xlsx"), ("link.xlsx",)):
        place = FolderPlace(root, steps)
        with pytest.raises(PlaceTrouble) as trouble:
            place.read()
        with pytest.raises(PlaceTrouble):
            place.replace(b"second", Found(b"secret"))
        assert not trouble.value.passing
    assert (outside / "secret.xlsx").read_bytes() == b"secret"


def test_a_pipe_in_its_place_holds_nobody_up(root: Path, monkeypatch: pytest.MonkeyPatch):
    """Exchanged between the look and the opening: a pipe nobody writes into would stop the worker for ever."""
    (root / "plain.xlsx").write_bytes(b"plain")
    os.mkfifo(root / "pipe.xlsx")
    looked = os.stat
    monkeypatch.setattr(
        os, "stat", lambda name, **more: looked("plain.xlsx" if name == "pipe.xlsx" else name, **more)
    )  # fmt: skip
    with pytest.raises(PlaceTrouble):
        FolderPlace(root, ("pipe.xlsx",)).read()


@pytest.mark.parametrize(
    "path",
    ["../x.xlsx", "/etc/x.xlsx", "a/../../x.xlsx", "a//x.xlsx", "C:\\x.xlsx", "a\\..\\x.xlsx", "", "x.xls", "~$x.xlsx",
     "a/\x00.xlsx", ". /x.xlsx", "x.xlsx:stream.xlsx"],
)  # fmt: skip
def test_paths_stay_inside_the_share(path: str):
    with pytest.raises(PlaceTrouble):
        steps_of(path)


def test_paths_may_be_written_either_way():
    assert steps_of("月报\\故障 2026.xlsx") == STEPS == steps_of(" 月报/故障 2026.xlsx ")


def test_mode_stays_and_nothing_is_left_behind(root: Path):
    (root / "月报" / STEPS[1]).chmod(0o640)
    place = FolderPlace(root, STEPS)
    place.replace(b"second", place.read())

    assert (root / "月报" / STEPS[1]).stat().st_mode & 0o777 == 0o640


def test_a_share_that_is_away_comes_back(tmp_path: Path, dav: DavServer):
    """Not mounted, or nobody listening: trouble that passes."""
    nobody = WebdavPlace("http://127.0.0.1:9/", STEPS, user="", password="")
    for place in (FolderPlace(tmp_path / "unmounted", STEPS), nobody):
        with pytest.raises(PlaceTrouble) as trouble:
            place.read()
        assert trouble.value.passing


def test_a_wrong_password_is_told_and_not_tried_for_ever(dav: DavServer):
    place = WebdavPlace(dav.url, STEPS, user=USER, password="wrong")
    with pytest.raises(PlaceTrouble) as trouble:
        place.read()

    assert not trouble.value.passing
    assert "401" in trouble.value.message.zh


def test_a_locked_workbook_waits(dav: DavServer):
    """Somebody has it open over WebDAV; when they close it, it is replaced, and our own lock is gone again."""
    place = WebdavPlace(dav.url, STEPS, user=USER, password=PASSWORD)
    person = Client(dav.url, auth=(USER, PASSWORD), retry=False)
    url = person.join_url("/".join(STEPS))
    body = (
        '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope>'
        "<D:locktype><D:write/></D:locktype><D:owner>chen</D:owner></D:lockinfo>"
    )
    held = person.http.request("LOCK", url, content=body, headers={"Content-Type": "application/xml", "Depth": "0"})
    found = place.read()
    with pytest.raises(PlaceTrouble) as trouble:
        place.replace(b"second", found)
    assert trouble.value.passing

    person.http.request("UNLOCK", url, headers={"Lock-Token": held.headers["Lock-Token"]})
    place.replace(b"second", found)

    assert place.read().content == b"second"
    assert person.http.request("PUT", url, content=b"by a person").status_code == 204
    person.http.close()


def test_a_workbook_changed_under_the_lock_is_seen_without_etags(dav: DavServer, root: Path):
    """A server that gives no mark of a version: under the lock the bytes are compared."""
    place = WebdavPlace(dav.url, STEPS, user=USER, password=PASSWORD)
    unmarked = Found(place.read().content)
    (root / "月报" / STEPS[1]).write_bytes(b"other")

    with pytest.raises(ChangedMeanwhile):
        place.replace(b"second", unmarked)
    place.replace(b"second", Found(b"other"))

    assert place.read().content == b"second"
    assert dav.requests.count("LOCK") == dav.requests.count("UNLOCK") == 2
