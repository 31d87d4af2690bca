"""The Flask application over one site: pages, API, and what every answer of both has in common."""

import secrets
import shutil
import time
from http import HTTPStatus
from pathlib import Path

import structlog
from flask import Flask, Response, current_app, g, request
from flask.typing import ResponseReturnValue
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from server import api, logs, web
from server.api import odata
from server.site import Site

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
MEGABYTE = 1 << 20
LEAST_FREE = 1 << 30  # bytes of disk below which no submission can be promised to be kept
_KEPT_BY_BROWSERS = ("static", "plotly_script.script")
log = structlog.get_logger()


def create_app(site: Site) -> Flask:
    """
    The WSGI application that serves *site*; closing the site is left to the caller.

    Errors under /api are problem documents, all others pages, and neither shows a traceback.
    """
    logs.configure()
    folder = Path(web.__file__).parent
    app = Flask("server.web", template_folder=str(folder / "pages"), static_folder=str(folder / "static"))
    https = site.settings.public_url.startswith("https://")
    app.config.update(
        SECRET_KEY=site.settings.secret_key,
        SITE_LANGUAGE=site.settings.language,
        MAX_CONTENT_LENGTH=site.settings.max_upload_mb * MEGABYTE
        + MEGABYTE // 4,  # the multipart frame is not the file
        MAX_FORM_MEMORY_SIZE=4 * MEGABYTE,
        MAX_FORM_PARTS=4000,
        SESSION_COOKIE_NAME="__Host-aftersheet" if https else "aftersheet",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=https,
        SEND_FILE_MAX_AGE_DEFAULT=86_400,
        TEMPLATES_AUTO_RELOAD=False,
    )
    app.json.ensure_ascii = False  # type: ignore[attr-defined]  # of Flask's default provider
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.extensions["aftersheet"] = site
    if https:
        # One proxy that ends TLS stands in front; a client's own X-Forwarded-For is not believed.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)  # type: ignore[method-assign]
    app.before_request(_begin)  # before the extensions' own, so that their answers carry a request id too
    limiter = Limiter(get_remote_address, app=app, storage_uri="memory://", headers_enabled=True)
    app.after_request(_finish)
    app.register_error_handler(Exception, _failed)
    app.add_url_rule("/healthz", "healthz", _alive)
    app.add_url_rule("/readyz", "readyz", _ready)
    web.register(app, site, limiter)
    api.register(app, limiter)
    odata.register(app, limiter)
    return app


def _begin() -> None:
    g.request_id = secrets.token_hex(8)
    g.started = time.perf_counter()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _finish(response: Response) -> Response:
    """The headers of every answer, and its line in the log: never a query, a cell value or a token."""
    headers = response.headers
    headers["Content-Security-Policy"] = CONTENT_POLICY
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "same-origin"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["X-Request-Id"] = g.request_id
    if current_app.config["SESSION_COOKIE_SECURE"]:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    if request.endpoint not in _KEPT_BY_BROWSERS:
        headers["Cache-Control"] = "no-store"
        rule = request.url_rule.rule if request.url_rule else "-"
        took = round((time.perf_counter() - g.started) * 1000, 1)
        log.info("request", method=request.method, rule=rule, status=response.status_code, milliseconds=took)
    return response


def _failed(error: Exception) -> ResponseReturnValue:
    """The answer to whatever was raised; a bug is logged with its traceback and shown as nothing but its request id."""
    if not (isinstance(error, HTTPException) or api.is_problem(error) or odata.is_told(error)):
        log.error("unexpected exception", exc_info=error, endpoint=request.endpoint)
    if request.path.startswith("/api/"):
        return api.answer(error)
    if request.path.startswith(odata.ROOT):
        return odata.answer(error)
    return web.error_page(error)


def _alive() -> ResponseReturnValue:
    """The process answers."""
    return {"status": "ok"}


def _ready() -> ResponseReturnValue:
    """Submissions can be taken: the database answers and there is room on the disk."""
    site: Site = current_app.extensions["aftersheet"]
    checks = {"database": _database_answers(site), "disk": _free_bytes(site.settings.home) >= LEAST_FREE}
    ready = all(checks.values())
    status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
    return {"status": "ok" if ready else "unready", "checks": checks}, status


def _database_answers(site: Site) -> bool:
    try:
        with site.session() as session:
            session.execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        log.error("database does not answer", error=type(error).__name__)
        return False
    return True


def _free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free
