"""Workbooks behind an opening password, unlocked with the one their sender gives; only called in a child process."""

import re
from io import BytesIO

from workbooks.finding_codes import FindingCode
from workbooks.parsing.compound import Compound
from workbooks.refusal import damaged, refuse

PACKAGE, DESCRIPTION = "EncryptedPackage", "EncryptionInfo"
LONGEST = 255  # characters of a password in Excel
MOST_ROUNDS = 200_000
"""Rounds of hashing for one password: twice Excel's own number, and about a second."""

# What Excel itself encrypts with where nobody is asked for a password: "read-only recommended", protected structure.
_KNOWN_TO_ALL = "VelvetSweatshop"
_LONGEST_DESCRIPTION = 64 << 10
_LARGEST_OLD = 4 << 20  # an .xls is unlocked byte by byte
_ROUNDS = re.compile(rb"\bspinCount\s*=\s*[\"'](\d{1,9})[\"']")


def unlock(content: bytes, compound: Compound, password: str) -> tuple[bytes, bool]:
    """
    The workbook in the encrypted *content*, and whether *password* was needed for it.

    Raises:
        Refused: There is no password, the wrong one, or trying one costs too much.
    """
    _check_cost(content, compound)
    for attempt in (_KNOWN_TO_ALL, password[:LONGEST]):
        if attempt and (plain := _unlocked(content, attempt)) is not None:
            return plain, attempt != _KNOWN_TO_ALL
    raise refuse(FindingCode.WRONG_PASSWORD if password else FindingCode.ENCRYPTED)


def _check_cost(content: bytes, compound: Compound) -> None:
    if PACKAGE not in compound.streams:
        if len(content) > _LARGEST_OLD:
            raise refuse(FindingCode.COSTLY_PASSWORD)
        return
    if DESCRIPTION not in compound.streams or compound.streams[DESCRIPTION].size > _LONGEST_DESCRIPTION:
        raise damaged(content)
    description = compound.read(DESCRIPTION)
    if b"<!" in description:
        raise damaged(content)
    rounds = [int(number) for number in _ROUNDS.findall(description)]
    # A number spelled in any other way is not guessed at.
    if len(rounds) != description.count(b"spinCount") or max(rounds, default=0) > MOST_ROUNDS:
        raise refuse(FindingCode.COSTLY_PASSWORD)


def _unlocked(content: bytes, password: str) -> bytes | None:
    """The decrypted file; None for a wrong password."""
    # Imported here: it is rarely needed, and takes longer to import than a form takes to read.
    from msoffcrypto import OfficeFile
    from msoffcrypto.exceptions import InvalidKeyError

    plain = BytesIO()
    try:
        # Only one of the two derivations of a verified key: what comes out wrong is told by its first bytes.
        file = OfficeFile(BytesIO(content))
        file.load_key(password=password)
        file.decrypt(plain)
    except InvalidKeyError:
        return None
    except Exception as error:  # whatever its parser stumbles over, the file cannot be opened
        detail = ("，它的加密方式不受支持", ": it is encrypted in a way that is not supported")
        raise damaged(content, *detail) from error
    return plain.getvalue()
