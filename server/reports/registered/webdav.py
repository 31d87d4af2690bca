"""A workbook on a WebDAV server: locked while it is replaced, and replaced only as the version that was read."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http import HTTPStatus
from urllib.parse import quote

import httpx
from lxml import etree
from webdav4.client import Client

from server.reports.registered.places import (
    LARGEST,
    ChangedMeanwhile,
    Found,
    PlaceTrouble,
    gone,
    in_use,
    no_folder,
    too_large,
)
from server.reports.registered.time_limits import TimeLimit, time_limit
from workbooks.form import Text

SECONDS = 30.0  # without a sign of life
LONGEST = 280.0  # seconds for reading or replacing a file: a lease on the run is longer than three of them
_LARGEST_TOLD = 1 << 20  # bytes of any answer but a workbook
LOCK_SECONDS = 120  # a server that dies with our lock lets go of it by itself
_LOCK = (
    '<?xml version="1.0" encoding="utf-8"?><D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope>'
    "<D:locktype><D:write/></D:locktype><D:owner>Aftersheet</D:owner></D:lockinfo>"
)
_NO_LOCKS = (HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED, HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN)


class WebdavPlace:
    """The file *steps* below the WebDAV folder *url*; redirects are not followed, so secrets go nowhere else."""

    def __init__(self, url: str, steps: tuple[str, ...], *, user: str, password: str) -> None:
        self._path = "/".join(steps)
        self._base = url
        # Our own quoting: to the client's, %2e%2e is already an address, and leads out of the folder.
        self._url = f"{url.rstrip('/')}/{'/'.join(quote(step, safe='') for step in steps)}"
        self._auth = (user, password) if user else None
        self._limit = TimeLimit()

    def read(self) -> Found:
        with self._client() as client:
            return self._read(client)

    def create(self, content: bytes) -> None:
        with self._client() as client:
            status, _, _ = self._asked(client, "PUT", content=content, headers={"If-None-Match": "*"})
            if status == HTTPStatus.PRECONDITION_FAILED:
                raise ChangedMeanwhile
            if status in (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT):
                raise no_folder(self._path)
            self._judge(status)

    def replace(self, content: bytes, expected: Found) -> None:
        with self._client() as client, self._locked(client) as token:
            strong = expected.mark.startswith('"')
            if not strong and not token:
                raise PlaceTrouble(
                    Text(
                        "该 WebDAV 服务器既不支持锁定也不提供 ETag，就地替换可能丢失他人的修改，请改用下载或邮件。",
                        "This WebDAV server knows neither locks nor ETags: replacing there could lose "
                        "somebody's changes. Have it delivered by download or mail.",
                    ),
                    passing=False,
                )
            # Under our own lock nobody else writes: what it is now it stays. Marks made of seconds miss a quick save.
            if token and self._read(client).content != expected.content:
                raise ChangedMeanwhile
            headers = {"If-Match": expected.mark} if strong else {}
            headers |= {"If": f"(<{token}>)"} if token else {}
            status, _, _ = self._asked(client, "PUT", content=content, headers=headers)
            if status == HTTPStatus.PRECONDITION_FAILED:
                raise ChangedMeanwhile
            self._judge(status)

    @contextmanager
    def _client(self) -> Iterator[Client]:
        client = Client(self._base, auth=self._auth, retry=False, timeout=SECONDS, follow_redirects=False)
        try:
            with time_limit(LONGEST) as self._limit:
                yield client
        except (httpx.TransportError, httpx.InvalidURL) as error:
            if self._limit.over:
                raise _too_slow() from error
            message = Text("WebDAV 服务器无法连接。", f"The WebDAV server cannot be reached ({type(error).__name__}).")
            raise PlaceTrouble(message, passing=True) from error
        finally:
            client.http.close()

    def _read(self, client: Client) -> Found:
        status, headers, content = self._asked(client, "GET", most=LARGEST)
        self._judge(status)
        if len(content) > LARGEST:
            raise too_large(self._path)
        return Found(content, headers.get("ETag", ""))

    @contextmanager
    def _locked(self, client: Client) -> Iterator[str]:
        """The file locked for us alone, by its lock token; an empty one where the server knows no locks."""
        headers = {"Depth": "0", "Timeout": f"Second-{LOCK_SECONDS}", "Content-Type": "application/xml; charset=utf-8"}
        status, told, content = self._asked(client, "LOCK", content=_LOCK.encode(), headers=headers)
        if status in _NO_LOCKS:
            yield ""
            return
        self._judge(status)
        token = _token(told, content)
        if status == HTTPStatus.CREATED:  # it was not there, and is now, empty: RFC 4918, 7.3
            self._asked(client, "DELETE", headers={"If": f"(<{token}>)"})
            raise gone(self._path)
        try:
            yield token
        finally:
            with suppress(httpx.TransportError, PlaceTrouble):  # then it ends by itself
                self._asked(client, "UNLOCK", headers={"Lock-Token": f"<{token}>"})

    def _asked(
        self, client: Client, method: str, *, content: bytes | None = None, headers: Mapping[str, str] | None = None,
        most: int = _LARGEST_TOLD,
    ) -> tuple[int, httpx.Headers, bytes]:  # fmt: skip
        """
        Status, headers and body of the answer, cut off just after *most* bytes.

        Raises:
            PlaceTrouble: It is packed: unpacking might fill the memory; or time is over.
        """
        body, plain = bytearray(), {"Accept-Encoding": "identity"} | dict(headers or {})
        with client.http.stream(
            method, self._url, content=content, headers=plain, extensions=self._limit.extensions
        ) as answer:
            if answer.headers.get("Content-Encoding", "identity").lower() not in ("", "identity"):
                words = Text("WebDAV 服务器返回了压缩内容。", "The WebDAV server packs what it sends.")
                raise PlaceTrouble(words, passing=False)
            for chunk in answer.iter_raw():
                body += chunk
                if len(body) > most:
                    break
            if self._limit.over:  # an answer of unknown length ends with its connection, and would pass for whole
                raise _too_slow()
            return answer.status_code, answer.headers, bytes(body)

    def _judge(self, status: int) -> None:
        """
        Raises:
            PlaceTrouble: The server did not do what it was asked.
        """
        if status == HTTPStatus.LOCKED:
            raise in_use()
        if status in (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT):
            raise gone(self._path)
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            message = Text(
                f"WebDAV 服务器不允许访问“{self._path}”（{status}），请管理员检查账号和权限。",
                f"The WebDAV server does not let us at {self._path!r} ({status}); an administrator has to look.",
            )
            raise PlaceTrouble(message, passing=False)
        if not 200 <= status < 300 or status == HTTPStatus.MULTI_STATUS:
            message = Text(f"WebDAV 服务器答复 {status}。", f"The WebDAV server answers {status}.")
            raise PlaceTrouble(message, passing=True)


def _too_slow() -> PlaceTrouble:
    return PlaceTrouble(
        Text(
            f"WebDAV 服务器传输过慢，{LONGEST:.0f} 秒内没有完成。",
            f"The WebDAV server is too slow: it was not done within {LONGEST:.0f} seconds.",
        ),
        passing=True,
    )


def _token(headers: httpx.Headers, content: bytes) -> str:
    """The lock token: in the header, or in the answer's text as older servers say it."""
    token = str(headers.get("Lock-Token", "")).strip("<> ")
    if token:
        return token
    with suppress(etree.XMLSyntaxError):
        parser = etree.XMLParser(resolve_entities=False, no_network=True)
        root = etree.fromstring(content, parser)
        return str(root.findtext(".//{DAV:}locktoken/{DAV:}href") or "").strip()
    return ""
