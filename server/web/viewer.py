"""Who is signed in on the pages: a signed session cookie that ends with the password or after a while."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import ParamSpec, cast

from flask import Flask, abort, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from server.access.people import note_sign_in, viewer_of_session
from server.access.visibility import Viewer
from server.site import Site

P = ParamSpec("P")
IDLE = timedelta(hours=8)
LONGEST = timedelta(days=7)
_SAME_FOR_ALL = ("static", "healthz", "readyz")


def start(app: Flask, site: Site) -> None:
    """Recognise the visitors of *app*; a session ends after `IDLE` without a request, at last after `LONGEST`."""
    app.permanent_session_lifetime = IDLE

    @app.before_request
    def _recognise() -> None:
        # The API takes no cookies; its documentation is a page like the others.
        program = request.path.startswith("/api/") and request.endpoint != "api.docs"
        g.viewer = None if program or request.endpoint in _SAME_FOR_ALL else _visitor(site)


def current_viewer() -> Viewer | None:
    """The person who is signed in; None for a visitor."""
    return cast("Viewer | None", g.get("viewer"))


def signed_in() -> Viewer:
    """The person this page is for; only behind `login_required`."""
    viewer = current_viewer()
    assert viewer is not None
    return viewer


def login_required(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
    """Send whoever is not signed in to the sign-in page, and back here afterwards."""

    @wraps(view)
    def checked(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        if current_viewer() is None:
            here = request.full_path.rstrip("?") if request.method == "GET" else None
            return redirect(url_for("sign_in.show", next=here))
        return view(*args, **kwargs)

    return checked


def admins_only(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
    """For administrators; for all others the page does not exist."""

    @wraps(view)
    def checked(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        if not signed_in().admin:
            abort(404)
        return view(*args, **kwargs)

    return login_required(checked)


def sign_in(database: Session, viewer: Viewer) -> None:
    """Begin a new session for *viewer*; what the anonymous one held is dropped, except the language."""
    language = session.get("language")
    session.clear()
    if language:
        session["language"] = language
    session.permanent = True
    session["user"] = viewer.user_id
    session["since"] = datetime.now(UTC).isoformat()
    renew(note_sign_in(database, viewer))


def renew(nonce: str) -> None:
    """Let this session go on when all others of its owner have ended."""
    session["nonce"] = nonce


def sign_out() -> None:
    session.clear()


def _visitor(site: Site) -> Viewer | None:
    user_id, nonce, since = session.get("user"), session.get("nonce"), session.get("since")
    if user_id is None or nonce is None or since is None:
        return None
    if datetime.now(UTC) - datetime.fromisoformat(since) > LONGEST:
        return None
    with site.session(read_only=True) as database:
        return viewer_of_session(database, user_id, nonce)
