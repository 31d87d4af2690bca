"""Workbooks on shares: read, and replaced only where nobody is at work on them; a real folder, a real WebDAV server."""

import gzip
import os
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.message import Message
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from webdav4.client import Client

from server.reports.registered.folders import FolderPlace
from server.reports.registered.places import ChangedMeanwhile, Found, Gone, Place, PlaceTrouble, steps_of
from server.reports.registered.targets import checked_target
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


@pytest.mark.parametrize("path", ["../x.xlsx", "x.xlsm", "{period}/x.xlsx", "/x.xlsx", "x"])
def test_a_target_stays_inside_the_share(path: str):
    with pytest.raises(PlaceTrouble):
        checked_target(path)


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


def test_an_encoded_way_out_of_the_folder_is_a_name_like_others(dav: DavServer, root: Path):
    """%2e%2e is two dots to a server: it is sent as the name it was typed as."""
    (root / "secret.xlsx").write_bytes(b"secret")
    for path in ("%2e%2e/secret.xlsx", "%2e%2e%2fsecret.xlsx", "a?b#c.xlsx"):
        place = WebdavPlace(f"{dav.url}%E6%9C%88%E6%8A%A5", steps_of(path), user=USER, password=PASSWORD)
        with pytest.raises(Gone):
            place.read()
        with pytest.raises(PlaceTrouble):
            place.replace(b"mine", Found(b"secret", '"x"'))
    odd = WebdavPlace(dav.url, ("月报", "a?b#c%41.xlsx"), user=USER, password=PASSWORD)
    odd.create(b"odd")

    assert odd.read().content == b"odd"
    assert (root / "月报" / "a?b#c%41.xlsx").read_bytes() == b"odd"
    assert (root / "secret.xlsx").read_bytes() == b"secret"


@pytest.mark.parametrize(
    ("headers", "body", "passing"),
    [
        ([("Content-Encoding", "gzip, gzip")], gzip.compress(gzip.compress(bytes(1 << 24))), False),
        ([], bytes(3000), False),
        ([("Content-Length", "9000000000")], bytes(3000), False),
        ([("Content-Length", "900")], b"cut", True),
    ],
)
def test_a_server_that_answers_too_much_is_not_listened_to(
    headers: list[tuple[str, str]], body: bytes, passing: bool, monkeypatch: pytest.MonkeyPatch
):
    """Packed, endless or cut off: trouble in words, and no more of it in memory than a workbook may have."""
    monkeypatch.setattr("server.reports.registered.webdav.LARGEST", 1000)
    with talking(lambda _: (200, headers, body)) as port:
        place = WebdavPlace(f"http://127.0.0.1:{port}/", STEPS, user="", password="")
        with pytest.raises(PlaceTrouble) as trouble:
            place.read()

    assert trouble.value.passing == passing


def test_a_redirect_takes_no_password_elsewhere():
    asked: list[str] = []

    def answer(headers: Message) -> tuple[int, list[tuple[str, str]], bytes]:
        asked.append(headers.get("Authorization", ""))
        return 302, [("Location", "http://127.0.0.1:9/elsewhere.xlsx")], b""

    with talking(answer) as port, pytest.raises(PlaceTrouble):
        WebdavPlace(f"http://127.0.0.1:{port}/", STEPS, user=USER, password=PASSWORD).read()

    assert len(asked) == 1


@pytest.mark.parametrize("encrypted", [False, True])
@pytest.mark.parametrize("dripped", [b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 OK\r\n\r\nbody", b""])
def test_a_server_that_drips_is_left_in_time(
    dripped: bytes, encrypted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A byte now and then, of the headers or the body, or taken of what is put there: the whole errand has an end."""
    monkeypatch.setattr("server.reports.registered.webdav.LONGEST", 0.4)
    context = certified(tmp_path, monkeypatch) if encrypted else None
    with dripping(dripped, context) as port:
        place = WebdavPlace(f"http{'s' if encrypted else ''}://localhost:{port}/", STEPS, user=USER, password=PASSWORD)
        errand: Callable[[], object] = place.read if dripped else partial(place.create, bytes(20 << 20))
        began = time.monotonic()
        with pytest.raises(PlaceTrouble) as trouble:
            errand()

    assert (trouble.value.passing, "过慢" in trouble.value.message.zh) == (True, True)
    assert time.monotonic() - began < 3


def certified(folder: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """What a server on localhost encrypts with, trusted by this process."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    )
    subprocess.run([*command.split(), "-keyout", key, "-out", certificate], check=True, capture_output=True)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


@contextmanager
def dripping(first: bytes, context: ssl.SSLContext | None) -> Iterator[int]:
    """The port of a server that sends *first* and then a byte again and again; of nothing it reads so."""
    over = threading.Event()

    def serve() -> None:
        plain, _ = listener.accept()
        with plain, suppress(OSError), context.wrap_socket(plain, server_side=True) if context else plain as line:
            if first:
                line.recv(1 << 16)
                line.sendall(first)
            while not over.wait(0.05):
                _ = line.send(b"x") if first else line.recv(1)

    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(10)
    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        over.set()
        thread.join(10)
        listener.close()


@contextmanager
def talking(answer: Callable[[Message], tuple[int, list[tuple[str, str]], bytes]]) -> Iterator[int]:
    """The port of a server that gives *answer* to every GET."""

    class Talker(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = answer(self.headers)
            self.send_response(status)
            for header in headers:
                self.send_header(*header)
            self.end_headers()
            with suppress(OSError):
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Talker)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


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
