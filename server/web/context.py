"""What every page needs: the site, who is signed in, the menu."""

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import cast
from urllib.parse import quote

from flask import Flask, current_app, request, url_for

from server.access.visibility import Viewer
from server.intake.mail.health import Health, silent
from server.intake.mail.inbox import may_keep
from server.records.outcome import STATE_TEXT
from server.reports.registered.registration import may_register
from server.site import Site
from server.web.language import current_language
from server.web.viewer import current_viewer
from workbooks.form import Language, Text

# endpoint, icon, label, and the group that marks it as the current one
NAVIGATION = (
    ("dashboard.show", "dashboard", "Dashboard", "dashboard"),
    ("submit.show", "submit", "Submit", "submit"),
    ("gallery.show", "templates", "Templates", "gallery"),
    ("records.overview", "records", "Records", "records"),
    ("submissions.show", "inbox", "Inbox", "submissions"),
)
_FOR_REGISTRANTS = ("workbooks.show", "workbook", "Workbooks", "workbooks")
_FOR_KEEPERS = ("mail.show", "mail", "Mail", "mail")
_GROUPS = {
    "fill": "gallery", "issued": "gallery", "refresh": "dashboard", "verifying": "dashboard", "live": "dashboard",
}  # fmt: skip
ROLES: Mapping[str, Text] = {
    "station": Text("服务站", "Station"),
    "engineer": Text("技术工程师", "Engineer"),
    "quality": Text("质量部", "Quality"),
    "manager": Text("管理者", "Manager"),
    "admin": Text("管理员", "Administrator"),
}


def site() -> Site:
    """The site this application serves."""
    return cast(Site, current_app.extensions["aftersheet"])


def server_address() -> str:
    """Where other programs find this server: its public address, else the one this page has."""
    return site().settings.public_url.rstrip("/") or quote(request.url_root.rstrip("/"), safe=":/[]@%")


def start(app: Flask) -> None:
    @app.context_processor
    def _frame() -> dict[str, object]:
        blueprint = request.blueprint or ""
        found: dict[str, object] = {
            "static_url": static_url,
            "here": request.full_path.rstrip("?") if request.method == "GET" else request.path,
            "viewer": None,
            "states": STATE_TEXT,
            "owners": ROLES,
        }
        viewer = current_viewer()
        if viewer is not None:
            language = current_language()
            found |= {
                "viewer": viewer,
                "viewer_roles": roles(viewer, language),
                "station_label": station(viewer, language),
                "region_label": region(viewer, language),
                "navigation": _navigation(viewer),
                "silent_mailboxes": _silent(viewer),
                "active": "records" if "number" in (request.view_args or {}) else _GROUPS.get(blueprint, blueprint),
            }
        return found


def _navigation(viewer: Viewer) -> tuple[tuple[str, str, str, str], ...]:
    more = ((may_register(viewer), _FOR_REGISTRANTS), (may_keep(viewer), _FOR_KEEPERS))
    return (*NAVIGATION, *(entry for allowed, entry in more if allowed))


def static_url(name: str) -> str:
    """The address of a static file, with a mark that changes with its contents."""
    return url_for("static", filename=name, v=_mark(name))


def roles(viewer: Viewer, language: Language) -> str:
    separator = "、" if language == "zh" else ", "
    return separator.join(ROLES[role][language] for role in ROLES if role in viewer.roles)


def station(viewer: Viewer, language: Language) -> str:
    """The name of the viewer's station; empty for people of no station."""
    if not viewer.station:
        return ""
    with site().session(read_only=True) as session:
        row = site().master(session, retired=True).row("stations", viewer.station)
    return row.label(language) if row else viewer.station


def region(viewer: Viewer, language: Language) -> str:
    """The region a manager looks after; empty for people of none."""
    if not viewer.region:
        return ""
    with site().session(read_only=True) as session:
        return site().master(session, retired=True).local("region", viewer.region, language)


def _silent(viewer: Viewer) -> tuple[Health, ...]:
    """Mailboxes that have not answered for too long: administrators see it on every page."""
    settings = site().settings.mail
    if not viewer.admin or not settings.mailboxes:
        return ()
    with site().session(read_only=True) as session:
        return silent(session, settings)


@cache
def _mark(name: str) -> str:
    return hashlib.sha256((files("server.web") / "static" / name).read_bytes()).hexdigest()[:10]
