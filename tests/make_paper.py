"""
Makes tests/data/paper: the drawings of tests/paper_forms.py, drawn and saved by LibreOffice.

    python -m tests.make_paper
"""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.libreoffice import running
from tests.paper_forms import DRAWINGS

PAPER = Path(__file__).with_name("data") / "paper"

_NOTICE = """# Where these files are from

Forms as companies draw them to be printed, made by `python -m tests.make_paper`: drawn by LibreOffice 7.4 through
its API as tests/paper_forms.py says, and saved by it. No file comes from a customer or from the network; the company
does not exist.
"""


def main() -> None:
    soffice = shutil.which("soffice")
    if soffice is None:
        raise SystemExit("soffice is not installed")
    PAPER.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as folder, running(soffice, Path(folder)) as office:
        for name, drawing in DRAWINGS.items():
            office("draw", drawing)
            office("save", PAPER / f"{name}.xlsx")
    (PAPER / "NOTICE.md").write_text(_NOTICE, encoding="utf-8")


if __name__ == "__main__":
    main()
