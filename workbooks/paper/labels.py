"""A label as it stands on paper: its words, whether it must be answered, the unit behind it."""

import re
import unicodedata
from dataclasses import dataclass

from workbooks.form import Text

_MARKS = re.compile(r"^[*＊★●※\s]+|[*＊★※\s]+$")
_COLON = re.compile(r"[\s_＿]*[:：][\s_＿]*$")
_BEHIND = re.compile(r"[(（\[【]([^()（）\[\]【】]{1,12})[)）\]】]$")
_NUMBERED = re.compile(
    r"^(?:[一二三四五六七八九十]+[、.．]|[(（][一二三四五六七八九十\d]+[)）]|\d{1,2}[、.．](?!\d))\s*"
)
_SEVERAL = re.compile(r"[可多选不限项]*多选")
_ANSWERED = re.compile(r"[^\W\d][^:：]*[:：]\s*[A-Za-z0-9]")  # "表单编号：QR-7.5-03" is printed with its answer
LONGEST = 40  # characters of a label; more is a sentence

_UNITS = {
    "元": "yuan", "万元": "10,000 yuan", "km": "km", "公里": "km", "千米": "km", "小时": "h", "h": "h",
    "分钟": "min", "min": "min", "天": "d", "日": "d", "台": "sets", "件": "pcs", "个": "pcs", "套": "sets",
    "次": "times", "人": "persons", "℃": "°C", "°C": "°C", "V": "V", "A": "A", "kW": "kW", "kg": "kg", "mm": "mm",
    "cm": "cm", "m": "m", "MPa": "MPa", "kPa": "kPa", "bar": "bar", "%": "%", "Hz": "Hz", "Ω": "ohm", "L": "L",
}  # fmt: skip
WHOLE_UNITS = frozenset("台件个套次人")


@dataclass(frozen=True, slots=True)
class Label:
    """*text* are its words alone; *several*: it says that more than one choice may be ticked."""

    text: str
    required: bool
    unit: Text | None
    several: bool


def label_of(text: str) -> Label:
    """The label in *text*: without marks, number, colon and unit."""
    text = " ".join(text.split())
    required = bool(re.search(r"^[\s]*[*＊★]|[*＊★]\s*[:：]?\s*$|必填", text))
    several = _SEVERAL.search(text) is not None
    text = _NUMBERED.sub("", _MARKS.sub("", _COLON.sub("", _MARKS.sub("", text))))
    unit = None
    while found := _BEHIND.search(text):
        inner = found[1].strip()
        key = next((known for known in _UNITS if known.casefold() == inner.casefold()), None)
        if key is not None:
            unit = Text(key, _UNITS[key])
        elif not (_SEVERAL.search(inner) or "必填" in inner or "选填" in inner):
            break
        text = _MARKS.sub("", text[: found.start()])
    return Label(_MARKS.sub("", _COLON.sub("", text)), required, unit, several)


def is_label(text: str) -> bool:
    """Whether *text* may name an answer: a few words, not a sentence, a number or a label with its answer."""
    words = label_of(text).text
    if _ANSWERED.match(words):
        return False
    if not words or len(words) > LONGEST or re.fullmatch(r"[\W\d_]+", words):
        return False
    return not re.search(r"[。；;！!]", words)


def ends_open(text: str) -> bool:
    """Whether a colon or a line to write on at its end asks for something behind it."""
    return bool(re.search(r"[:：][\s_＿]*$|[_＿]{2,}\s*$", text))


def plain(text: str) -> str:
    """*text* for comparison: no spaces, no width."""
    return "".join(unicodedata.normalize("NFKC", text).split()).casefold()
