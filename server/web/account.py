"""One's own account: language, password, tokens for programs."""

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask import session as cookie
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from server.access import sign_ins
from server.access.people import AccountError, change_password, set_language
from server.access.tokens import SCOPES, issue_token, revoke_token, token_id_of, tokens_of
from server.web import live
from server.web.context import site
from server.web.language import LANGUAGES, local, t
from server.web.sign_in import inside
from server.web.viewer import current_viewer, go_on_as, login_required, signed_in, this_sign_in
from workbooks.form import Text

pages = Blueprint("account", __name__)
SCOPE_TEXT = {"submit": Text("提交", "Submit"), "read": Text("读取", "Read")}


@pages.get("/account")
@login_required
def show() -> str:
    return _page()


@pages.post("/language")
def language() -> ResponseReturnValue:
    """Switch the language of the pages, for visitors too; an account remembers it."""
    chosen = request.form.get("language", "")
    tongue = next((known for known in LANGUAGES if known == chosen), None)
    if tongue is None:
        abort(400)
    cookie["language"] = tongue
    if current_viewer() is not None:
        with site().session() as session:
            set_language(session, signed_in(), tongue)
    return redirect(inside(request.form.get("next")))


@pages.post("/account/password")
@login_required
def password() -> ResponseReturnValue:
    """A new password; sessions on other devices end."""
    form = request.form
    if form.get("new") != form.get("again"):
        return _page(wrong=t("The two new passwords differ.")), 422
    try:
        with site().session() as session:
            sign_in = change_password(session, signed_in(), form.get("old", ""), form.get("new", ""))
            _note(session, "password-changed")
    except AccountError as error:
        return _page(wrong=local(error.message)), 422
    go_on_as(sign_in)
    flash(t("The password was changed; sessions on other devices have ended."), "ok")
    return redirect(url_for("account.show"))


@pages.post("/account/sessions")
@login_required
def sessions() -> ResponseReturnValue:
    """End all other sessions of this account."""
    with site().session() as session:
        user_id = signed_in().user_id
        assert user_id is not None
        sign_ins.end_all(session, user_id, but=this_sign_in())
        _note(session, "signed-out-elsewhere")
    flash(t("Sessions on other devices have ended."), "ok")
    return redirect(url_for("account.show"))


@pages.post("/account/tokens")
@login_required
def token() -> ResponseReturnValue:
    """A new token; this answer is the only place it is ever shown."""
    scopes = [scope for scope in SCOPES if scope in request.form.getlist("scope")]
    try:
        with site().session() as session:
            text = issue_token(session, signed_in(), request.form.get("name", "")[:80], scopes)
            _note(session, "token-issued", token=token_id_of(text), scopes=scopes)
    except AccountError as error:
        return _page(wrong=local(error.message)), 422
    return _page(fresh=text)


@pages.post("/account/tokens/<token_id>/revoke")
@login_required
def revoke(token_id: str) -> ResponseReturnValue:
    with site().session() as session:
        if not revoke_token(session, signed_in(), token_id):
            abort(404)
        _note(session, "token-revoked", token=token_id)
    flash(t("The token was revoked."), "ok")
    return redirect(url_for("account.show"))


def _note(session: Session, action: str, **details: object) -> None:
    site().note(session, signed_in(), action, f"user:{signed_in().username}", **details)


def _page(*, wrong: str = "", fresh: str = "") -> str:
    with site().session(read_only=True) as session:
        tokens = tokens_of(session, signed_in())
    return render_template(
        "account.html",
        tokens=tokens,
        now=site().now(),
        wrong=wrong,
        fresh=fresh,
        scopes=SCOPES,
        scope_text=SCOPE_TEXT,
        links=live.links(),
        narrowed=live.narrowed,
        dataset_title=live.dataset_title,
    )
