"""What the demo company's customers say: survey campaigns with their returns, and feedback with its handling."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from math import log

from server.demo.catalogue import STATIONS
from server.demo.master import Company, Customer
from server.demo.period import MONTHS, first_day, months_later
from server.demo.sending import Answers, Sending

FEEDBACK_PER_MONTH = 4.5
_DETAILED_DAYS = 183  # older feedback was typed in when it was closed
_ITEMS = ("quality", "price", "delivery", "packaging", "service")
_GOODS = ("quality", "price", "delivery", "packaging")
_NPS = (0.01, 0.005, 0.005, 0.01, 0.01, 0.02, 0.04, 0.06, 0.15, 0.22, 0.24, 0.23)
_WORDS = {
    "quality": ("压力传感器近期更换较多，希望查明批次问题。", "闸片磨耗不均，请给出更换建议。"),
    "price": ("保外备件价格偏高。",),
    "delivery": ("备件到货比约定晚了一周。",),
    "packaging": ("两箱备件外包装破损，内件完好。",),
    "attitude": ("夜间电话无人应答，值班人员态度生硬。",),
    "response": ("报修后等了一天才到现场。",),
    "question": ("请提供BCU软件升级说明。",),
    "suggestion": ("建议在段内常备一套网关阀。",),
    "praise": ("春运期间保障到位，表示感谢。",),
}


def campaigns(until: date) -> Iterator[tuple[int, str, date]]:
    """(year, campaign, day it is sent) of every May and fourth-quarter survey that is over."""
    for month in range(MONTHS + 1):
        first = months_later(first_day(until), month)
        if first.month in (5, 10) and first + timedelta(days=50) <= until:
            yield first.year, "may" if first.month == 5 else "q4", first + timedelta(days=9)


def survey_sendings(company: Company, seed: int, until: date) -> Iterator[Sending]:
    """One sheet per customer asked: the first year's campaigns miss the 75 %, later ones reach it."""
    draw = random.Random(f"surveys {seed}")
    station_mood = {s.code: draw.gauss(0, 2) - (5 if s.code == "ZZ" else 0) for s in STATIONS}
    customer_mood = {c.code: draw.gauss(0, 4) for c in company.customers}
    for number, (year, campaign, sent) in enumerate(campaigns(until)):
        coverage, returned = (0.92, 0.72) if number < 2 else (0.97, 0.86)
        for customer in company.customers:
            if draw.random() < coverage:
                mood = 88 + station_mood[customer.station] + customer_mood[customer.code] + number * 0.4
                back = draw.random() < returned
                yield _sheet(customer, year, campaign, sent, mood if back else None, company, draw)


def _sheet(
    customer: Customer, year: int, campaign: str, sent: date, mood: float | None, company: Company, draw: random.Random
) -> Sending:
    person = draw.choice(company.staff("station", customer.station))
    wait = draw.randint(2, 30) if mood is not None else 40
    answers: Answers = {
        "station": customer.station,
        "campaign_year": year,
        "campaign": campaign,
        "customer": customer.code,
        "sent_on": sent,
        "method": draw.choice(("fax", "visit", "visit", "mail")),
        "surveyed_by": person.code,
        "outcome": "no_answer" if mood is None else "returned",
    }
    if mood is not None:
        scores = {item: _score(mood - (4 if item == "price" else 0), draw) for item in _ITEMS}
        answers |= {f"score_{item}": score for item, score in scores.items()}
        answers |= {
            "returned_on": sent + timedelta(days=wait),
            "respondent": draw.choice(("设备部王工", "检修车间李主任", "物资部张经理", "技术部陈工")),
            "recommend": max(0, draw.choices(range(-1, 11), _NPS)[0]),
            "weakest": min(scores, key=lambda item: scores[item]),
            "low_score_reason": "希望改进" if min(scores.values()) < 60 else None,
        }
    return Sending(
        form_id="survey",
        answers=answers,
        role="station",
        person=person.name.zh,
        station=customer.station,
        received_at=datetime.combine(sent + timedelta(days=wait), time(draw.randint(17, 19), draw.randrange(60))),
        instance=f"survey {year} {campaign} {customer.code}",
    )


