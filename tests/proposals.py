"""The forms of tests/data/paper as `aftersheet form new` writes them."""

from pathlib import Path

from tests.make_paper import PAPER
from workbooks.proposal import propose


def write_proposal(name: str, home: Path) -> Path:
    """The folder, below *home*, of what is proposed for the paper form *name*."""
    proposal = propose((PAPER / f"{name}.xlsx").read_bytes(), filename=f"{name}.xlsx")
    folder = home / proposal.form_id
    folder.mkdir()
    (folder / "form.yaml").write_text(proposal.definition, encoding="utf-8")
    (folder / "template.xlsx").write_bytes(proposal.template)
    return folder
