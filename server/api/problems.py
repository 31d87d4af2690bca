"""What is wrong with a request, as RFC 9457 problem documents."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flask import Response, g, json, request
from werkzeug.datastructures import LanguageAccept

from workbooks.form import Language, Text

MEDIA_TYPE = "application/problem+json"
TYPES = "/api/v1/docs#problem-"
"""A problem's type is the address of its explanation, which ends in its slug."""


class Problem(Exception):
    """
    A request that cannot be served; the response names *kind* and says what to do.

    *kind* is a slug of `CATALOGUE`; *members* are added to the document.
    """

    def __init__(
        self, kind: str, *, headers: Mapping[str, str] | None = None, detail: Text | None = None, **members: Any
    ) -> None:
        super().__init__(kind)
        self.kind = kind
        self.headers = dict(headers or {})
        self.detail = detail
        self.members = members

    def response(self) -> Response:
        status, title, detail = CATALOGUE[self.kind]
        detail = self.detail or detail
        language = wanted_language()
        body: dict[str, Any] = {
            "type": TYPES + self.kind,
            "slug": self.kind,
            "title": title[language],
            "status": int(status),
            "detail": detail[language],
            "messages": {"zh": f"{title.zh}：{detail.zh}", "en": f"{title.en}: {detail.en}"},
            "request_id": g.get("request_id"),
        }
        answer = Response(json.dumps(body | self.members, ensure_ascii=False), status=status, content_type=MEDIA_TYPE)
        answer.headers.update(self.headers)
        return answer


def asked_language() -> Language | None:
    """`?lang=`, else what the Accept-Language header names of Chinese and English; None when neither is asked for."""
    asked = request.args.get("lang")
    if not asked:
        named = LanguageAccept([(name, quality) for name, quality in request.accept_languages if name != "*"])
        asked = named.best_match(["zh", "zh-CN", "en"])
    if not asked:
        return None
    return "zh" if asked.startswith("zh") else "en"


def wanted_language() -> Language:
    """`?lang=` or the Accept-Language header; English when neither says Chinese."""
    return asked_language() or "en"


CATALOGUE: Mapping[str, tuple[HTTPStatus, Text, Text]] = {
    "findings": (
        HTTPStatus.UNPROCESSABLE_ENTITY,
        Text("表单没有被接收", "The form was not accepted"),
        Text("请按 findings 逐项改正后重新提交。", "Correct what `findings` lists and send the workbook again."),
    ),
    "empty-body": (
        HTTPStatus.BAD_REQUEST,
        Text("没有收到文件", "No file arrived"),
        Text(
            "请把工作簿作为请求正文发送，或用 multipart/form-data 的 file 字段。",
            "Send the workbook as the request body, or as the field `file` of multipart/form-data.",
        ),
    ),
    "bad-request": (
        HTTPStatus.BAD_REQUEST,
        Text("请求无法理解", "The request cannot be understood"),
        Text("请对照接口文档检查参数。", "Compare the parameters with the documentation."),
    ),
    "unauthorized": (
        HTTPStatus.UNAUTHORIZED,
        Text("需要访问令牌", "An access token is needed"),
        Text(
            "请在请求头中加上 Authorization: Bearer <令牌>；令牌可在“账户”页申请，过期或撤销后须换新。",
            "Send the header `Authorization: Bearer <token>`; tokens are issued on the account page "
            "and may have expired or been revoked.",
        ),
    ),
    "forbidden": (
        HTTPStatus.FORBIDDEN,
        Text("令牌没有这项权限", "The token does not allow this"),
        Text("请换用带相应权限的令牌。", "Use a token with the scope this operation needs."),
    ),
    "not-found": (
        HTTPStatus.NOT_FOUND,
        Text("没有找到", "Not found"),
        Text("该内容不存在，或您无权查看。", "It does not exist, or is not open to you."),
    ),
    "method-not-allowed": (
        HTTPStatus.METHOD_NOT_ALLOWED,
        Text("此地址不支持该方法", "This address does not support the method"),
        Text("Allow 响应头列出了支持的方法。", "The header Allow lists the methods it supports."),
    ),
    "not-acceptable": (
        HTTPStatus.NOT_ACCEPTABLE,
        Text("没有这种格式", "This format is not offered"),
        Text("可用格式：json、csv、xlsx。", "The formats are json, csv and xlsx."),
    ),
    "still-running": (
        HTTPStatus.CONFLICT,
        Text("同一请求正在处理", "The same request is being worked on"),
        Text("请按 Retry-After 稍后再试。", "Try again after the time in Retry-After."),
    ),
    "key-reused": (
        HTTPStatus.UNPROCESSABLE_ENTITY,
        Text("Idempotency-Key 已用于另一个文件", "This Idempotency-Key belongs to another body"),
        Text("每次新的提交请换一个新的键。", "Make a new key for each new submission."),
    ),
    "too-large": (
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        Text("文件太大", "The file is too large"),
        Text(
            "请删除多余的工作表、图片和空白行列，保存后再提交。",
            "Remove extra sheets, pictures and empty rows or columns, save and send it again.",
        ),
    ),
    "not-refreshable": (
        HTTPStatus.UNPROCESSABLE_ENTITY,
        Text("工作簿不能刷新", "The workbook cannot be refreshed"),
        Text("原因见 detail；文件没有改动。", "The detail says why; nothing was changed."),
    ),
    "not-verifiable": (
        HTTPStatus.UNPROCESSABLE_ENTITY,
        Text("工作簿不能核对", "The workbook cannot be checked"),
        Text("原因见 detail。", "The detail says why."),
    ),
    "unsupported-media-type": (
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        Text("正文类型不对", "The body has the wrong type"),
        Text(
            "请以 application/octet-stream（或 .xlsx 的媒体类型）或 multipart/form-data 发送工作簿。",
            "Send the workbook as application/octet-stream (or the media type of .xlsx), or as multipart/form-data.",
        ),
    ),
    "too-many-requests": (
        HTTPStatus.TOO_MANY_REQUESTS,
        Text("请求太频繁", "Too many requests"),
        Text("请按 Retry-After 稍后再试。", "Try again after the time in Retry-After."),
    ),
    "internal-error": (
        HTTPStatus.INTERNAL_SERVER_ERROR,
        Text("服务器出错", "The server failed"),
        Text(
            "请稍后重试；若仍不行，请把 request_id 告诉管理员。",
            "Try again later; if it fails again, tell the administrator the request_id.",
        ),
    ),
}
