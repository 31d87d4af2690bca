"""Mail as part of a running server: every mailbox watched, every reply sent, from start to stop."""

from collections.abc import Iterator
from contextlib import contextmanager

from server.intake.mail.replies import compose
from server.intake.mail.watching import Sender, Watcher
from server.site import Site


@contextmanager
def mail_at_work(site: Site, *, fetch: bool = True) -> Iterator[None]:
    """
    Fetch from the mailboxes that are set and send what is due while the block runs.

    Without mailboxes nothing is fetched, without [mail.smtp] nothing is sent; without
    *fetch* replies are sent only.
    """
    mail = site.settings.mail
    sender = Sender(site, compose) if mail.smtp else None
    wake = sender.wake if sender else lambda: None
    watchers = [Watcher(site, mailbox, replied=wake) for mailbox in mail.mailboxes] if fetch else []
    workers: list[Watcher | Sender] = [*watchers, *([sender] if sender else [])]
    for worker in workers:
        worker.start()
    try:
        yield
    finally:
        for worker in workers:
            worker.stop()
        for worker in workers:
            worker.join()