def _score(mood: float, draw: random.Random) -> int:
    score = draw.gauss(mood, 4)
    # People like round numbers: most scores end in 0 or 5.
    rounded = round(score / 5) * 5 if draw.random() < 0.6 else round(score)
    return max(0, min(100, rounded))


def feedback_sendings(company: Company, seed: int, until: date) -> Iterator[Sending]:
    """Feedback as it comes in, each with its end when it has one by *until*."""
    draw = random.Random(f"feedback {seed}")
    start = first_day(until)
    days = (until - start).days
    for number in range(round(FEEDBACK_PER_MONTH * days / 30.4)):
        customer = draw.choice(company.customers)
        day = start + timedelta(days=draw.randrange(days))
        received = datetime.combine(day, time(draw.randint(8, 19), draw.randrange(60)))
        yield from _feedback(number, customer, received, company, draw, until)


def _feedback(
    number: int, customer: Customer, received: datetime, company: Company, draw: random.Random, until: date
) -> Iterator[Sending]:
    person = draw.choice(company.staff("station", customer.station))
    categories = tuple(_WORDS)
    category = draw.choices(categories, (40, 5, 10, 5, 6, 10, 10, 8, 6))[0]
    complaint = category not in ("question", "suggestion", "praise") and draw.random() < 0.55
    answers: Answers = {
        "station": customer.station,
        "received_at": received,
        "channel": draw.choice(("phone", "phone", "slip", "letter", "visit", "picture")),
        "customer": customer.code,
        "contact": draw.choice(("王工", "李主任", "张经理", "陈工")),
        "contact_phone": f"13{draw.randint(100000000, 999999999)}",
        "received_by": person.code,
        "category": category,
        "is_complaint": "yes" if complaint else "no",
        "description": draw.choice(_WORDS[category]),
    }
    if complaint:
        answers["complaint_class"] = draw.choices(("quality", "human", "other"), (62, 26, 12))[0]
        answers["grade"] = "major" if draw.random() < 0.15 else "minor"
    first = Sending(
        form_id="feedback",
        answers=dict(answers),
        role="station",
        person=person.name.zh,
        station=customer.station,
        received_at=received + timedelta(minutes=draw.randint(10, 180)),
        instance=f"feedback {number}",
    )
    if (until - received.date()).days <= _DETAILED_DAYS:
        yield first
    hours = min(draw.lognormvariate(3.0, 0.7), 66.0)
    done = received.date() + timedelta(days=max(3, round(draw.lognormvariate(2.3, 0.6))))
    if done > until:
        return
    quality = category == "quality" and draw.random() < 0.6
    answers |= {
        "verified_on": received.date() + timedelta(days=1),
        "verified_by": person.code,
        "verified_how": "phone",
        "quality_problem": "yes" if quality else "no",
        "site_report": f"HS-{received:%Y%m}-{number:03d}" if quality else None,
        "verification": "已与用户电话核实，情况属实" if quality else "已与用户电话核实",
        "solution_kind": "rework" if quality else "explain",
        "replied_at": (received + timedelta(hours=hours)).replace(second=0, microsecond=0),
        "solution": "返修并更换，跟踪运用" if quality else "说明情况并落实到责任人",
        "called_back_on": done,
        "customer_reply": draw.choices(("satisfied", "partly"), (80, 20))[0],
        "closed_on": done,
        **(_granted(number, company) if complaint and category in _GOODS else {}),
    }
    late = hours > 48 or (done - received.date()).days > 31
    yield replace(
        first,
        answers=answers,
        received_at=datetime.combine(done, time(20, draw.randrange(60))),
        reason="用户联系人出差，经与用户商定延后" if late else "",
    )


def _granted(number: int, company: Company) -> Answers:
    """Half of the complaints about goods are compensated; now and then somebody approves more than they may."""
    draw = random.Random(f"granted {number}")  # a draw of its own: the rest of the history stays as it is
    if draw.random() >= 0.5:
        return {}
    amount = round(draw.lognormvariate(log(860), 1.0), -1)
    level = 0 if amount < 1000 else 1 if amount <= 5000 else 2
    level = max(0, level - 1) if draw.random() < 0.1 else level
    return {
        "solution_kind": draw.choice(("compensation", "goodwill")),
        "compensation": amount,
        "approved_by": company.staff("manager")[level].code,
        "solution": "更换并给予用户补偿",
    }
