"""Mail on the command line: saved mails, sealed templates, the mailbox commands; and the demo's letters."""

import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
from sqlalchemy import func, select

from server.access.people import create_user
from server.cli.demo_mail import demo_mail, show_mail, show_mail_places, surprises, take_mail
from server.demo import demo_master
from server.intake.mail.models import Mail
from server.settings import load_settings
from server.site import Site
from tests import make_letters
from tests.server.commands import Run, commands
from tests.server.mail.wire.imap_accounts import Pymap
from tests.server.mail.wire.ports import free_port
from workbooks.master_workbook import write_master
from workbooks.reader import read

DATA = Path(__file__).parents[1] / "data"
MAIL = DATA / "mail"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`run("mail", "check")` is the result of one command on an installation with the demo company's master data."""
    run_command = commands(tmp_path / "home", monkeypatch)
    path = tmp_path / "master.xlsx"
    path.write_bytes(write_master(demo_master(), "zh"))
    assert run_command("master", "import", path).exit_code == 0
    return run_command


@pytest.fixture
def pymap() -> Iterator[Pymap]:
    server = Pymap()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port of this machine at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def _settings(tmp_path: Path, text: str) -> None:
    (tmp_path / "home" / "settings.toml").write_text(text, encoding="utf-8")


@pytest.mark.parametrize("name", list(make_letters.LETTERS))
def test_the_saved_mails_are_as_they_are_made(name: str):
    """To the byte, also after a checkout on a machine with other line ends."""
    assert (MAIL / name).read_bytes() == make_letters.LETTERS[name]()


def test_a_saved_mail_waits_for_a_person(run: Run):
    """Its headers prove nothing; taken again it is the same mail. Names are right whatever program wrote them."""
    first, again = run("intake", MAIL / "foxmail_loan_slip.eml", "--json"), run("intake", MAIL, "--json")
    [mail] = json.loads(first.stdout)
    found = {entry["file"]: entry for entry in json.loads(again.stdout)}

    assert (first.exit_code, again.exit_code) == (1, 1)
    assert (mail["state"], mail["reason"], mail["submissions"]) == ("review", "unauthenticated", [])
    assert set(found) == set(make_letters.LETTERS)
    assert found["foxmail_loan_slip.eml"]["mail_id"] == mail["mail_id"]


def test_the_operator_vouches_for_a_station(run: Run):
    """Then the workbooks are stored, each with its own outcome, and listed like others."""
    good = json.loads(run("intake", MAIL / "foxmail_loan_slip.eml", "--station", "CD", "--json").stdout)[0]
    mixed = run("intake", MAIL / "qq_two_summaries.eml", "--station", "QD")
    unknown = run("intake", MAIL / "outlook_forwarded_survey.eml", "--station", "XX")

    assert [receipt["outcome"] for receipt in good["receipts"]] == ["recorded"]
    assert good["receipts"][0]["filename"] == "出差借料单（成都站）.xlsx"
    assert (mixed.exit_code, unknown.exit_code) == (1, 2)
    assert all(words in mixed.output for words in ("recorded", "rejected", "出差总结单-2.xlsx"))
    assert json.loads(run("records", "trip_loan", "--json").stdout)["total"] == 1


def test_a_folder_may_hold_both(run: Run, tmp_path: Path):
    """Workbooks first, then mails; each once, even when it is named beside its folder."""
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.xlsx").write_bytes((DATA / "good" / "trip_plan_shenzhen.xlsx").read_bytes())
    (folder / "b.EML").write_bytes((MAIL / "outlook_forwarded_survey.eml").read_bytes())
    (folder / "notes.txt").write_text("no form")
    found = json.loads(run("intake", folder, folder / "b.EML", "--json").stdout)

    assert [entry.get("filename") or entry["file"] for entry in found] == ["a.xlsx", "b.EML"]


