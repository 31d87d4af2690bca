"""The API over HTTP, as the desk needs it: plain urllib, a token, time limits, and no redirects."""

import json
import time
from collections.abc import Mapping
from datetime import date, datetime
from http.client import HTTPException
from typing import IO, Any
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import HTTPRedirectHandler, OpenerDirector, ProxyHandler, Request, build_opener

from server.desk.settings import DeskSettings, is_this_computer
from workbooks.dataset import Column, Dataset
from workbooks.desk import Answer, DeskError, Remark
from workbooks.form import Text

TIMEOUT = 60.0  # seconds without a byte
_WHOLE = 300.0  # seconds for one answer
_LARGEST = 256 << 20  # bytes of one answer
_PIECE = 1 << 20
_WORKBOOK = "application/octet-stream"
_SENT_BACK = Text("退回改正", "Sent back")
_AT_WORK, _TOO_LARGE = 409, 413
_LATER = frozenset({408, _AT_WORK, 425, 429})


class NoConnection(DeskError):
    """The server cannot be reached at all."""


class NotAnswered(DeskError):
    """
    The server was reached but gave no answer to the request: it may be sent again as it is.

    *at_work* when it is busy with the same request, whose answer will be there in a moment.
    """

    def __init__(self, message: Text, *, at_work: bool = False) -> None:
        super().__init__(message)
        self.at_work = at_work


class NotSignedIn(DeskError):
    """The token is not accepted, or (*known*) does not allow this."""

    def __init__(self, message: Text, *, known: bool = False) -> None:
        super().__init__(message)
        self.known = known


class TurnedDown(DeskError):
    """The server will not take the request as it is, however often it is sent."""


class Client:
    """One server, with one person's token."""

    def __init__(self, settings: DeskSettings, *, timeout: float = TIMEOUT) -> None:
        self._settings = settings.needed()
        self._timeout = timeout
        self._opener = _opener(self._settings.server)

    def submit(self, content: bytes, filename: str, key: str) -> Answer:
        """
        Send a workbook: the receipt, also of one with mistakes.

        Raises:
            NoConnection, NotAnswered: Try again later, with the same *key*.
            NotSignedIn, TurnedDown: Somebody has to do something first.
        """
        headers = {"Idempotency-Key": key, "Content-Type": _WORKBOOK}
        status, body = self._ask(f"/submissions?{urlencode({'filename': filename})}", content, headers)
        receipt = _object(body)
        if (status in (200, 201) and "outcome" in receipt) or receipt.get("slug") == "findings":
            try:
                return _answer(receipt)
            except (KeyError, TypeError, ValueError) as error:
                raise NotAnswered(_strange(self._settings.server, status)) from error
        raise self._problem(status, receipt)

    def datasets(self) -> tuple[str, ...]:
        """The names of the datasets there are."""
        found = self._read("/datasets").get("datasets", ())
        return tuple(str(each["name"]) for each in found)

    def dataset(self, name: str) -> Dataset:
        """The rows of one dataset, as they are now."""
        found = self._read(f"/datasets/{quote(name, safe='')}?format=json")
        try:
            return _dataset(found)
        except (KeyError, TypeError, ValueError) as error:
            raise NotAnswered(_strange(self._settings.server, 200)) from error

    def record(self, number: str) -> Mapping[str, Any] | None:
        """A record as the server has it; None when it is unknown or not open to the token's owner."""
        try:
            return self._read(f"/records/{quote(number, safe='')}")
        except _Missing:
            return None

    def forms(self) -> Mapping[str, str]:
        """The version in use of each form."""
        return {str(form["form_id"]): str(form["version"]) for form in self._read("/templates").get("templates", ())}

    def _read(self, path: str) -> dict[str, Any]:
        status, body = self._ask(path, None, {})
        found = _object(body)
        if status == 200 and found:
            return found
        raise self._problem(status, found)

    def _ask(self, path: str, content: bytes | None, headers: Mapping[str, str]) -> tuple[int, bytes]:
        request = Request(  # noqa: S310  an address that is http or https: `address` has seen to it
            f"{self._settings.server}/api/v1{path}",
            data=content,
            headers={
                **headers,
                "Authorization": f"Bearer {self._settings.token}",
                "Accept": "application/json, application/problem+json",
                "Accept-Language": "zh" if self._settings.language == "zh" else "en",
                "User-Agent": "aftersheet-desk",
            },
            method="GET" if content is None else "POST",
        )
        try:
            return self._exchange(request)
        except (OSError, HTTPException) as error:  # URLError and time-outs are OSErrors
            reason = getattr(error, "reason", None) or error
            raise NoConnection(
                Text(
                    f"连不上服务器 {self._settings.server}（{reason}）。请检查网络。",
                    f"The server {self._settings.server} cannot be reached ({reason}). Check the network.",
                )
            ) from error

    def _exchange(self, request: Request) -> tuple[int, bytes]:
        try:
            with self._opener.open(request, timeout=self._timeout) as answer:
                return answer.status, _body(answer)
        except HTTPError as error:  # every status but 2xx
            with error:
                return error.code, _body(error)

    def _problem(self, status: int, body: Mapping[str, Any]) -> DeskError:
        words = body.get("messages")
        told = (
            Text(str(words.get("zh", "")), str(words.get("en", "")))
            if isinstance(words, Mapping)
            else _strange(self._settings.server, status)
        )
        slug = body.get("slug")
        if status == 404 and slug == "not-found":
            return _Missing(told)
        if status in (401, 403) and slug in ("unauthorized", "forbidden"):
            return NotSignedIn(
                Text(
                    f"{told.zh}换令牌：aftersheet desk sign-in。", f"{told.en} For a new one: aftersheet desk sign-in."
                ),
                known=slug == "forbidden",
            )
        if status != _TOO_LARGE and (slug is None or status in _LATER or status >= 500):
            # Without a slug it is not our server: a proxy, a sign-in page of the network. That is no answer.
            return NotAnswered(told, at_work=status == _AT_WORK)
        return TurnedDown(told)


