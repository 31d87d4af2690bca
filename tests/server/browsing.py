"""A browser and a program for tests: the pages with their forms and tokens, the API with its bearer token."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from typing import Any

from flask import Flask
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from server.access.people import find_user
from server.access.tokens import issue_token
from server.site import Site
from tests.server.company import PASSWORD

_TOKEN = re.compile(r'<meta name="csrf-token" content="([^"]+)">')
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@contextmanager
def served(app: Flask) -> Iterator[int]:
    """The port on which *app* is served while the block runs."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


class Browser:
    """One visitor with cookies; forms are posted with the token of the page they stand on."""

    def __init__(self, app: Flask) -> None:
        self.client = app.test_client()

    def get(self, path: str, **keywords: Any) -> TestResponse:
        return self.client.get(path, **keywords)

    def post(self, path: str, data: Any = None, **keywords: Any) -> TestResponse:
        page = self.client.get("/account", follow_redirects=True).text
        found = _TOKEN.search(page)
        assert found is not None
        headers = {"X-CSRFToken": found[1]} | keywords.pop("headers", {})
        return self.client.post(path, data=data, headers=headers, **keywords)

    def sign_in(self, username: str, password: str = PASSWORD, path: str = "/sign-in") -> TestResponse:
        return self.post(path, {"username": username, "password": password})


def signed_in(app: Flask, username: str) -> Browser:
    """A browser in which *username* has signed in."""
    browser = Browser(app)
    assert browser.sign_in(username).status_code == 302
    return browser


class Program:
    """A client of the API with a token."""

    def __init__(self, app: Flask, token: str) -> None:
        self.client = app.test_client()
        self.headers = {"Authorization": f"Bearer {token}"}

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.client.get(f"/api/v1{path}", headers=self.headers | headers)

    def send(self, content: bytes, query: str = "", media_type: str = XLSX, **headers: str) -> TestResponse:
        """POST a workbook as the raw body."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(
            f"/api/v1/submissions{query}", data=content, content_type=media_type, headers=self.headers | named
        )


def program(app: Flask, site: Site, username: str, *scopes: str) -> Program:
    """A program with a fresh token of *username*; both scopes when none is named."""
    with site.session() as session:
        person = find_user(session, username)
        assert person is not None
        token = issue_token(session, person, "test", scopes or ("submit", "read"))
    return Program(app, token)


def visible_text(page: str) -> str:
    """What a page says, without its tags."""
    body = re.sub(r"<(svg|template|script)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body)))
