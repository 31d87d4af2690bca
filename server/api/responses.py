"""Answers of the API: JSON and files."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson
from flask import Response

from server.downloads import disposition

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
JSON = "application/json"


def json_response(body: Any, status: int = 200, **headers: str) -> Response:
    """*body* as JSON; instants are in UTC, decimals are numbers."""
    answer = Response(json_text(body), status=status, content_type=JSON)
    for name, value in headers.items():
        answer.headers[name.replace("_", "-")] = value
    return answer


def json_text(body: Any) -> bytes:
    return orjson.dumps(body, default=plain_number, option=orjson.OPT_UTC_Z)


def file_response(content: bytes, filename: str, plain: str, media_type: str = XLSX) -> Response:
    """*content* as a download called *filename*, *plain* for programs that know only ASCII."""
    answer = Response(content, content_type=media_type)
    answer.headers["Content-Disposition"] = disposition(filename, plain)
    return answer


def instant(moment: datetime) -> str:
    """An aware instant as ISO text in UTC, to the second."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def plain_number(value: object) -> float:
    """What orjson does with a decimal."""
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"not JSON: {type(value).__name__}")
