"""Power cuts while a mail is taken in: nothing lost, no record twice, no reply twice."""

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import func, select

from server.intake.mail.arrival import process
from server.intake.mail.models import Mail, MailPlace, MailState, MailWorkbook
from server.records.audit import verify_audit
from server.records.models import Record, Submission
from server.site import Site
from tests.server.mail.posts import arrive, mail_of, post, replies, sealed

ROOT = Path(__file__).parents[3]
COUNTED = ("attempt counted", "parsed", "workbook read", "submissions written", "reply queued", "before commit")


def _killed(site: Site, point: str, file: Path) -> None:
    command = [sys.executable, "-m", "tests.server.mail.killed", str(site.settings.home)]
    killed = subprocess.run(
        [*command, site.settings.database_url, point, str(file)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert killed.returncode == -9, killed.stderr


@pytest.mark.parametrize("point", ["kept", "noted", *COUNTED, "committed"])
def test_mail_whose_intake_was_killed_is_taken_in_once(site: Site, tmp_path: Path, point: str):
    """The fetcher comes again: one mail, one place, one record, one reply, and a sound audit chain."""
    raw = post(sealed(site))
    file = tmp_path / "mail.eml"
    file.write_bytes(raw)
    _killed(site, point, file)
    with site.session(read_only=True) as session:
        survived = session.scalar(select(func.count()).select_from(Record))
    assert survived == (1 if point == "committed" else 0)
    assert (len(replies(site)), survived) in ((0, 0), (1, 1))

    mail_id = arrive(site, raw, uid=1)
    outcome = process(site, mail_id)

    assert (outcome.state, len(outcome.submissions), len(replies(site))) == (MailState.DONE, 1, 1)
    assert mail_of(site, mail_id).attempts == (2 if point in COUNTED else 1)
    with site.session(read_only=True) as session:
        for model in (Mail, MailPlace, MailWorkbook, Submission, Record):
            assert session.scalar(select(func.count()).select_from(model)) == 1
        assert verify_audit(session, site.audit_key).sound


def test_mail_that_kills_the_process_is_put_aside(site: Site, tmp_path: Path):
    """Three processes died over it: the fourth leaves it alone, and a retry starts from the beginning."""
    raw = post(sealed(site))
    file = tmp_path / "mail.eml"
    file.write_bytes(raw)
    for _ in range(3):
        _killed(site, "parsed", file)

    outcome = process(site, arrive(site, raw, uid=1))

    assert (outcome.state, outcome.reason) == (MailState.QUARANTINED, "attempts")
