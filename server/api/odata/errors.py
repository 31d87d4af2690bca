"""What is wrong with a request to the feed, in the form OData 4.0 prescribes (JSON Format, 19)."""

from collections.abc import Mapping
from http import HTTPStatus

from flask import Response, json
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from server.api.problems import CATALOGUE, Problem, wanted_language
from workbooks.form import Text

VERSION = {"OData-Version": "4.0"}
CHALLENGE = {"WWW-Authenticate": 'Basic realm="Aftersheet", charset="UTF-8"'}


class ODataError(Exception):
    """A request the feed cannot serve: *status*, a code for programs, a sentence for people, what it is about."""

    def __init__(
        self,
        status: HTTPStatus,
        code: str,
        message: Text,
        *,
        target: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message.en)
        self.status = status
        self.code = code
        self.message = message
        self.target = target
        self.headers = dict(headers or {})

    def response(self) -> Response:
        told = {"code": self.code, "message": self.message[wanted_language()]}
        if self.target:
            told["target"] = self.target
        body = json.dumps({"error": told}, ensure_ascii=False)
        answered = Response(body, status=self.status, content_type="application/json;odata.metadata=minimal")
        answered.headers.update(VERSION | self.headers)
        return answered


def wrong(zh: str, en: str, target: str = "") -> ODataError:
    """400: the request says something that cannot be."""
    return ODataError(HTTPStatus.BAD_REQUEST, "BadRequest", Text(zh, en), target=target)


def missing(what: str) -> ODataError:
    """404: there is no such resource."""
    return ODataError(HTTPStatus.NOT_FOUND, "NotFound", Text(f"没有“{what}”。", f"There is no {what!r}."), target=what)


def unsupported(what: str) -> ODataError:
    """501: OData has it, this service does not."""
    words = Text(f"本服务不支持 {what}。", f"This service does not support {what}.")
    return ODataError(HTTPStatus.NOT_IMPLEMENTED, "NotImplemented", words, target=what)


def is_told(error: Exception) -> bool:
    """Whether *error* is about the request, and no bug."""
    return isinstance(error, ODataError)


def answer(error: Exception) -> ResponseReturnValue:
    """The OData error for whatever was raised; a bug shows nothing of itself."""
    if isinstance(error, ODataError):
        return error.response()
    if isinstance(error, Problem):
        status, title, detail = CATALOGUE[error.kind]
        detail = error.detail or detail
        words = Text(f"{title.zh}：{detail.zh}", f"{title.en}: {detail.en}")
        return ODataError(status, error.kind, words, headers=error.headers).response()
    if isinstance(error, HTTPException) and error.code is not None and error.code < HTTPStatus.INTERNAL_SERVER_ERROR:
        if error.code < HTTPStatus.BAD_REQUEST:
            return error.get_response()
        status = HTTPStatus(error.code)
        kept = {name: value for name, value in error.get_headers() if name.lower() in ("allow", "retry-after")}
        words = Text(f"请求无法处理（{status}）。", f"The request cannot be served ({status}: {status.phrase}).")
        return ODataError(status, status.phrase.replace(" ", ""), words, headers=kept).response()
    words = Text("服务器内部错误。", "An error inside the server.")
    return ODataError(HTTPStatus.INTERNAL_SERVER_ERROR, "InternalError", words).response()
