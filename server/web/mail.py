"""Mail for the people who look after it: what came, what waits for a person, what left."""

from collections.abc import Callable
from functools import wraps
from pathlib import PurePath
from typing import ParamSpec

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from server.access.visibility import Viewer
from server.intake.mail import health, inbox, quarantine, review
from server.intake.mail.arrival import MailOutcome
from server.intake.mail.models import MailState
from server.intake.stations import UnknownStation
from server.records.store import NotFound
from server.web import mail_words, receipts
from server.web.context import site
from server.web.files import OCTETS, attachment
from server.web.language import t
from server.web.viewer import admins_only, login_required, signed_in
from workbooks.master import MasterRow

P = ParamSpec("P")
pages = Blueprint("mail", __name__)
PER_PAGE = 30
# As large as a row's number gets; a longer one is no address of ours.
_ONE = "/mail/<int(max=2147483647):mail_id>"
_REPLY = "/mail/replies/<int(max=2147483647):reply_id>"


def keepers_only(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
    """For administrators and managers; for all others the page does not exist."""

    @wraps(view)
    def checked(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        if not inbox.may_keep(signed_in()):
            abort(404)
        return view(*args, **kwargs)

    return login_required(checked)


def _found(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
    """What is not there, or not theirs, is a page that does not exist."""

    @wraps(view)
    def checked(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        try:
            return view(*args, **kwargs)
        except NotFound:
            abort(404)

    return checked


@pages.context_processor
def _words() -> dict[str, object]:
    return {"words": mail_words}


@pages.get("/mail")
@keepers_only
def show() -> str:
    viewer, page = signed_in(), max(1, request.args.get("page", 1, type=int))
    asked = {name: value for name in ("state", "q") if (value := request.args.get(name))}
    with site().session(read_only=True) as session:
        overview = health.overview(session, site().settings.mail)
        rows, total = inbox.mails(
            session, viewer, state=asked.get("state", ""), text=asked.get("q", ""), page=page, per_page=PER_PAGE
        )
    return render_template(
        "mail.html",
        overview=overview,
        settings=site().settings.mail,
        mails=rows,
        stations=_labels(),
        asked=asked,
        total=total,
        page=page,
        pages=max(1, -(-total // PER_PAGE)),
    )


@pages.get("/mail/review")
@keepers_only
def waiting() -> str:
    """Mails whose sender nobody has proven."""
    viewer = signed_in()
    with site().session(read_only=True) as session:
        overview = health.overview(session, site().settings.mail)
        held = review.held(session, viewer)
    return render_template(
        "mail_review.html", overview=overview, held=held, reach=_reach(viewer), definitions=site().definitions
    )


@pages.get("/mail/quarantine")
@admins_only
def quarantined() -> str:
    with site().session(read_only=True) as session:
        overview = health.overview(session, site().settings.mail)
        mails = quarantine.quarantined(session, signed_in())
    return render_template("mail_quarantine.html", overview=overview, mails=mails)


@pages.get("/mail/outgoing")
@admins_only
def outgoing() -> str:
    page = max(1, request.args.get("page", 1, type=int))
    asked = {"state": value} if (value := request.args.get("state")) else {}
    with site().session(read_only=True) as session:
        overview = health.overview(session, site().settings.mail)
        replies, total = inbox.replies(session, signed_in(), state=asked.get("state", ""), page=page, per_page=PER_PAGE)
    return render_template(
        "mail_outgoing.html",
        overview=overview,
        settings=site().settings.mail,
        replies=replies,
        asked=asked,
        total=total,
        page=page,
        pages=max(1, -(-total // PER_PAGE)),
    )


@pages.get(_ONE)
@keepers_only
@_found
def message(mail_id: int) -> str:
    """One mail beside its submissions and the reply that left."""
    viewer = signed_in()
    view = inbox.mail(site(), viewer, mail_id)
    held = None
    if view.mail.state == MailState.REVIEW:
        with site().session(read_only=True) as session:
            held = review.held_mail(session, viewer, mail_id)
    return render_template(
        "mail_message.html",
        view=view,
        held=held,
        reach=_reach(viewer),
        stations=_labels(),
        definitions=site().definitions,
        receipts={
            book.position: receipts.of_row(book.submission, site().definitions)
            for book in view.workbooks
            if book.submission is not None
        },
    )


@pages.get(f"{_ONE}/raw")
@keepers_only
@_found
def raw(mail_id: int) -> Response:
    """The mail as it came, as a download; nothing here opens it."""
    name = f"mail-{mail_id}.eml"
    return attachment(inbox.raw(site(), signed_in(), mail_id), name, OCTETS, name)


@pages.get(f"{_ONE}/workbooks/<int(max=9999):position>")
@keepers_only
@_found
def workbook(mail_id: int, position: int) -> Response:
    """A workbook as it came: whoever vouches for it wants to look into it first."""
    filename, content = inbox.workbook(site(), signed_in(), mail_id, position)
    return attachment(content, filename, OCTETS, f"mail-{mail_id}-{position}{PurePath(filename).suffix}")


@pages.post(f"{_ONE}/release")
@keepers_only
@_found
def release(mail_id: int) -> ResponseReturnValue:
    """Store what waits as coming from the station a person names."""
    station = request.form.get("station", "")
    try:
        outcome = review.release(site(), mail_id, station=station, by=signed_in())
    except UnknownStation:
        flash(t("Choose the station that sent it."), "warn")
        return redirect(url_for("mail.message", mail_id=mail_id))
    _tell(outcome)
    return redirect(url_for("mail.message", mail_id=mail_id))


@pages.post(f"{_ONE}/refuse")
@keepers_only
@_found
def refuse(mail_id: int) -> ResponseReturnValue:
    review.refuse(site(), mail_id, by=signed_in())
    flash(t("Refused: nothing is stored, and nobody is told."), "ok")
    return redirect(url_for("mail.waiting"))


@pages.post(f"{_ONE}/retry")
@admins_only
@_found
def retry(mail_id: int) -> ResponseReturnValue:
    _tell(quarantine.retry(site(), mail_id, by=signed_in()))
    return redirect(url_for("mail.message", mail_id=mail_id))


@pages.post(f"{_ONE}/discard")
@admins_only
@_found
def discard(mail_id: int) -> ResponseReturnValue:
    quarantine.discard(site(), mail_id, by=signed_in())
    flash(t("Put away; the mail itself is kept."), "ok")
    return redirect(url_for("mail.quarantined"))


@pages.get(f"{_REPLY}.eml")
@keepers_only
@_found
def reply(reply_id: int) -> Response:
    """A reply as it left, as a download."""
    content = inbox.reply_as_sent(site(), signed_in(), reply_id)
    return attachment(content, f"reply-{reply_id}.eml", OCTETS, f"reply-{reply_id}.eml")


@pages.post(f"{_REPLY}/resend")
@admins_only
@_found
def resend(reply_id: int) -> ResponseReturnValue:
    inbox.resend(site(), reply_id, by=signed_in())
    flash(t("Queued again; it leaves with the next round."), "ok")
    return redirect(url_for("mail.outgoing"))


def _tell(outcome: MailOutcome) -> None:
    """What a decision has led to, on the next page."""
    if outcome.state is MailState.DONE:
        accepted = sum(receipt.accepted for receipt in outcome.receipts)
        flash(t("{n} stored, {m} sent back.", n=accepted, m=len(outcome.receipts) - accepted), "ok")
    elif outcome.state in (MailState.NEW, MailState.QUARANTINED):
        flash(t("It could not be processed again: {error}", error=outcome.error or outcome.reason), "warn")
    else:
        flash(t("Processed."), "ok")


def _labels() -> dict[str, MasterRow]:
    with site().session(read_only=True) as session:
        return {row.code: row for row in site().master(session, retired=True).rows("stations")}


def _reach(viewer: Viewer) -> list[MasterRow]:
    """The stations *viewer* may vouch for."""
    with site().session(read_only=True) as session:
        rows = site().master(session).rows("stations")
    return [row for row in rows if viewer.admin or viewer.region in (None, row.attributes["region"])]
