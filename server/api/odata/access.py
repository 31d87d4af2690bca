"""Who reads the feed: the owner of the token that stands as password of basic authentication, or as bearer token."""

from flask import request

from server.access.visibility import Viewer
from server.api.access import limited_by, recognised
from server.api.odata.errors import CHALLENGE
from server.api.problems import Problem
from workbooks.form import Text

_NO_TOKEN = Text(
    "用户名任意，密码填写“账户”页面签发的读取令牌（不是登录密码）；令牌可能已过期或撤销。",
    "Any user name; the password is a token with the scope read from the account page, not the one you sign in with. "
    "It may have expired or been revoked.",
)


def reader() -> Viewer:
    """
    Whose figures are read in this request.

    Raises:
        Problem: unauthorized without a valid token, forbidden when it lacks the scope `read`.
    """
    try:
        return recognised(_token(), "read")
    except Problem as problem:
        detail = _NO_TOKEN if problem.kind == "unauthorized" else None
        raise Problem(problem.kind, headers=CHALLENGE, detail=detail) from problem


def counted_for() -> str:
    """Whom the limit of this request counts for: its token when that is valid, else its address."""
    return limited_by(_token())


def _token() -> str:
    """The token; a person's own password is never looked at, it just is no token."""
    given = request.authorization
    if given is None:
        return ""
    if given.type == "basic":
        return (given.password or "").strip()
    return (given.token or "").strip() if given.type == "bearer" else ""