class _Missing(TurnedDown):
    """There is no such thing."""


class _NoRedirects(HTTPRedirectHandler):
    """A redirect would carry the token to another address."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> Request | None:
        return None


def _opener(server: str) -> OpenerDirector:
    # The system's proxy is for the network; it has no way to this computer.
    return build_opener(_NoRedirects, *([ProxyHandler({})] if is_this_computer(server) else []))


def _body(answer: Any) -> bytes:
    pieces: list[bytes] = []
    size, end = 0, time.monotonic() + _WHOLE
    while piece := answer.read(_PIECE):
        pieces.append(piece)
        size += len(piece)
        if size > _LARGEST or time.monotonic() > end:
            raise OSError("the answer is too large or too slow")
    return b"".join(pieces)


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _strange(server: str, status: int) -> Text:
    return Text(
        f"{server} 的回答（{status}）不是 Aftersheet 的。请核对服务器地址和网络（代理、登录页）。",
        f"What {server} answered ({status}) is not Aftersheet's. Check the server's address and the network "
        "(proxy, sign-in page).",
    )


def _answer(receipt: Mapping[str, Any]) -> Answer:
    accepted, outcome = receipt["outcome"] != "rejected", _text(receipt["outcome_text"])
    at = datetime.fromisoformat(str(receipt["received_at"]).replace("Z", "+00:00"))
    revision = receipt.get("revision")
    return Answer(
        accepted=accepted,
        outcome=outcome,
        state=_text_or_none(receipt.get("state_text")) or (outcome if accepted else _SENT_BACK),
        received_at=at.astimezone().replace(tzinfo=None),
        number=str(receipt["record_number"]) if receipt.get("record_number") else None,
        revision=int(revision) if revision is not None else None,
        form_title=_text_or_none(receipt.get("form_title") if "slug" in receipt else receipt.get("title")),
        next_step=_text_or_none(receipt.get("next_step")),
        remarks=tuple(_remark(finding) for finding in receipt.get("findings", ())),
    )


def _remark(finding: Mapping[str, Any]) -> Remark:
    return Remark(
        what=_text(finding["what"]),
        fix=_text(finding["fix"]),
        error=finding["severity"] == "error",
        sheet=str(finding.get("sheet") or ""),
        cell=str(finding.get("cell") or ""),
        label=_text_or_none(finding.get("label")),
    )


def _text(both: Any) -> Text:
    return Text(str(both["zh"]), str(both["en"]))


def _text_or_none(both: Any) -> Text | None:
    return _text(both) if both else None


def _dataset(found: Mapping[str, Any]) -> Dataset:
    columns = tuple(Column(str(c["name"]), _text(c["label"]), c["type"]) for c in found["columns"])
    rows = found["rows"]
    as_of = datetime.fromisoformat(str(found["as_of"]).replace("Z", "+00:00"))
    return Dataset(
        name=str(found["name"]),
        title=_text(found["title"]),
        columns=columns,
        data=tuple([_value(row.get(column.name), column.type) for row in rows] for column in columns),
        as_of=as_of.astimezone().replace(tzinfo=None),
        definition=_text(found["definition"]),
        filter=_text(found["filter"]),
    )


def _value(value: Any, kind: str) -> Any:
    if value is None or not isinstance(value, str):
        return value
    if kind == "datetime":
        return datetime.fromisoformat(value).replace(tzinfo=None)
    return date.fromisoformat(value) if kind == "date" else value
