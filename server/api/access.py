"""Who calls: the owner of the bearer token, within the token's scopes."""

from collections.abc import Callable
from functools import wraps
from typing import Literal, ParamSpec, TypeVar, cast

import structlog
from flask import g, request
from flask_limiter.util import get_remote_address

from server.access.tokens import OpenedToken, note_use, open_token
from server.access.visibility import Viewer
from server.api.blueprint import site
from server.api.problems import Problem, asked_language
from workbooks.form import Language

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
            recognised(_token(), scope)
            return view(*args, **kwargs)

        return checked

    return decorate


def caller() -> Viewer:
    """The person the token speaks for; only behind `needs`."""
    return cast(OpenedToken, g.token).viewer


def readers_language() -> Language:
    """What is asked for by `?lang=` or Accept-Language, else the language of the caller's account."""
    return asked_language() or caller().language


def token_id() -> str:
    """The public part of the valid token in this request; only behind `needs`."""
    return cast(OpenedToken, g.token).id


def counted_for() -> str:
    """Whom the limit of this request counts for: see `limited_by`."""
    return limited_by(_token())


def limited_by(token: str) -> str:
    """
    The id of *token* when it is valid, else the address the request comes from.

    So nobody uses up what another may ask with a forged secret, nor gets round the limit
    with ever new ones.
    """
    found = _opened(token)
    return f"token:{found.id}" if found is not None else get_remote_address()


def recognised(token: str, scope: Scope) -> Viewer:
    """
    The owner of *token*, which has *scope*; its use is noted, and the log names both from here on.

    Raises:
        Problem: unauthorized when it is not valid, forbidden when it lacks the scope.
    """
    found = _opened(token)
    if found is None:
        raise Problem("unauthorized", headers=_CHALLENGE)
    if scope not in found.scopes:
        raise Problem("forbidden", needed_scope=scope)
    if found.due:
        with site().session() as session:
            note_use(session, found.id)
    g.token = found
    structlog.contextvars.bind_contextvars(token=found.id, user=found.viewer.username)
    return found.viewer


def _opened(token: str) -> OpenedToken | None:
    """The valid token *token*, looked up once in a request."""
    if not token:
        return None
    if "opened_token" not in g:
        with site().session(read_only=True) as session:
            g.opened_token = open_token(session, token)
    return cast(OpenedToken | None, g.opened_token)


def _token() -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
