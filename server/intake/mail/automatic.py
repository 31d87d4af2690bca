"""Whether a machine sent a message: it is read all the same, but never drawn into a conversation."""

import re
from collections.abc import Collection

from server.intake.mail.names import decode_header
from server.intake.mail.parts import Part

_BULK = frozenset({"bulk", "junk", "list", "auto_reply", "auto-reply"})
_RESPONDERS = ("x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-reply")
_LISTS = ("list-id", "list-unsubscribe")
_DAEMONS = ("mailer-daemon", "mail-daemon", "postmaster")
_TOKEN = re.compile(r"[\w-]*")
# QQ and Exmail answer for people on holiday without saying so in any header.
_SUBJECT = re.compile(
    r"(?:自动回复|自動回覆|automatic reply|auto(?:matic)?[ -]?reply|out of office)\s*(?:[:：]|$)", re.IGNORECASE
)


def why(
    part: Part, from_address: str, message_id: str = "", own_addresses: Collection[str] = (), own_domain: str = ""
) -> str | None:
    """
    The sign by which the message of top-level *part* is automatic, as text for people; None for one a person sent.

    `Auto-Submitted: no` says the opposite, and Exchange puts `X-Auto-Response-Suppress` on
    what people write, so neither is a sign. *own_addresses* are ours in lower case; messages
    from them, or with the Message-ID of one of our receipts at *own_domain*, come back to us.
    """
    return (
        _stated(part) or _ours(part, from_address, message_id, own_addresses, own_domain) or _sender(part, from_address)
    )


def _stated(part: Part) -> str | None:
    """The signs of RFC 3834 and of those who did not read it."""
    for value in _values(part, "auto-submitted"):
        if _token(value) != "no":
            return f"Auto-Submitted: {value}"
    for value in _values(part, "precedence"):
        if _token(value) in _BULK:
            return f"Precedence: {value}"
    for name in _RESPONDERS:
        for value in _values(part, name):
            if _token(value) not in ("no", "false", "0"):
                return f"{name.title()}: {value}"
    for name in _LISTS:
        for value in _values(part, name):
            return f"{name.title()}: {value}"
    return None


def _ours(part: Part, sender: str, message_id: str, addresses: Collection[str], domain: str) -> str | None:
    if sender in addresses:
        return f"From: {sender}"
    for value in _values(part, "x-loop"):
        if value.lower() in addresses or (domain and value.lower().rpartition("@")[2] == domain.lower()):
            return f"X-Loop: {value}"
    # Foxmail makes Message-IDs at the sender's domain, which may be ours: the domain alone is no sign.
    if domain and message_id.lower().startswith("<receipt.") and message_id.lower().endswith(f"@{domain.lower()}>"):
        return f"Message-ID: {message_id}"
    return None


def _sender(part: Part, sender: str) -> str | None:
    if any(value in ("<>", "< >") for value in _values(part, "return-path")):
        return "Return-Path: <>"
    if part.kind == "multipart/report":
        return f"Content-Type: {part.kind}; report-type={part.parameters.get('report-type', '')[:60]}"
    if sender.partition("@")[0] in _DAEMONS:
        return f"From: {sender}"
    subject = decode_header(part.raw("subject") or b"")
    return f"Subject: {subject[:100]}" if _SUBJECT.match(subject) else None


def _values(part: Part, name: str) -> list[str]:
    return [decode_header(value)[:100] for value in part.every(name)]


def _token(value: str) -> str:
    match = _TOKEN.match(value.lower())
    return match[0] if match else ""
