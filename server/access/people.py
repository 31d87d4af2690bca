"""Users: made, signed in, changed. Passwords are kept as argon2id hashes only."""

import threading
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import select
from sqlalchemy.orm import Session

from server.access import sign_ins
from server.access.models import User
from server.access.visibility import ROLES, Viewer
from workbooks.form import Language, Text

MINIMUM_LENGTH = 12
# OWASP's minimum for argon2id; the library's default takes five times as long and 64 MiB each.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_TWO_AT_ONCE = threading.Semaphore(2)  # a burst of sign-ins must not take all memory
_NOBODY = _HASHER.hash("nobody has this password")

_COMMON_WORDS = (
    "123456789012 1234567890ab 123456123456 111111111111 000000000000 password1234 password12345 passwordpassword "
    "qwertyuiop12 qwertyuiop123 qwerty123456 1qaz2wsx3edc 1q2w3e4r5t6y qwer1234qwer abcd12345678 abc123456789 "
    "aa1234567890 woaini1314520 woaini520520 5201314520131 admin1234567 admin123456789 administrator adminadminadmin "
    "letmeinletmein changeme1234 iloveyou1234 welcome12345 aftersheet123"
)
_COMMON = frozenset(_COMMON_WORDS.split())


class AccountError(ValueError):
    """A user or password that cannot be taken; *message* says why and what to do, in both languages."""

    def __init__(self, message: Text) -> None:
        super().__init__(message.en)
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A user as administrators see them."""

    viewer: Viewer
    active: bool
    last_sign_in_at: datetime | None


def create_user(
    session: Session,
    *,
    username: str,
    password: str,
    display_name: str = "",
    roles: Collection[str] = (),
    station: str | None = None,
    region: str | None = None,
    language: Language = "zh",
    email: str | None = None,
) -> Viewer:
    """
    A new user.

    Raises:
        AccountError: The name is taken, the password too weak, a role unknown, or a
            station user has no station.
    """
    username = _folded(username)
    if not username or len(username) > 80 or any(c.isspace() for c in username):
        raise AccountError(
            Text("用户名不能为空,不能含空格,最多 80 个字符。", "A user name has 1 to 80 characters and no spaces.")
        )
    if unknown := sorted(set(roles) - set(ROLES)):
        known = ", ".join(ROLES)
        raise AccountError(
            Text(f"没有角色“{unknown[0]}”;可选:{known}。", f"There is no role {unknown[0]!r}; known are {known}.")
        )
    if not roles:
        raise AccountError(Text("请至少指定一个角色。", "Name at least one role."))
    if "station" in roles and not station:
        raise AccountError(Text("服务站人员必须指定所属服务站。", "A user with the role station needs a station."))
    _refuse_weak(password, username)
    if session.scalar(select(User.id).where(User.username == username)) is not None:
        raise AccountError(Text(f"用户名“{username}”已被使用。", f"The user name {username!r} is taken."))
    user = User(
        username=username,
        display_name=display_name.strip() or username,
        password_hash=_hash(password),
        roles=sorted(set(roles), key=ROLES.index),
        station=station,
        region=region,
        language=language,
        email=email,
        created_at=datetime.now(UTC),
    )
    session.add(user)
    session.flush()
    return _viewer(user)


def authenticate(session: Session, username: str, password: str) -> Viewer | None:
    """
    Who signs in with this name and password; None for a wrong one.

    Reads only, and takes the same time for an unknown name, so that names cannot be tried out.
    """
    user = session.scalar(select(User).where(User.username == _folded(username)))
    matches = _verify(user.password_hash if user else _NOBODY, password)
    return _viewer(user) if user and user.active and matches else None


def begin_sign_in(session: Session, viewer: Viewer) -> str:
    """Remember that *viewer* signed in now; the id of the sign-in, to put into the cookie."""
    user = _user(session, viewer)
    user.last_sign_in_at = datetime.now(UTC)
    return sign_ins.begin(session, user.id)


def viewer_of_sign_in(session: Session, sign_in: str) -> Viewer | None:
    """The person behind a sign-in; None once it was ended or they may not sign in any more."""
    user_id = sign_ins.user_of(session, sign_in)
    return viewer_of_id(session, user_id) if user_id is not None else None


def change_password(session: Session, viewer: Viewer, old: str, new: str) -> str:
    """
    Give *viewer* a new password and end all their sign-ins; the id of the one that goes on.

    Raises:
        AccountError: The old password is wrong or the new one too weak.
    """
    user = _user(session, viewer)
    if not _verify(user.password_hash, old):
        raise AccountError(Text("原密码不正确。", "The old password is wrong."))
    _give_password(session, user, new)
    return sign_ins.begin(session, user.id)


def reset_password(session: Session, username: str, new: str) -> None:
    """
    Give a user who forgot theirs a new password; their sign-ins end.

    Raises:
        AccountError: There is no such user, or the password is too weak.
    """
    _give_password(session, _named(session, username), new)


def set_active(session: Session, username: str, active: bool) -> None:
    """
    Let a user in again, or out for good; their sign-ins end.

    Raises:
        AccountError: There is no such user.
    """
    user = _named(session, username)
    user.active = active
    sign_ins.end_all(session, user.id)


def set_language(session: Session, viewer: Viewer, language: Language) -> None:
    """The language *viewer* reads pages and receipts in from now on."""
    _user(session, viewer).language = language


def find_user(session: Session, username: str) -> Viewer | None:
    """The active user of this name, without a password: for the command line and the demo."""
    user = session.scalar(select(User).where(User.username == _folded(username)))
    return _viewer(user) if user and user.active else None


def viewer_of_id(session: Session, user_id: int) -> Viewer | None:
    """The active user with this id."""
    user = session.get(User, user_id)
    return _viewer(user) if user and user.active else None


def people(session: Session) -> list[Person]:
    """Everybody who may or once might sign in, by user name."""
    return [
        Person(viewer=_viewer(user), active=user.active, last_sign_in_at=user.last_sign_in_at)
        for user in session.scalars(select(User).order_by(User.username))
    ]


def any_user(session: Session) -> bool:
    """Whether anybody can sign in yet."""
    return session.scalar(select(User.id).limit(1)) is not None


def _viewer(user: User) -> Viewer:
    return Viewer(
        user_id=user.id,
        username=user.username,
        display_name=user.display_name,
        roles=frozenset(user.roles),
        station=user.station,
        region=user.region,
        language="en" if user.language == "en" else "zh",
    )


def _user(session: Session, viewer: Viewer) -> User:
    return session.get_one(User, viewer.user_id)


def _named(session: Session, username: str) -> User:
    user = session.scalar(select(User).where(User.username == _folded(username)))
    if user is None:
        raise AccountError(Text(f"没有用户“{username}”。", f"There is no user {username!r}."))
    return user


def _give_password(session: Session, user: User, new: str) -> None:
    _refuse_weak(new, user.username)
    user.password_hash = _hash(new)
    sign_ins.end_all(session, user.id)


def _folded(username: str) -> str:
    return username.strip().casefold()


def _refuse_weak(password: str, username: str) -> None:
    folded = password.casefold()
    if len(password) < MINIMUM_LENGTH:
        raise AccountError(
            Text(f"密码至少 {MINIMUM_LENGTH} 个字符。", f"A password needs at least {MINIMUM_LENGTH} characters.")
        )
    if (
        folded in _COMMON
        or len(set(folded)) < 4
        or (len(username) > 3 and folded.replace(username, "") in ("", "123", "1234"))
    ):
        raise AccountError(Text("这个密码太常见,请换一个。", "This password is too common; take another."))


def _hash(password: str) -> str:
    with _TWO_AT_ONCE:
        return _HASHER.hash(password)


def _verify(hashed: str, password: str) -> bool:
    try:
        with _TWO_AT_ONCE:
            return _HASHER.verify(hashed, password)
    except (VerifyMismatchError, InvalidHashError):
        return False
