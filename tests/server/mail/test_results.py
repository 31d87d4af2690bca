"""Authentication-Results: only what our own boundary says of the From counts."""

import pytest

from server.intake.mail.results import from_is_genuine

FROM = "cz@station.cn"
OURS = "mx.company.cn"
PASS = f"{OURS}; dmarc=pass header.from=station.cn"
FAIL = f"{OURS}; dmarc=fail header.from=station.cn"


@pytest.mark.parametrize(
    ("headers", "genuine"),
    [
        ([PASS], True),
        ([f"{OURS} 1;\r\n dmarc=pass (p=reject) header.from=station.cn;\r\n\tspf=fail smtp.mailfrom=x.cn"], True),
        ([f"{OURS.upper()}; DMARC=PASS header.from=Station.CN."], True),
        ([f"{OURS}; dmarc=none; dkim=pass header.d=station.cn"], True),
        ([f"{OURS}; dkim=fail header.d=station.cn; dkim=pass header.i=@station.cn header.b=Ab+c="], True),
        # nothing, or not about the From
        ([], False),
        ([f"{OURS}; none"], False),
        ([f"{OURS}; spf=pass smtp.mailfrom=station.cn"], False),
        ([f"{OURS}; spf=pass smtp.mailfrom=evil.com; dkim=pass header.d=evil.com"], False),
        ([f"{OURS}; dmarc=pass header.from=evil.com"], False),
        ([f"{OURS}; dmarc=pass"], False),
        ([f"{OURS}; dkim=pass header.d=cn"], False),
        ([f"{OURS}; dmarc=bestguesspass header.from=station.cn"], False),
        ([f"{OURS}; dmarc=temperror header.from=station.cn; dkim=pass header.d=station.cn"], False),
        ([FAIL], False),
        # forged by the sender: another name, or below the one our boundary put on top
        (["mx.evil.com; dmarc=pass header.from=station.cn"], False),
        (["dmarc=pass header.from=station.cn"], False),
        ([FAIL, PASS], False),
        (["mx.evil.com; dmarc=pass header.from=station.cn", FAIL, PASS], False),
        ([f"relay.{OURS}; dmarc=pass header.from=station.cn"], False),
        # forged inside what our boundary quotes
        ([f"{OURS}; spf=fail (sender; dmarc=pass header.from=station.cn) smtp.mailfrom=x"], False),
        ([f'{OURS}; spf=fail smtp.mailfrom="a; dmarc=pass header.from=station.cn"@evil.com'], False),
        ([f"{OURS}; dmarc=fail header.from=station.cn; dmarc=pass header.from=station.cn"], False),
        ([f"{OURS}; dmarc=pass header.from=evil.com header.from=station.cn"], False),
        ([f"{OURS}; spf=none (never closed; dmarc=pass header.from=station.cn"], False),
        ([PASS + " " * 20_000], False),
    ],
)
def test_only_the_topmost_of_our_own_boundary_counts(headers: list[str], genuine: bool):
    """DMARC or DKIM for the very domain of the From; anything forged or doubtful is no."""
    assert from_is_genuine(headers, FROM, authserv_id=OURS) is genuine


@pytest.mark.parametrize(
    ("headers", "genuine"),
    [
        (["spf=pass (sender IP is 1.2.3.4) smtp.mailfrom=station.cn; dkim=none; dmarc=pass action=none "
          "header.from=station.cn;compauth=pass reason=100"], True),
        (["dmarc=pass action=none header.from=station.cn", FAIL], True),
        (["dmarc=pass action=none header.from=evil.com"], False),
        (["spf=pass smtp.mailfrom=station.cn; dmarc=bestguesspass action=none header.from=station.cn"], False),
        (["dmarc=fail action=oreject header.from=station.cn", "dmarc=pass header.from=station.cn"], False),
        (["mx.evil.com; dmarc=pass header.from=station.cn"], False),
        (["mx.evil.com; none", "dmarc=pass header.from=station.cn"], False),
    ],
)  # fmt: skip
def test_exchange_online_counts_on_top_and_without_a_name(headers: list[str], genuine: bool):
    """It stamps no name: the very first header counts, and only if nobody has put one above it."""
    assert from_is_genuine(headers, FROM, authserv_id="", without_name=True) is genuine


def test_without_a_pinned_name_nothing_is_believed():
    """A mailbox whose provider stamps nothing believes no header at all."""
    assert not from_is_genuine([PASS, "; dmarc=pass header.from=station.cn"], FROM, authserv_id="")
    assert not from_is_genuine([PASS], "", authserv_id=OURS)
