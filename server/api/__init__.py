"""
The HTTP API, version 1, for programs: bearer tokens in, JSON and workbooks out.

Cookies are never looked at here, so a page elsewhere cannot use a visitor's session.
"""

from http import HTTPStatus

from flask import Flask
from flask.typing import ResponseReturnValue
from flask_limiter import Limiter
from werkzeug.exceptions import HTTPException

from server.api import (
    checks,
    datasets,
    description,
    feed_links,
    forms,
    pushes,
    records,
    submissions,
    verifying,
    workbooks,
)
from server.api.access import counted_for
from server.api.blueprint import api, site
from server.api.problems import Problem

__all__ = ["answer", "is_problem", "register"]

PER_MINUTE = 600
_KINDS = {
    HTTPStatus.BAD_REQUEST: "bad-request",
    HTTPStatus.NOT_FOUND: "not-found",
    HTTPStatus.METHOD_NOT_ALLOWED: "method-not-allowed",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "too-large",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "unsupported-media-type",
    HTTPStatus.TOO_MANY_REQUESTS: "too-many-requests",
}
# Importing these modules has added their routes to the blueprint.
_PARTS = (submissions, checks, forms, records, datasets, pushes, verifying, feed_links, workbooks, description)


def register(app: Flask, limiter: Limiter) -> None:
    """Add the API to *app*: without CSRF tokens, because it takes no cookies; limited per token."""
    app.extensions["csrf"].exempt(api)
    limiter.limit(f"{PER_MINUTE} per minute", key_func=counted_for)(api)
    app.register_blueprint(api)


def is_problem(error: Exception) -> bool:
    return isinstance(error, Problem)


def answer(error: Exception) -> ResponseReturnValue:
    """The problem document for whatever was raised; a bug shows its request id and nothing else."""
    if isinstance(error, Problem):
        return error.response()
    if isinstance(error, HTTPException) and error.code is not None and error.code < HTTPStatus.INTERNAL_SERVER_ERROR:
        if error.response is not None and error.code < HTTPStatus.BAD_REQUEST:
            return error.get_response()
        allowed = {name: value for name, value in error.get_headers() if name.lower() == "allow"}
        kind = _KINDS.get(HTTPStatus(error.code), "bad-request")
        if kind == "too-large":
            return Problem(kind, limit_megabytes=site().settings.max_upload_mb).response()
        return Problem(kind, headers=allowed).response()
    return Problem("internal-error").response()
