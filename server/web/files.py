"""Downloads: always attachments, with names people recognise."""

from flask import Response

from server.downloads import disposition

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

OCTETS = "application/octet-stream"  # whatever it is, no browser opens it


def workbook(content: bytes, name: str, plain: str) -> Response:
    """*content* as a download called *name*.xlsx; *plain* is for programs that know only ASCII."""
    return attachment(content, f"{name}.xlsx", XLSX, f"{plain}.xlsx")


def attachment(content: bytes, filename: str, media_type: str, plain: str) -> Response:
    """*content* as a download called *filename*."""
    answer = Response(content, content_type=media_type)
    answer.headers["Content-Disposition"] = disposition(filename, plain)
    return answer
