"""Access tokens instead of passwords: Microsoft 365 as an application, Google as a service account."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from server.intake.mail.connection import MailServerError, Step
from server.mail_settings import MailboxSettings, SmtpSettings

_GOOGLE_SCOPE: Final = "https://mail.google.com/"
_INSTALL: Final = "{package} is not installed; run: pip install 'aftersheet[{extra}]'"

_lock = threading.Lock()
_clients: dict[tuple[str, ...], Any] = {}


def sign_in_secret(account: MailboxSettings | SmtpSettings, home: Path, reached: Callable[[Step], None]) -> str:
    """
    The password or token *account* signs in with; *reached* is told when a token came.

    Raises:
        MailServerError: It cannot be had, at Step.SECRET or Step.TOKEN.
    """
    if account.auth != "password":
        token = access_token(account, home)
        reached(Step.TOKEN)
        return token
    try:
        return account.secret(home)
    except (OSError, UnicodeDecodeError) as error:
        raise MailServerError(Step.SECRET, f"{account.secret_file}: {error}") from error


def access_token(account: MailboxSettings | SmtpSettings, home: Path) -> str:
    """
    A token with which *account* signs in by XOAUTH2, new or from memory until shortly before it expires.

    Raises:
        MailServerError: There is none, at Step.SECRET or Step.TOKEN; it says what to do or what the service said.
    """
    try:
        secret = account.secret(home)
    except (OSError, UnicodeDecodeError) as error:
        raise MailServerError(Step.SECRET, f"{account.secret_file}: {error}") from error
    # One at a time: mailboxes of one tenant share the token that the first of them fetches.
    with _lock:
        return _microsoft(account, secret) if account.auth == "xoauth2-microsoft" else _google(account, secret)


def forget() -> None:
    """Forget all tokens: the next one is asked for anew."""
    with _lock:
        _clients.clear()


def _microsoft(account: MailboxSettings | SmtpSettings, secret: str) -> str:
    try:
        import msal
    except ImportError as error:
        raise MailServerError(Step.TOKEN, _INSTALL.format(package="msal", extra="microsoft")) from error
    authority, scope = _cloud(account)
    key = ("microsoft", authority, account.client_id, secret)
    try:
        if key not in _clients:
            # It keeps the token and asks for the next one five minutes before that is due.
            _clients[key] = msal.ConfidentialClientApplication(
                account.client_id, authority=authority, client_credential=secret, timeout=30
            )
        answer = _clients[key].acquire_token_for_client(scopes=[scope])
    # msal lets out whatever its HTTP library raises, and ValueError for a tenant that does not exist.
    except (OSError, ValueError) as error:
        raise MailServerError(Step.TOKEN, str(error).splitlines()[0]) from error
    if "access_token" not in answer:
        told = answer.get("error_description") or answer.get("error") or "no token"
        raise MailServerError(Step.TOKEN, str(told).splitlines()[0])
    return str(answer["access_token"])


def _cloud(account: MailboxSettings | SmtpSettings) -> tuple[str, str]:
    """Where to ask and what for: the world's Microsoft 365, or the one that 21Vianet runs in China."""
    if account.host.lower().endswith("partner.outlook.cn"):
        return f"https://login.partner.microsoftonline.cn/{account.tenant}", "https://partner.outlook.cn/.default"
    return f"https://login.microsoftonline.com/{account.tenant}", "https://outlook.office365.com/.default"


def _google(account: MailboxSettings | SmtpSettings, secret: str) -> str:
    try:
        from google.auth.exceptions import GoogleAuthError
        from google.auth.transport.requests import Request
        from google.oauth2.service_account import Credentials
    except ImportError as error:
        raise MailServerError(Step.TOKEN, _INSTALL.format(package="google-auth", extra="google")) from error
    key = ("google", account.user, secret)
    try:
        if key not in _clients:
            # The account acts for the mailbox's user; the domain's administrator has allowed it that scope.
            _clients[key] = Credentials.from_service_account_info(  # type: ignore[no-untyped-call]
                json.loads(secret), scopes=[_GOOGLE_SCOPE], subject=account.user
            )
        credentials = _clients[key]
        if not credentials.valid:  # false some minutes before it expires
            credentials.refresh(Request())
    except (GoogleAuthError, ValueError, KeyError) as error:
        raise MailServerError(Step.TOKEN, str(error).splitlines()[0]) from error
    return str(credentials.token)
