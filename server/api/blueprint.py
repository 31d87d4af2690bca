"""The blueprint all API routes hang on, and the site behind it."""

from typing import cast

from flask import Blueprint, current_app

from server.site import Site

api = Blueprint("api", __name__, url_prefix="/api/v1")


def site() -> Site:
    """The site this application serves."""
    return cast(Site, current_app.extensions["aftersheet"])
