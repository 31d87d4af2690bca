"""The query options and headers of a request, read and checked."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import Literal, cast

from flask import Request
from odata_query import ast

from server.api.odata.errors import ODataError, unsupported, wrong
from server.api.odata.filters import parse, parse_order
from workbooks.form import Language, Text

Metadata = Literal["minimal", "full", "none"]
PAGE, LARGEST_PAGE = 5_000, 50_000
JSON, XML = "application/json", "application/xml"
_KNOWN = ("$filter", "$select", "$orderby", "$top", "$skip", "$count", "$format", "$skiptoken")
_PAGE_SIZE = re.compile(r"(?:odata\.)?maxpagesize=(\d{1,9})")
_JSON_MEDIA = ("application/json", "json", "*/*", "application/*", "text/json")


@dataclass(frozen=True, slots=True)
class Format:
    """How the answer is written."""

    metadata: Metadata = "minimal"
    numbers_as_text: bool = False

    @property
    def content_type(self) -> str:
        compatible = ";IEEE754Compatible=true" if self.numbers_as_text else ""
        return f"{JSON};odata.metadata={self.metadata}{compatible};charset=utf-8"


class Options:
    """
    What one request asks for beside the resource.

    Raises:
        ODataError: An option is wrong (400), or OData has it and this service does not (501).
    """

    def __init__(self, request: Request, language: Language) -> None:
        self.given = {name: values[-1].strip() for name, values in request.args.lists()}
        for name, values in request.args.lists():
            if name.startswith(("$", "@")) and name not in _KNOWN:
                if name == "$expand" and not values[-1]:
                    continue
                raise unsupported(name)
            if name in _KNOWN and len(values) > 1:
                raise wrong(f"{name} 出现了两次。", f"{name} is given twice.", name)
        if (newest := request.headers.get("OData-MaxVersion", "")) and newest.split(".")[0] < "4":
            raise wrong("本服务使用 OData 4.0。", "This service speaks OData 4.0.", "OData-MaxVersion")
        self.language = language
        self.filter = self.given.get("$filter", "")
        self.orderby = self.given.get("$orderby", "")
        self.skiptoken = self.given.get("$skiptoken", "")
        self.top = self._number("$top")
        self.skip = self._number("$skip") or 0
        self.count = self._truth("$count")
        self.format = _format(self.given.get("$format", ""), request.headers.get("Accept", ""))
        preferred = _PAGE_SIZE.search(",".join(request.headers.getlist("Prefer")))
        self.preferred = int(preferred[1]) if preferred and int(preferred[1]) > 0 else None
        self.page = min(self.preferred or PAGE, LARGEST_PAGE)

    def select(self) -> list[str]:
        """The properties in $select; empty for all."""
        names = [name.strip() for name in self.given.get("$select", "").split(",") if name.strip()]
        return [] if "*" in names else list(dict.fromkeys(names))

    @cached_property
    def condition(self) -> ast._Node | None:
        return parse(self.filter) if self.filter else None

    @cached_property
    def order(self) -> list[tuple[ast._Node, bool]]:
        return parse_order(self.orderby) if self.orderby else []

    def following(self) -> dict[str, str]:
        """The options of the next page, without its token."""
        left_out = ("$skip", "$top", "$skiptoken")
        return {name: value for name, value in self.given.items() if name not in left_out}

    def _number(self, name: str) -> int | None:
        given = self.given.get(name)
        if given is None:
            return None
        if not re.fullmatch(r"\d{1,12}", given):
            raise wrong(f"{name} 应为不小于 0 的整数。", f"{name} is a whole number, 0 or more.", name)
        return int(given)

    def _truth(self, name: str) -> bool:
        given = self.given.get(name, "false")
        if given not in ("true", "false"):
            raise wrong(f"{name} 应为 true 或 false。", f"{name} is true or false.", name)
        return given == "true"


def _format(asked: str, accepted: str) -> Format:
    """
    The format of $format, else of the Accept header.

    Raises:
        ODataError: Neither JSON nor anything that JSON could stand for is wanted.
    """
    for entry in [asked] if asked else accepted.split(",") if accepted else ["*/*"]:
        media, *parameters = [piece.strip() for piece in entry.split(";")]
        if media.lower() not in _JSON_MEDIA and not media.lower().endswith("/xml"):
            continue
        values = _parameters(parameters)
        metadata = values.get("odata.metadata") or values.get("metadata") or "minimal"
        if metadata not in ("minimal", "full", "none"):
            continue
        return Format(cast(Metadata, metadata), values.get("ieee754compatible") == "true")
    words = Text("本服务只提供 JSON。", "This service answers in JSON.")
    raise ODataError(HTTPStatus.NOT_ACCEPTABLE, "NotAcceptable", words, target="$format" if asked else "Accept")


def _parameters(pieces: list[str]) -> Mapping[str, str]:
    pairs = (piece.partition("=") for piece in pieces)
    return {name.strip().lower(): value.strip().lower() for name, _, value in pairs}