def test_a_mail_that_cannot_be_read_costs_the_others_nothing(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """It is named, and the exit status tells."""
    for name in ("foxmail_loan_slip.eml", "qq_two_summaries.eml"):
        (tmp_path / name).write_bytes((MAIL / name).read_bytes())
    sound = Path.read_bytes

    def refusing(path: Path) -> bytes:
        if path.name == "foxmail_loan_slip.eml":
            raise PermissionError(13, "Permission denied", str(path))
        return sound(path)

    monkeypatch.setattr(Path, "read_bytes", refusing)
    result = run("intake", tmp_path / "foxmail_loan_slip.eml", tmp_path / "qq_two_summaries.eml", "--station", "QD")

    assert result.exit_code == 1
    assert "Permission denied" in result.stderr
    assert "qq_two_summaries.eml" in result.stdout


def test_a_failure_is_logged_without_what_people_wrote(run: Run, monkeypatch: pytest.MonkeyPatch):
    """Beside the answer for programs, not in it; no values of a stack frame, be they answers or passwords."""

    def failing(*_: object) -> None:
        answer = "客户的意见"
        raise ValueError(answer)

    monkeypatch.setattr("server.intake.mail.settling.settle", failing)
    result = run("intake", MAIL / "foxmail_loan_slip.eml", "--json")
    (logged,) = [json.loads(line) for line in result.stderr.splitlines() if line.startswith("{")]

    assert [entry["state"] for entry in json.loads(result.stdout)] == ["new"]
    assert (logged["event"], logged["attempt"]) == ("mail attempt failed", 1)
    assert "客户的意见" not in result.output


def test_a_template_for_a_station_is_sealed(run: Run, tmp_path: Path):
    """With the station and a seal in it; without --station there is neither."""
    sealed, plain = tmp_path / "sealed.xlsx", tmp_path / "plain.xlsx"
    result = run("template", "fracas", "--station", "SH", "--out", sealed)
    run("template", "fracas", "--out", plain)
    identities = [read(path.read_bytes()).identity for path in (sealed, plain)]

    assert [(found.station, bool(found.seal)) for found in identities] == [("SH", True), (None, False)]
    assert "issue" in result.stderr
    assert run("template", "fracas", "--station", "XX", "--out", sealed).exit_code == 2


def test_the_settings_in_the_documentation_are_taken(run: Run, tmp_path: Path):
    """Copied as they stand, with what is optional switched on."""
    text = (DATA.parents[1] / "docs" / "mail.md").read_text(encoding="utf-8")
    example = re.sub(r"^# ", "", text.split("```toml\n")[1].split("```")[0], flags=re.MULTILINE)
    (tmp_path / "home" / "forms.password").write_text("x")
    _settings(tmp_path, example)
    mail = load_settings().mail

    assert (mail.mailboxes[0].account, mail.smtp.from_name if mail.smtp else "") == ("forms", "售后表单")
    assert (mail.max_message_mb, mail.mailboxes[0].done_folder, mail.mailboxes[0].idle) == (30, "已处理", True)


def test_commands_without_a_mailbox_say_what_to_write(run: Run):
    """And where."""
    results = [run("mail", command) for command in ("check", "fetch", "watch")]

    assert {result.exit_code for result in results} == {1}
    assert all("mail.mailboxes" in result.output and "settings.toml" in result.output for result in results)


def test_check_says_which_step_failed(run: Run, tmp_path: Path, closed_port: int):
    """With a mark per step, in the language asked for; the exit status tells scripts."""
    _settings(
        tmp_path,
        f"""
        [[mail.mailboxes]]
        name = "forms"
        host = "127.0.0.1"
        port = {closed_port}
        security = "none"
        user = "forms@company.cn"
        password = "secret of the mailbox"
        """,
    )
    chinese, english = run("mail", "check"), run("mail", "check", "--lang", "en")

    assert (chinese.exit_code, english.exit_code) == (1, 1)
    assert "✗ forms 连接" in chinese.output
    assert "✗ forms connect" in english.output
    assert "secret of the mailbox" not in chinese.output


def test_fetch_names_the_mailbox_that_cannot_be_reached(run: Run, tmp_path: Path, closed_port: int):
    """And goes on to the next one."""
    box = f'host = "127.0.0.1"\nport = {closed_port}\nsecurity = "none"\nuser = "a@b.cn"\npassword = "x"\n'
    _settings(tmp_path, f'[[mail.mailboxes]]\nname = "one"\n{box}[[mail.mailboxes]]\nname = "two"\n{box}')
    both, other = run("mail", "fetch"), run("mail", "fetch", "--mailbox", "three")

    assert (both.exit_code, other.exit_code) == (1, 1)
    assert "✗ one" in both.output
    assert "✗ two" in both.output
    assert "three" in other.output


def test_the_demos_letters_arrive_and_are_answered(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Sealed ones are stored and answered over SMTP, the others wait; a second demo finds everything done."""
    settings = load_settings()
    for _ in range(2):
        with demo_mail(settings.home) as mail:
            site = Site.open(settings.model_copy(update={"mail": mail}))
            shown = take_mail(site, DATA)
            show_mail(shown)
            show_mail_places(site, "http://127.0.0.1:8600", shown)
            site.close()
    sent = [message_from_bytes(file.read_bytes(), policy=default) for file in (settings.home / "replies").iterdir()]
    said = capsys.readouterr().out

    assert surprises(shown) == []
    assert [each.view.mail.state for each in shown] == ["done", "done", "review", "review", "review"]
    assert sorted(message["To"] for message in sent) == [
        f"{station}@station.example" for station in ("cd", "qd", "qd", "sh", "wh")
    ]
    assert any("FR-" in str(part.get_filename()) for message in sent for part in message.walk())
    assert f"/mail/{shown[0].view.mail.id}" in said
    assert "/mail/review" in said


def test_a_server_that_is_told_to_end_finishes_what_it_is_at(run: Run, tmp_path: Path, pymap: Pymap):
    """systemd and docker say SIGTERM: no traceback, no mail half done, and the next start goes on from there."""
    account, mails = pymap.account(), 80
    account.put(*(b"From: a@b.cn\r\nMessage-ID: <%d@b.cn>\r\n\r\nno form" % n for n in range(mails)))
    _settings(
        tmp_path,
        f"""
        [[mail.mailboxes]]
        name = "forms"
        host = "127.0.0.1"
        port = {account.port}
        security = "none"
        user = "{account.user}"
        password = "{account.password}"
        """,
    )
    command = [sys.executable, "-c", "from server.cli import main; main()", "serve", "--port", str(free_port())]
    with closing(Site.open(load_settings())) as site:
        with site.session() as session:
            create_user(session, username="li", password="a long password 9", roles=["admin"])
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as serving:
            try:
                _wait_for(lambda: _states(site) != {})
                serving.send_signal(signal.SIGTERM)
                _, said = serving.communicate(timeout=20)
            finally:
                serving.kill()
        stopped = _states(site)
        fetched = run("mail", "fetch")

        assert (serving.returncode, "Traceback" in said) == (0, False)
        assert 0 < stopped["ignored"] < mails
        assert fetched.exit_code == 0
        assert _states(site) == {"ignored": mails}
    assert account.mails() == []


def _states(site: Site) -> dict[str, int]:
    with site.session(read_only=True) as session:
        return {state: n for state, n in session.execute(select(Mail.state, func.count()).group_by(Mail.state))}


def _wait_for(come: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not come():
        assert time.monotonic() < deadline
        time.sleep(0.05)
