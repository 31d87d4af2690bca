"""Answers of the API: JSON and files."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import orjson
from flask import Response

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
JSON = "application/json"


def json_response(body: Any, status: int = 200, **headers: str) -> Response:
    """*body* as JSON; instants are in UTC, decimals are numbers."""
    answer = Response(json_text(body), status=status, content_type=JSON)
    for name, value in headers.items():
        answer.headers[name.replace("_", "-")] = value
    return answer


def json_text(body: Any) -> bytes:
    return orjson.dumps(body, default=_plain, option=orjson.OPT_UTC_Z)


def file_response(content: bytes, filename: str, media_type: str = XLSX) -> Response:
    """*content* as a download; the name is given in ASCII and, for who understands it, in full."""
    answer = Response(content, content_type=media_type)
    plain = "".join(char if char.isascii() and (char.isalnum() or char in "-_. ") else "_" for char in filename)
    answer.headers["Content-Disposition"] = (
        f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"
    )
    return answer


def instant(moment: datetime) -> str:
    """An aware instant as ISO text in UTC, to the second."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _plain(value: object) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"not JSON: {type(value).__name__}")
