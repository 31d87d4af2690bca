"""What several of these tests share: one LibreOffice for the whole session."""

import subprocess
from collections.abc import Callable, Iterator

import pytest

from tests.libreoffice import Office, running


@pytest.fixture(scope="session")
def office(require_program: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """One LibreOffice for all tests of the session."""
    soffice = require_program("soffice", "libreoffice")
    if subprocess.run(["/usr/bin/python3", "-c", "import uno"], capture_output=True, check=False).returncode:
        require_program("python3-uno")
    with running(soffice, tmp_path_factory.mktemp("office")) as started:
        yield started
