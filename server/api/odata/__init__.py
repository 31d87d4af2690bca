"""
The datasets as an OData 4.0 service, read only: what "From OData Feed" of Excel and Power BI connects to.

A token with the scope `read` is the password of basic authentication (the user name is not
looked at), or a bearer token. Cookies are never looked at.
"""

from flask import Flask
from flask_limiter import Limiter

from server.api.odata import routes
from server.api.odata.access import counted_for
from server.api.odata.errors import answer, is_told
from server.api.odata.snapshots import Snapshots

__all__ = ["ROOT", "answer", "is_told", "register"]

ROOT = "/odata/"
PER_MINUTE = 600


def register(app: Flask, limiter: Limiter) -> None:
    """Add the service to *app*, limited per token."""
    app.extensions["csrf"].exempt(routes.odata)
    app.extensions["odata_snapshots"] = Snapshots()
    limiter.limit(f"{PER_MINUTE} per minute", key_func=counted_for)(routes.odata)
    app.register_blueprint(routes.odata)
