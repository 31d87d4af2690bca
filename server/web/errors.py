"""Pages for requests that cannot be served."""

from http import HTTPStatus

from flask import g, render_template
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from server.web.language import t

_WORDS = {
    HTTPStatus.BAD_REQUEST: ("This page has expired", "Go back, load the page again and send the form once more."),
    HTTPStatus.FORBIDDEN: ("Not allowed", "Your account may not do this."),
    HTTPStatus.NOT_FOUND: ("Page not found", "It does not exist, or is not open to you."),
    HTTPStatus.METHOD_NOT_ALLOWED: ("Not possible here", "This address does not take what was sent."),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (
        "The file is too large",
        "Remove extra sheets, pictures and empty rows or columns, save and send it again; or send fewer files at once.",
    ),
    HTTPStatus.TOO_MANY_REQUESTS: ("Too many attempts", "Please wait a minute and try again."),
}
_BUG = (
    "The server failed",
    "Nothing was lost. Try again later; if it fails again, tell the administrator the number below.",
)


def error_page(error: Exception) -> ResponseReturnValue:
    """The page for *error*; only its request id is shown of a bug."""
    if isinstance(error, HTTPException) and error.code is not None and error.code < HTTPStatus.INTERNAL_SERVER_ERROR:
        if error.response is not None:  # a redirect, or an answer made where it was raised
            return error.response
        words = _WORDS.get(HTTPStatus(error.code), _WORDS[HTTPStatus.BAD_REQUEST])
        if error.code == HTTPStatus.BAD_REQUEST and not isinstance(error, CSRFError):
            words = ("The request cannot be understood", "Check the address or go back and try again.")
        title, advice = words
        page = render_template("error.html", heading=t(title), advice=t(advice), code=error.code, support=None)
        return (
            page,
            error.code,
            {name: value for name, value in error.get_headers() if name.lower() in ("allow", "retry-after")},
        )
    title, advice = _BUG
    page = render_template("error.html", heading=t(title), advice=t(advice), code=500, support=g.request_id)
    return page, HTTPStatus.INTERNAL_SERVER_ERROR
