"""The addresses of the feed: service document, $metadata, entity sets, one entity, counts."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast
from urllib.parse import quote, urlencode

import orjson
from flask import Blueprint, Response, current_app, request
from isal import igzip

from server.access.visibility import Viewer
from server.api.blueprint import site
from server.api.forms import own_address
from server.api.odata.access import reader
from server.api.odata.entities import EDM, KEY, NAMESPACE, Entities, EntityType
from server.api.odata.errors import VERSION, missing, unsupported, wrong
from server.api.odata.filters import Compiler, ordered
from server.api.odata.metadata import metadata, service_document
from server.api.odata.narrowing import anchored_days
from server.api.odata.options import XML, Options
from server.api.odata.paging import Position
from server.api.odata.snapshots import Snapshot, Snapshots
from server.api.responses import plain_number
from server.reports.feed import FeedError, feed_from, load_feed, options_in, service_address
from server.statistics.datasets import definition_of, names
from workbooks.form import Language

odata = Blueprint("odata", __name__, url_prefix="/odata/v4")
_RESOURCE = re.compile(r"(?P<set>\w+)(?:\((?P<key>.*)\))?(?P<rest>/.*)?", re.DOTALL)
_KEY = re.compile(rf"(?:{KEY.name}\s*=\s*)?'((?:[^']|'')*)'", re.DOTALL)
_WORTH_DEFLATING = 1_000  # bytes


@odata.get("/")
def service() -> Response:
    return _service(Options(request, _language(reader(), request.args)), "")


@odata.get("/$metadata")
def describe() -> Response:
    """The entity types, with the meaning of their columns."""
    return _describe(_language(reader(), request.args))


@odata.get("/<path:resource>")
def read(resource: str) -> Response:
    """
    An entity set, one of its entities, or how many there are.

    Our own options may stand in the address before it (`period=2026-05,lang=zh/…`): such an
    address is a service of its own, whose clients need not know of them.
    """
    viewer = reader()
    head, _, below = resource.partition("/")
    own, rest_of_it = (head, below) if "=" in head.partition("(")[0] else ("", resource)
    given = options_in(own)
    if own and rest_of_it in ("", "$metadata"):
        language = _language(viewer, given)
        return _describe(language) if rest_of_it else _service(Options(request, language), own)
    match = _RESOURCE.fullmatch(rest_of_it)
    if match is None or match["set"] not in names(site()):
        if rest_of_it.startswith("$"):
            raise unsupported(rest_of_it)
        raise missing(rest_of_it)
    name, key, rest = match["set"], match["key"], match["rest"] or ""
    if key is None and rest not in ("", "/$count"):
        raise missing(rest_of_it)
    if key is not None and rest:
        raise unsupported("property paths")
    options = Options(request, _language(viewer, {**request.args, **given}))
    reading = _Reading(viewer, name, options, own)
    if key is not None:
        return reading.entity(key)
    return reading.number() if rest else reading.page()


def _service(options: Options, own: str) -> Response:
    context = {} if options.format.metadata == "none" else {"@odata.context": f"{_root(own)}$metadata"}
    return _json(service_document(_types(), context, options.language), options)


def _describe(language: Language) -> Response:
    return Response(metadata(_types(), language), content_type=f"{XML};charset=utf-8")


@odata.after_request
def _finish(response: Response) -> Response:
    response.headers.update(VERSION)
    if "gzip" in request.headers.get("Accept-Encoding", "") and not response.direct_passthrough:
        content = response.get_data()
        if len(content) >= _WORTH_DEFLATING:
            response.set_data(igzip.compress(content, 1))
            response.headers["Content-Encoding"] = "gzip"
        response.headers["Vary"] = "Accept-Encoding"
    return response


class _Reading:
    """One request for rows of one entity set."""

    def __init__(self, viewer: Viewer, name: str, options: Options, own: str) -> None:
        self.viewer = viewer
        self.root = _root(own)
        self.name = name
        self.options = options
        try:
            with site().session(read_only=True) as session:
                self.feed = feed_from(session, site(), name, {**options.given, **options_in(own)}, options.language)
        except FeedError as error:
            raise wrong(error.message.zh, error.message.en, error.option) from error
        asked = [viewer.user_id, name, options.filter, options.orderby, self.feed.options()]
        self.asked = orjson.dumps(asked).decode()

    def page(self) -> Response:
        options, key = self.options, site().derived_key("odata")
        position = Position.opened(options.skiptoken, key, self.asked) if options.skiptoken else None
        as_of = position.as_of if position else self.feed.instant(site().zone)
        snapshot = self._snapshot(as_of)
        result = self._result(snapshot)
        start = _place(result, snapshot.entities, position) if position else options.skip
        left = position.left if position else options.top
        rows = result[start : start + (options.page if left is None else min(options.page, left))]
        taken = start + len(rows)
        if position is None and options.top != 0:
            self._note(len(result) if options.top is None else min(len(result), options.top))
        body = self._context(options.select())
        if options.count:
            body["@odata.count"] = str(len(result)) if options.format.numbers_as_text else len(result)
        body["value"] = self._written(snapshot.entities, rows)
        left = None if left is None else left - len(rows)
        if rows and taken < len(result) and left != 0:
            after = snapshot.entities.keys[rows[-1]]
            token = Position(as_of=as_of, taken=taken, left=left, after=after).sealed(key, self.asked)
            body["@odata.nextLink"] = self._address({**options.following(), "$skiptoken": token})
        response = _json(body, options)
        if options.preferred is not None:
            response.headers["Preference-Applied"] = f"odata.maxpagesize={options.page}"
        return response

    def number(self) -> Response:
        """How many entities there are, as text."""
        count = len(self._result(self._snapshot(self.feed.instant(site().zone))))
        return Response(str(count), content_type="text/plain;charset=utf-8")

    def entity(self, key: str) -> Response:
        match = _KEY.fullmatch(key.strip())
        if match is None:
            raise wrong(f"键应写作 ('…')：{key}", f"A key is written ('…'): {key}", KEY.name)
        entities = self._snapshot(self.feed.instant(site().zone)).entities
        wanted = match[1].replace("''", "'")
        if wanted not in entities.keys:
            raise missing(f"{self.name}({key})")
        self._note(1)
        found = self._written(entities, [entities.keys.index(wanted)])[0]
        return _json({**self._context(self.options.select(), "/$entity"), **found}, self.options)

    def _snapshot(self, as_of: datetime) -> Snapshot:
        """The rows as of an instant: those already held, else loaded, no more of them than $filter needs."""
        held = cast(Snapshots, current_app.extensions["odata_snapshots"])
        tree, anchor, who = self.options.condition, definition_of(site(), self.name).anchor, self.viewer
        column = anchor.column if anchor else None
        days = anchored_days(tree, column, site().zone) if tree is not None and column else (None, None)
        place = (who.user_id, who.roles, who.station, who.region, self.feed, as_of, days)
        found = held.get(place)
        if found is not None:
            return found
        with site().session(read_only=True) as session:
            dataset = load_feed(session, site(), who, self.feed, as_of=as_of, first=days[0], last=days[1])
        snapshot = Snapshot(Entities(dataset, site().zone))
        held.put(place, snapshot)
        return snapshot

    def _result(self, snapshot: Snapshot) -> Sequence[int]:
        """The rows that $filter leaves, in the order of $orderby."""

        def choose() -> Sequence[int]:
            compiler = Compiler(snapshot.entities)
            rows: Sequence[int] = range(len(snapshot.entities))
            condition = self.options.condition
            holds = compiler.condition(condition) if condition is not None else None
            terms = [(compiler.term(tree), descending) for tree, descending in self.options.order]
            compiler.refuse_endless()
            if holds is not None:
                rows = [row for row in rows if holds(row) is True]
            return ordered(rows, terms) if terms else rows

        return snapshot.result((self.options.filter, self.options.orderby), choose)

    def _note(self, rows: int) -> None:
        with site().session() as session:
            site().note(session, self.viewer, "exported", f"dataset:{self.name}", format="odata", rows=rows)

    def _context(self, selected: Sequence[str], suffix: str = "") -> dict[str, Any]:
        if self.options.format.metadata == "none":
            return {}
        columns = f"({','.join(selected)})" if selected else ""
        return {"@odata.context": f"{self.root}$metadata#{self.name}{columns}{suffix}"}

    def _address(self, options: Mapping[str, str]) -> str:
        return f"{self.root}{self.name}?{urlencode(options, quote_via=quote, safe='$')}"

    def _written(self, entities: Entities, rows: Sequence[int]) -> list[dict[str, Any]]:
        """*rows* as JSON objects of the properties selected."""
        form = self.options.format
        chosen = _chosen(entities.type, self.options.select())
        values = [(name, entities.written(name, numbers_as_text=form.numbers_as_text)) for name in chosen]
        if form.metadata != "full":
            return [{name: at(row) for name, at in values} for row in rows]
        found = []
        for row in rows:
            key = quote(entities.keys[row].replace("'", "''"), safe="")
            entity: dict[str, Any] = {"@odata.type": f"#{NAMESPACE}.{self.name}", "@odata.id": f"{self.name}('{key}')"}
            for name, at in values:
                column = entities.type.property(name)
                if column is not None and column.type not in ("text", "boolean"):
                    entity[f"{name}@odata.type"] = "#" + EDM[column.type].removeprefix("Edm.")
                entity[name] = at(row)
            found.append(entity)
        return found


def _chosen(entity: EntityType, selected: Sequence[str]) -> list[str]:
    for name in selected:
        if entity.property(name) is None:
            raise wrong(f"$select：没有列“{name}”。", f"$select: there is no column {name!r}.", name)
    return list(selected) or [column.name for column in entity.properties]


def _place(result: Sequence[int], entities: Entities, position: Position) -> int:
    """Where the page after *position* begins; by the key of its last row, should the rows have been read anew."""
    if 0 < position.taken <= len(result) and entities.keys[result[position.taken - 1]] == position.after:
        return position.taken
    found = next((n for n, row in enumerate(result) if entities.keys[row] == position.after), None)
    return position.taken if found is None else found + 1


def _types() -> list[EntityType]:
    return [EntityType.of(definition_of(site(), name)) for name in names(site())]


def _language(viewer: Viewer, given: Mapping[str, str]) -> Language:
    """`lang`, else that of the reader's account: Excel's own language is not what its owner's workbooks are in."""
    asked = given.get("lang") or viewer.language
    return "zh" if asked.startswith("zh") else "en"


def _root(own: str) -> str:
    return service_address(own_address(), options_in(own))


def _json(body: dict[str, Any], options: Options) -> Response:
    return Response(orjson.dumps(body, default=plain_number), content_type=options.format.content_type)
