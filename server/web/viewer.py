"""Who is signed in on the pages: the cookie names a sign-in on record, and ends by itself after a while."""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import ParamSpec, cast

from flask import Flask, abort, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from server.access import sign_ins
from server.access.people import begin_sign_in, viewer_of_sign_in
from server.access.visibility import Viewer
from server.site import Site

P = ParamSpec("P")
IDLE = timedelta(hours=8)
_PROGRAMS = ("/api/", "/odata/", "/webquery/")
_SAME_FOR_ALL = ("static", "plotly_script.script", "healthz", "readyz")


def start(app: Flask, site: Site) -> None:
    """
    Recognise the visitors of *app*.

    A sign-in ends after `IDLE` without a request, by the time signed into its cookie; at
    last after `sign_ins.LONGEST`.
    """
    app.permanent_session_lifetime = IDLE

    @app.before_request
    def _recognise() -> None:
        # The API and the feeds take no cookies; its documentation is a page like the others.
        program = request.path.startswith(_PROGRAMS) and request.endpoint != "api.docs"
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
    """Sign *viewer* in on this browser; what its session held before is dropped, except the language."""
    language, before = session.get("language"), this_sign_in()
    if before is not None:
        sign_ins.end(database, before)
    session.clear()
    if language:
        session["language"] = language
    session.permanent = True
    session["sign_in"] = begin_sign_in(database, viewer)


def go_on_as(sign_in: str) -> None:
    """Let this browser go on with another sign-in of the same person."""
    session["sign_in"] = sign_in


def sign_out(database: Session) -> None:
    """End the sign-in of this browser, in every copy of its cookie."""
    sign_in = this_sign_in()
    session.clear()
    if sign_in is not None:
        sign_ins.end(database, sign_in)


def this_sign_in() -> str | None:
    """The id of this browser's sign-in."""
    return cast("str | None", session.get("sign_in"))


def _visitor(site: Site) -> Viewer | None:
    sign_in = this_sign_in()
    if sign_in is None:
        return None
    with site.session(read_only=True) as database:
        return viewer_of_sign_in(database, sign_in)
