"""A workbook on a WebDAV server: locked while it is replaced, and replaced only as the version that was read."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus

import httpx
from lxml import etree
from webdav4.client import Client

from server.reports.registered.places import LARGEST, ChangedMeanwhile, Found, PlaceTrouble, gone, in_use, too_large
from workbooks.form import Text

SECONDS = 30.0
LOCK_SECONDS = 120  # a server that dies with our lock lets go of it by itself
_LOCK = (
    '<?xml version="1.0" encoding="utf-8"?><D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope>'
    "<D:locktype><D:write/></D:locktype><D:owner>Aftersheet</D:owner></D:lockinfo>"
)
_NO_LOCKS = (HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED, HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN)


class WebdavPlace:
    """The file *steps* below the WebDAV folder *url*; redirects are not followed, so secrets go nowhere else."""

    def __init__(self, url: str, steps: tuple[str, ...], *, user: str, password: str) -> None:
        self._url, self._path = url, "/".join(steps)
        self._auth = (user, password) if user else None

    def read(self) -> Found:
        with self._client() as client:
            return self._read(client)

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
            answer = self._asked(client, "PUT", content=content, headers=headers)
            if answer.status_code == HTTPStatus.PRECONDITION_FAILED:
                raise ChangedMeanwhile
            self._judge(answer)

    @contextmanager
    def _client(self) -> Iterator[Client]:
        client = Client(self._url, auth=self._auth, retry=False, timeout=SECONDS, follow_redirects=False)
        try:
            yield client
        except (httpx.TransportError, httpx.InvalidURL) as error:
            message = Text("WebDAV 服务器无法连接。", f"The WebDAV server cannot be reached ({type(error).__name__}).")
            raise PlaceTrouble(message, passing=True) from error
        finally:
            client.http.close()

    def _read(self, client: Client) -> Found:
        content = bytearray()
        with client.http.stream("GET", client.join_url(self._path)) as answer:
            self._judge(answer)
            for chunk in answer.iter_bytes():
                content += chunk
                if len(content) > LARGEST:
                    raise too_large(self._path)
            return Found(bytes(content), answer.headers.get("ETag", ""))

    @contextmanager
    def _locked(self, client: Client) -> Iterator[str]:
        """The file locked for us alone, by its lock token; an empty one where the server knows no locks."""
        headers = {"Depth": "0", "Timeout": f"Second-{LOCK_SECONDS}", "Content-Type": "application/xml; charset=utf-8"}
        answer = self._asked(client, "LOCK", content=_LOCK.encode(), headers=headers)
        if answer.status_code in _NO_LOCKS:
            yield ""
            return
        self._judge(answer)
        if answer.status_code == HTTPStatus.CREATED:  # it was not there, and is now, empty: RFC 4918, 7.3
            self._asked(client, "DELETE", headers={"If": f"(<{_token(answer)}>)"})
            raise gone(self._path)
        token = _token(answer)
        try:
            yield token
        finally:
            with suppress(httpx.TransportError):  # then it ends by itself
                self._asked(client, "UNLOCK", headers={"Lock-Token": f"<{token}>"})

    def _asked(self, client: Client, method: str, **keywords: object) -> httpx.Response:
        answer: httpx.Response = client.http.request(method, client.join_url(self._path), **keywords)
        return answer

    def _judge(self, answer: httpx.Response) -> None:
        """
        Raises:
            PlaceTrouble: The server did not do what it was asked.
        """
        status = answer.status_code
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


def _token(answer: httpx.Response) -> str:
    """The lock token: in the header, or in the answer's text as older servers say it."""
    token = str(answer.headers.get("Lock-Token", "")).strip("<> ")
    if token:
        return token
    with suppress(etree.XMLSyntaxError):
        parser = etree.XMLParser(resolve_entities=False, no_network=True)
        root = etree.fromstring(answer.content, parser)
        return str(root.findtext(".//{DAV:}locktoken/{DAV:}href") or "").strip()
    return ""
