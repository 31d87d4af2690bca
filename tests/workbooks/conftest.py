"""What several of these tests share: one LibreOffice for the whole session."""

from collections.abc import Callable, Iterator

import pytest

from tests.libreoffice import Office, running_here


@pytest.fixture(scope="session")
def office(require_program: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """One LibreOffice for all tests of the session."""
    with running_here(require_program, tmp_path_factory.mktemp("office")) as started:
        yield started
