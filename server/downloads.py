"""Names of downloads: what people call a file, and a plain one for programs that know only ASCII."""

from urllib.parse import quote

_FORBIDDEN = frozenset('\\/:*?"<>|')


def disposition(filename: str, plain: str) -> str:
    """
    The Content-Disposition header (RFC 6266) that saves a download as *filename*.

    *plain* (ASCII) takes its place for programs that know only that, such as `curl -OJ`: a
    Chinese name without its Chinese characters would say nothing. Slashes and control
    characters never reach the header.
    """
    shown, plain = _clean(filename), _clean(plain.encode("ascii", "ignore").decode())
    if shown.isascii():
        return f'attachment; filename="{shown or plain}"'
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(shown, safe='')}"


def _clean(name: str) -> str:
    return "".join("_" if char in _FORBIDDEN or not char.isprintable() else char for char in name).strip(". ")
