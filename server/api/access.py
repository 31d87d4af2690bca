"""Who calls: the owner of the bearer token, within the token's scopes."""

from collections.abc import Callable
from functools import wraps
from typing import Literal, ParamSpec, TypeVar, cast

import structlog
from flask import g, request

from server.access.tokens import note_use, token_id_of, use_is_due, viewer_of_token
from server.access.visibility import Viewer
from server.api.blueprint import site
from server.api.problems import Problem

P = ParamSpec("P")
R = TypeVar("R")
Scope = Literal["submit", "read"]
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="aftersheet"'}


def needs(scope: Scope) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """
    Let only callers in whose bearer token has *scope*; `caller` is then who they are.

    Raises:
        Problem: unauthorized without a valid token, forbidden when it lacks the scope.
    """

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            g.viewer = recognised(_token(), scope)
            return view(*args, **kwargs)

        return checked

    return decorate


def caller() -> Viewer:
    """The person the token speaks for; only behind `needs`."""
    return cast(Viewer, g.viewer)


def token_id() -> str:
    """The public part of the token in this request, whether valid or not; empty without one."""
    parts = _token().split("_")
    return parts[1] if len(parts) > 2 and parts[0] == "as" else ""


def recognised(token: str, scope: Scope) -> Viewer:
    """
    The owner of *token*, which has *scope*; its use is noted, and the log names both from here on.

    Raises:
        Problem: unauthorized when it is not valid, forbidden when it lacks the scope.
    """
    with site().session(read_only=True) as session:
        viewer = viewer_of_token(session, token, scope=scope) if token else None
        known = viewer is not None or (token and viewer_of_token(session, token) is not None)
        due = viewer is not None and use_is_due(session, token)
    if due:
        with site().session() as session:
            note_use(session, token)
    if viewer is not None:
        structlog.contextvars.bind_contextvars(token=token_id_of(token), user=viewer.username)
        return viewer
    if known:
        raise Problem("forbidden", needed_scope=scope)
    raise Problem("unauthorized", headers=_CHALLENGE)


def _token() -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
