"""Text from a mail as both databases, a header and a page can take it."""

import unicodedata


def plain(text: str, length: int) -> str:
    """
    *text* in one line at most *length* characters long.

    Control and format characters go: a NUL stops PostgreSQL, half a surrogate pair stops
    every encoder, a line break forges a header, U+202E writes backwards.
    """
    kept = "".join(" " if c in "\r\n\t" else c for c in text[: 4 * length] if _shown(c) or c in "\r\n\t")
    return " ".join(unicodedata.normalize("NFC", kept).split())[:length].rstrip()


def paragraphs(text: str, length: int) -> str:
    """*text* like `plain`, with its line breaks."""
    kept = "".join(c for c in text[: 4 * length].replace("\r\n", "\n") if _shown(c) or c in "\n\t")
    return unicodedata.normalize("NFC", kept)[:length].strip()


def _shown(character: str) -> bool:
    return unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Cn")
