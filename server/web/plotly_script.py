"""plotly's own script, from the wheel that is installed: small over the wire and kept by the browser."""

import gzip
import hashlib
import re
from functools import cache
from importlib.resources import files

from flask import Blueprint, Response, abort, request, url_for

pages = Blueprint("plotly_script", __name__)
# Style sheets of map libraries that the script puts into the page, unless an element of this id is there already.
_SHEETS = re.compile(rb'getElementById\("([0-9a-f]{64})"\)')


@pages.get("/scripts/plotly-<mark>.js")
def script(mark: str) -> Response:
    """The script under the name its contents give it; what is asked for by another name is not there."""
    content, own = _script()
    if mark != own:
        abort(404)
    packed = request.accept_encodings["gzip"] > 0
    answer = Response(content if packed else gzip.decompress(content), content_type="text/javascript; charset=utf-8")
    if packed:
        answer.headers["Content-Encoding"] = "gzip"
    answer.headers["Vary"] = "Accept-Encoding"
    answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return answer


def script_url() -> str:
    """Where the script is; the name changes with its contents."""
    return url_for("plotly_script.script", mark=_script()[1])


@cache
def sheet_ids() -> tuple[str, ...]:
    """The ids of elements that keep the script from adding style sheets, which our content policy forbids."""
    return tuple(sorted({found.decode() for found in _SHEETS.findall(gzip.decompress(_script()[0]))}))


@cache
def _script() -> tuple[bytes, str]:
    """(the script compressed, the mark of its contents)"""
    content = (files("plotly") / "package_data" / "plotly.min.js").read_bytes()
    return gzip.compress(content, 9), hashlib.sha256(content).hexdigest()[:16]
