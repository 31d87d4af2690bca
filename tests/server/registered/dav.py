"""A real WebDAV server over a folder, on loopback."""

import threading
from pathlib import Path

from cheroot import wsgi
from wsgidav.wsgidav_app import WsgiDAVApp

from tests.server.mail.wire.ports import free_port

USER, PASSWORD = "aftersheet", "a dav password"


class DavServer:
    """Runs while the `with` block does; *requests* are the methods it was asked, in order."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.requests: list[str] = []
        app = WsgiDAVApp(
            {
                "provider_mapping": {"/": str(folder)},
                "simple_dc": {"user_mapping": {"*": {USER: {"password": PASSWORD}}}},
                "logging": {"enable": False},
                "verbose": 0,
            }
        )

        def noting(environ: dict[str, object], start_response: object) -> object:
            self.requests.append(str(environ["REQUEST_METHOD"]))
            return app(environ, start_response)

        self._server = wsgi.Server(("127.0.0.1", self.port), noting, numthreads=2)
        self._thread = threading.Thread(target=self._server.serve, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def __enter__(self) -> "DavServer":
        self._server.prepare()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()
        self._thread.join(10)
