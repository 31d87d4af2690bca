"""The one exception that says why a message is not read."""

from typing import Literal

Slug = Literal["too-large", "too-many-parts", "too-deep", "header-too-long", "unreadable"]


class MessageRefused(Exception):
    """
    A message that is not read any further: *slug* says why, *detail* holds the figure or cause in English.

    The raw message is untouched and can be tried again.
    """

    def __init__(self, slug: Slug, detail: str = "") -> None:
        super().__init__(slug, detail)
        self.slug: Slug = slug
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.slug}: {self.detail}" if self.detail else self.slug
