"""
Mails with filled workbooks, from a mailbox to the queued reply, beside the plain download of the same mailbox.

    python benchmarks/mail.py [--messages 1000] [--json FILE]

The mailbox lies on a Dovecot of its own on this machine (as root, with Debian's
dovecot-imapd and openssl). Each mail carries a different fracas workbook on a sealed
template. The floor is imaplib: UID SEARCH and one FETCH of all bytes per mail. Aftersheet
also keeps the bytes on disk, reads and checks the workbook in a child process, stores
submission, record, audit and reply in one transaction and moves the mail away. Memory is
that of the process and its children, looked at after every tenth of the mails. Ends with
status 1 when a figure that Aftersheet promises is missed.
"""

import argparse
import imaplib
import itertools
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select

sys.path.insert(0, str(Path(__file__).parents[1]))  # the tests' Dovecot serves here as well

from intake import FORM, _failure, open_site

from server.access import seals
from server.access.visibility import Viewer
from server.demo import demo_master
from server.intake.mail.fetching import fetch_once
from server.intake.mail.models import Reply
from server.mail_settings import MailSettings
from server.records.models import Record
from server.site import Site
from tests.server.mail.wire import dovecot
from tests.server.mail.wire.imap_accounts import ImapAccount
from workbooks.library import library
from workbooks.master import Master
from workbooks.template import build_template

PER_SECOND = 30  # mails from mailbox to queued reply, at least
GROWTH = 1.15  # memory in the last three tenths of the mails against that in the first three, at most
SAMPLES = 10


