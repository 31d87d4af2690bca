"""$skiptoken: where the next page begins, signed, so that nobody pages through what they did not ask for."""

import base64
import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Self

import orjson

from server.api.odata.errors import wrong

_SEAL = 16  # bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """
    The end of a page.

    *as_of* is the instant of the first page, *taken* how many rows of the result lie behind,
    *left* how many more $top allows (None: all), *after* the key of the last row.
    """

    as_of: datetime
    taken: int
    left: int | None
    after: str

    def sealed(self, key: bytes, asked: str) -> str:
        """This position as a token that belongs to what was *asked*."""
        body = orjson.dumps([self.as_of.isoformat(), self.taken, self.left, self.after])
        return base64.urlsafe_b64encode(_seal(key, asked, body) + body).decode().rstrip("=")

    @classmethod
    def opened(cls, token: str, key: bytes, asked: str) -> Self:
        """
        The position in *token*.

        Raises:
            ODataError: It is not one of ours for what was *asked*.
        """
        try:
            raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
            if hmac.compare_digest(raw[:_SEAL], _seal(key, asked, raw[_SEAL:])):
                as_of, taken, left, after = orjson.loads(raw[_SEAL:])
                return cls(as_of=datetime.fromisoformat(as_of), taken=taken, left=left, after=after)
        except ValueError:
            pass
        raise wrong(
            "$skiptoken 无效：请从第一页重新读取。",
            "This $skiptoken does not belong to this request: begin again with the first page.",
            "$skiptoken",
        )


def _seal(key: bytes, asked: str, body: bytes) -> bytes:
    return hmac.digest(key, asked.encode() + b"\0" + body, "sha256")[:_SEAL]
