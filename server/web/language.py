"""The language of a page: texts from one catalogue, dates and numbers the way its readers write them."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import cache
from importlib.resources import files
from typing import cast

from babel.dates import format_date
from flask import Flask, current_app, session
from flask_babel import Babel, format_datetime
from markupsafe import Markup, escape

from server.site import Site
from server.web.viewer import current_viewer
from workbooks.form import Language, Text

LANGUAGES: tuple[Language, ...] = ("zh", "en")
_PLURAL = re.compile(r"\{n\} ([a-z]+)s\b")
_HOLE = re.compile(r"\{([a-z_]+)\}")
_LOCALES: Mapping[Language, str] = {"zh": "zh_Hans_CN", "en": "en"}
_INSTANT: Mapping[Language, str] = {"zh": "yyyy-MM-dd HH:mm", "en": "d MMM yyyy HH:mm"}
_DAY: Mapping[Language, str] = {"zh": "yyyy-MM-dd", "en": "d MMM yyyy"}


def start(app: Flask, site: Site) -> None:
    """Let *app* speak the visitor's language and show instants in the site's zone."""
    Babel(
        app,
        locale_selector=lambda: _LOCALES[current_language()],
        timezone_selector=lambda: site.settings.zone,
    )
    app.jinja_env.globals.update(t=t)
    app.jinja_env.filters.update(instant=instant, day=day, local=local, ticks=ticks)

    @app.context_processor
    def _language() -> dict[str, object]:
        return {"language": current_language()}


@cache
def catalogue() -> dict[str, str]:
    """The Chinese text of each English one; tests compare it with what the pages use."""
    source = files("server.web") / "translations/zh.json"
    return cast(dict[str, str], json.loads(source.read_text(encoding="utf-8")))


def current_language() -> Language:
    """What the visitor chose on this page, else what the account says, else the site's language."""
    chosen = session.get("language")
    viewer = current_viewer()
    if chosen not in LANGUAGES and viewer is not None:
        chosen = viewer.language
    if chosen not in LANGUAGES:
        chosen = current_app.config["SITE_LANGUAGE"]
    return cast(Language, chosen)


def t(words: str, **holes: object) -> str:
    """
    The page text *words* (English) in the visitor's language, with its holes filled.

    In English the word after {n} stands in the plural and loses its s beside 1.

    Raises:
        KeyError: The catalogue lacks the text.
    """
    template = catalogue()[words] if current_language() == "zh" else words
    if current_language() == "en" and holes.get("n") == 1:
        template = _PLURAL.sub(r"{n} \1", template)
    return _HOLE.sub(lambda hole: str(holes[hole[1]]), template)


def local(words: Text | Mapping[str, str] | None) -> str:
    """The visitor's side of a text that has both languages."""
    return words[current_language()] if words else ""


def ticks(words: str) -> Markup:
    """Text with `code` between backticks."""
    pieces = words.split("`")
    return Markup("").join(Markup("<code>{}</code>").format(p) if n % 2 else escape(p) for n, p in enumerate(pieces))


def instant(moment: datetime | None) -> str:
    """An instant (naive ones are UTC) in the site's zone, to the minute."""
    if moment is None:
        return "—"
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return str(format_datetime(aware, _INSTANT[current_language()]))


def day(moment: date | None) -> str:
    """A date as written in lists."""
    language = current_language()
    return format_date(moment, _DAY[language], locale=_LOCALES[language]) if moment else "—"
