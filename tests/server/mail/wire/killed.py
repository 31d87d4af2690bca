"""Run by test_killed in processes of its own: fetches one mailbox or sends what is due, and is killed at a point."""

import os
import signal
from pathlib import Path

from server.intake.mail import arrival, fetching
from server.intake.mail.fetching import fetch_once
from server.intake.mail.mailbox import Mailbox
from server.intake.mail.replies import compose
from server.intake.mail.sending import _Sender, send_due
from server.intake.mail.smtp import Relay
from server.mail_settings import MailSettings
from server.records.originals import Originals
from server.settings import Settings
from server.site import Site
from tests.server.company import VISIT
from tests.server.conftest import SECRET

FETCHING = (
    "listed",
    "downloaded",
    "bytes kept",
    "noted",
    "attempts counted",
    "first processed",
    "all processed",
    "copied",
    "marked",
    "put away",
)
SENDING = ("claimed", "composed", "connected", "handing over", "handed over")


def _die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _then_die(owner: object, name: str, at_call: int = 1) -> None:
    sound = getattr(owner, name)
    calls = 0

    def dying(*arguments: object, **keywords: object) -> object:
        nonlocal calls
        result = sound(*arguments, **keywords)
        calls += 1
        if calls == at_call:
            _die()
        return result

    setattr(owner, name, dying)


def _after_command(command: str) -> None:
    sound = Mailbox._uid

    def dying(self: Mailbox, said: str, *arguments: object) -> list[object]:
        result = sound(self, said, *arguments)
        if said == command:
            _die()
        return result

    Mailbox._uid = dying  # type: ignore[method-assign]


def _die_over(words: bytes) -> None:
    sound = arrival._kept

    def dying(site: Site, sha256: str) -> bytes:
        raw = sound(site, sha256)
        if words in raw:
            _die()
        return raw

    arrival._kept = dying


def main(home: str, mail: str, point: str) -> None:
    settings = Settings(home=Path(home), secret_key=SECRET, mail=MailSettings.model_validate_json(mail))
    site = Site.open(settings, definitions={"visit": VISIT})
    match point:
        case "listed":
            _then_die(Mailbox, "recent")
        case "downloaded":
            _then_die(Mailbox, "raw", at_call=2)
        case "bytes kept":
            _then_die(Originals, "keep_many")
        case "noted":
            fetching.process_in_order = _die  # type: ignore[assignment]
        case "attempts counted":
            _then_die(arrival, "_opened")
        case "first processed":
            _then_die(arrival, "_finish")
        case "all processed":
            Mailbox.put_away = _die  # type: ignore[assignment, method-assign]
        case "copied":
            _after_command("COPY")
        case "marked":
            _after_command("STORE")
        case "put away":
            _then_die(Mailbox, "put_away")
        case "reading the deadly one":
            _die_over(b"deadly@station.cn")
        case "claimed":
            _then_die(_Sender, "claim")
        case "composed":
            _then_die(_Sender, "_content")
        case "connected":
            _then_die(Relay, "try_sender")
        case "handing over":
            _then_die(_Sender, "_handing_over")
        case "handed over":
            _then_die(Relay, "send")
    if point in SENDING:
        send_due(site, compose)
    else:
        fetch_once(site, settings.mail.mailboxes[0])
    _die()
