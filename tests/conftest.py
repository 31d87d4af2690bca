"""What all tests share: programs that may be missing are a reason to skip, except in CI."""

import os
import shutil
from collections.abc import Callable

import pytest


def _missing(program: str) -> None:
    reason = f"{program} is not installed"
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(f"{reason}; CI must install it (.ci/run)")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def require_program() -> Callable[..., str]:
    """`require_program("soffice", "libreoffice")` is the path of the first one found; skips, or fails in CI."""

    def require(*names: str) -> str:
        for name in names:
            if path := shutil.which(name):
                return path
        _missing(" or ".join(names))
        raise AssertionError  # not reached: skip and fail raise

    return require
