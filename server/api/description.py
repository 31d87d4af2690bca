"""The API's own description: the OpenAPI document, and the same as a page for people."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from flask import Response, render_template

from server.api.blueprint import api
from server.api.problems import CATALOGUE
from server.api.responses import json_response


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation as the page shows it, with references resolved."""

    method: str
    path: str
    summary: str
    summary_zh: str
    description: str
    parameters: tuple[Mapping[str, Any], ...]
    bodies: tuple[str, ...]
    responses: tuple[tuple[str, str], ...]


@api.get("/openapi.json")
def openapi() -> Response:
    return json_response(document())


@api.get("/docs")
def docs() -> str:
    described = document()
    groups = [(tag, [o for name, o in _operations(described) if name == tag["name"]]) for tag in described["tags"]]
    return render_template("api_docs.html", document=described, groups=groups, problems=CATALOGUE)


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document."""
    found: dict[str, Any] = json.loads((files("server.api") / "openapi.json").read_text(encoding="utf-8"))
    return found


def _operations(described: Mapping[str, Any]) -> Iterator[tuple[str, Operation]]:
    """(tag, operation) in the order of the document."""
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            body = operation.get("requestBody", {}).get("content", {})
            yield (
                operation["tags"][0],
                Operation(
                    method=method.upper(),
                    path=described["servers"][0]["url"] + path,
                    summary=operation["summary"],
                    summary_zh=operation["x-summary-zh"],
                    description=operation["description"],
                    parameters=tuple(_resolved(described, entry) for entry in operation.get("parameters", ())),
                    bodies=tuple(body),
                    responses=tuple(
                        (status, _resolved(described, entry)["description"])
                        for status, entry in operation["responses"].items()
                    ),
                ),
            )


def _resolved(described: Mapping[str, Any], entry: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = entry.get("$ref")
    if reference is None:
        return entry
    found: Any = described
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return found  # type: ignore[no-any-return]
