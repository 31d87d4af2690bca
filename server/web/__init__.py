"""The pages: server-rendered, in Chinese and English, without anything from another network."""

from flask import Flask
from flask_limiter import Limiter
from flask_wtf.csrf import CSRFProtect

from server.site import Site
from server.web import (
    account,
    context,
    dashboard,
    fill,
    gallery,
    issued,
    language,
    live,
    mail,
    plotly_script,
    proposal,
    record,
    records,
    refresh,
    sign_in,
    submissions,
    submit,
    unlock,
    verifying,
    viewer,
    workbooks,
)
from server.web.errors import error_page

__all__ = ["error_page", "register"]


def register(app: Flask, site: Site, limiter: Limiter) -> None:
    """Add all pages to *app*; every form of theirs carries a CSRF token that lasts as long as the session."""
    app.config["WTF_CSRF_TIME_LIMIT"] = None  # a form is often filled in over a whole morning
    viewer.start(app, site)
    CSRFProtect(app)
    language.start(app, site)
    context.start(app)
    sign_in.limit(limiter)
    unlock.limit(limiter)
    live.limit(limiter)
    for module in (
        sign_in,
        dashboard,
        plotly_script,
        submit,
        submissions,
        unlock,
        gallery,
        issued,
        proposal,
        refresh,
        verifying,
        fill,
        records,
        record,
        mail,
        workbooks,
        account,
        live,
    ):
        app.register_blueprint(module.pages)
    app.register_blueprint(live.feed)
