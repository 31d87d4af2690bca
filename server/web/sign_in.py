"""Signing in and out."""

from http import HTTPStatus
from urllib.parse import urlsplit

import structlog
from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

from server.access.people import authenticate
from server.web.context import site
from server.web.viewer import current_viewer, sign_in
from server.web.viewer import sign_out as end_session

pages = Blueprint("sign_in", __name__)
log = structlog.get_logger()


def limit(limiter: Limiter) -> None:
    """Five wrong passwords a minute per account and address, and thirty per address over all accounts."""
    for allowed, key in (("5 per minute", _account_and_address), ("30 per minute", get_remote_address)):
        limiter.limit(allowed, key_func=key, methods=["POST"], deduct_when=_failed)(pages)


@pages.get("/sign-in")
def show() -> ResponseReturnValue:
    """The sign-in form; whoever is signed in already is sent on."""
    if current_viewer() is not None:
        return redirect(inside(request.args.get("next")))
    return render_template("sign_in.html", wrong=False)


@pages.post("/sign-in")
def check() -> ResponseReturnValue:
    username = request.form.get("username", "")
    # Hashing takes a tenth of a second, in which nobody else must wait to write.
    with site().session(read_only=True) as database:
        viewer = authenticate(database, username, request.form.get("password", ""))
    if viewer is None:
        log.warning("sign-in refused", address=request.remote_addr)
        return render_template("sign_in.html", wrong=True, username=username), HTTPStatus.UNAUTHORIZED
    with site().session() as database:
        sign_in(database, viewer)
        site().note(database, viewer, "signed-in", f"user:{viewer.username}", address=request.remote_addr)
    log.info("signed in", user=viewer.username)
    return redirect(inside(request.args.get("next")))


@pages.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    viewer = current_viewer()
    with site().session() as database:
        end_session(database)
        if viewer is not None:
            site().note(database, viewer, "signed-out", f"user:{viewer.username}")
    return redirect(url_for("sign_in.show"))


def _failed(response: Response) -> bool:
    return response.status_code == HTTPStatus.UNAUTHORIZED


def _account_and_address() -> str:
    return f"{request.form.get('username', '').strip().casefold()[:80]}@{get_remote_address()}"


def inside(target: str | None) -> str:
    """*target* if it is a page of this site, else the first page: a link must not lead people elsewhere."""
    parts = urlsplit(target or "")
    inside = (
        target
        and target.startswith("/")
        and not target.startswith(("//", "/\\"))
        and not parts.netloc
        and not parts.scheme
    )
    return target if target and inside else url_for("dashboard.show")