def fill(account: ImapAccount, site: Site, master: Master, count: int) -> int:
    """Lay *count* mails into the mailbox, each with a failure of its own on a sealed template: their bytes in all."""
    definition, issued = library()[FORM], {}
    for station in (row.code for row in master.rows("stations")):
        with site.session() as session:
            _, issued[station] = seals.issue(
                session,
                site.seal_key,
                form_id=FORM,
                version=definition.version,
                station=station,
                by=Viewer.operator(),
            )
    size = 0
    with ProcessPoolExecutor(os.cpu_count(), initializer=_prepare, initargs=(issued,)) as builders:
        for done, raw in enumerate(builders.map(_mail, range(count), chunksize=10), start=1):
            account.put(raw)
            size += len(raw)
            if done % max(1, count // SAMPLES) == 0:
                print(f"{done} of {count} mails in the mailbox", file=sys.stderr)
    return size


def _prepare(issued: dict[str, str]) -> None:
    _prepared["seals"], _prepared["master"] = issued, demo_master()


_prepared: dict[str, Any] = {}  # in the processes that build the workbooks


def _mail(index: int) -> bytes:
    master: Master = _prepared["master"]
    values = _failure(master, index)
    station = str(values["station"])
    book = build_template(
        library()[FORM],
        master=master,
        values=values,
        instance_id=f"bench-{index:06d}",
        station=station,
        seal=_prepared["seals"][station],
    )
    mail = EmailMessage()
    mail["Authentication-Results"] = "mx.company.cn; dmarc=pass header.from=station.cn"
    mail["From"] = "维保站 <station@station.cn>"
    mail["To"] = "forms@company.cn"
    mail["Subject"] = f"故障报告 {index}"
    mail["Message-ID"] = f"<{index}@station.cn>"
    mail.set_content("您好，附件是故障报告，请查收。")
    mail.add_attachment(
        book, "application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet", filename=f"故障报告{index}.xlsx"
    )
    return mail.as_bytes()


def download(account: ImapAccount) -> float:
    """Seconds imaplib takes for the bytes of all mails."""
    start = time.perf_counter()
    client = imaplib.IMAP4("127.0.0.1", account.port)
    client.login(account.user, account.password)
    client.select("INBOX")
    for uid in client.uid("SEARCH", "ALL")[1][0].split():
        client.uid("FETCH", uid.decode(), "(BODY.PEEK[])")
    client.logout()
    return time.perf_counter() - start


def take_in(site: Site, count: int) -> tuple[float, list[float]]:
    """Seconds from the mailbox to the last queued reply, and the memory in MB on the way."""
    samples: list[float] = []
    replies = itertools.count(1)

    def replied() -> None:
        if (number := next(replies)) % max(1, count // SAMPLES) == 0:
            samples.append(memory())
            print(f"{number} of {count} mails, {samples[-1]:.0f} MB", file=sys.stderr)

    start = time.perf_counter()
    summary = fetch_once(site, site.settings.mail.mailboxes[0], replied=replied)
    seconds = time.perf_counter() - start
    assert summary.states == {"done": count}, summary
    with site.session(read_only=True) as session:
        for model in (Record, Reply):
            assert session.scalar(select(func.count()).select_from(model)) == count
    return seconds, samples


def memory() -> float:
    """Resident memory of this process and its children, in MB."""
    pages = 0
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (int(entry.name) == os.getpid() or _parent(entry) == os.getpid()):
            pages += int((entry / "statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _parent(process: Path) -> int:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except FileNotFoundError:  # it has just ended
        return 0


def measure(count: int) -> dict[str, Any]:
    """Both contenders over one mailbox; the download goes first, because ours empties it."""
    with tempfile.TemporaryDirectory(prefix="aftersheet-") as folder, _dovecot(Path(folder)) as server:
        account, master = server.account(), demo_master()
        with closing(open_site(Path(folder) / "home", master)) as site:
            mail = MailSettings.model_validate(
                {
                    "mailboxes": [account.settings(authserv_id="mx.company.cn")],
                    "domain": "company.cn",
                    "replies_per_10_minutes": count,
                    "replies_per_day": count,
                }
            )
            site.settings = site.settings.model_copy(update={"mail": mail})
            size = fill(account, site, master, count)
            floor = min(download(account) for _ in range(2))
            site.sandbox.run(len, [])  # the children are warm in a running server
            seconds, samples = take_in(site, count)
    early, late = samples[: SAMPLES * 3 // 10], samples[-SAMPLES * 3 // 10 :]
    return {
        "messages": count,
        "bytes": size // count,
        "floor": count / floor,
        "ours": count / seconds,
        "memory": samples,
        # Medians: a sample may fall on the moment in which one reading process takes over from another.
        "growth": statistics.median(late) / statistics.median(early),
    }


@contextmanager
def _dovecot(folder: Path) -> Iterator[dovecot.Dovecot]:
    if missing := dovecot.missing():
        raise SystemExit(f"{missing}; apt-get install dovecot-imapd dovecot-lmtpd")
    folder.chmod(0o755)
    place = folder / "dovecot"
    place.mkdir()
    server = dovecot.Dovecot(place)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def report(figures: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The promised figures: name, value, limit and whether it is kept."""
    rate, growth = round(figures["ours"], 1), round(figures["growth"], 2)
    return [
        {
            "figure": "mails per second from mailbox to queued reply",
            "value": rate,
            "limit": PER_SECOND,
            "kept": rate >= PER_SECOND,
        },
        {
            "figure": "memory in the last three tenths, times that in the first three",
            "value": growth,
            "limit": GROWTH,
            "kept": growth <= GROWTH,
        },
    ]


def show(figures: Mapping[str, Any], promises: list[dict[str, Any]]) -> None:
    console = Console()
    title = f"{figures['messages']} mails of {figures['bytes'] // 1000} kB with a fracas workbook each"
    table = Table("", "mails/s", "ms per mail", title=title)
    for name, key in (("plain download (imaplib)", "floor"), ("Aftersheet, to the queued reply", "ours")):
        table.add_row(name, f"{figures[key]:.1f}", f"{1000 / figures[key]:.1f}")
    console.print(table)
    console.print("memory on the way, MB: " + " ".join(f"{sample:.0f}" for sample in figures["memory"]))
    for promise in promises:
        verdict = "[green]kept[/green]" if promise["kept"] else "[red]missed[/red]"
        console.print(f"{promise['figure']}: {promise['value']} (promised {promise['limit']}) {verdict}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=1000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    figures = measure(options.messages)
    promises = report(figures)
    show(figures, promises)
    if options.json:
        options.json.write_text(json.dumps({"figures": figures, "promises": promises}, indent=2) + "\n")
    return 0 if all(promise["kept"] for promise in promises) else 1


if __name__ == "__main__":
    sys.exit(main())
