"""What may be answered: choice lists and master data, found by name, code or label, however they are typed."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property
from typing import Final
from weakref import WeakKeyDictionary

from workbooks.form import Field, Language, MasterChoices, Text
from workbooks.master import Master, MasterRow
from workbooks.spellings.spelling import fold

YES_WORDS: Final = frozenset(
    {
        "是", "有", "对", "√", "✓", "✔", "☑", "y", "yes", "true", "t", "1", "ok", "真", "是的", "需要", "已",
    }
)  # fmt: skip
NO_WORDS: Final = frozenset(
    {
        "否", "无", "没", "没有", "不", "错", "×", "✗", "✘", "x", "☐", "n", "no", "false", "f", "0", "假",
        "不是", "不需要", "未",
    }
)  # fmt: skip

# Mistyped by sound or by look; used for suggestions only.
_LOOK_ALIKES: Final = str.maketrans(
    "伐筏扎札账帳致製動車門電壓輪軸閥斷開關機統號線東廣漢寧維修檢測裝",
    "阀阀闸闸帐帐制制动车门电压轮轴阀断开关机统号线东广汉宁维修检测装",
)
_CLOSE: Final = 0.5
_LONGEST: Final = 64  # characters of a mistyped answer that are looked at


@dataclass(frozen=True, slots=True)
class Option:
    """One legal answer: *code* is stored; *parent* is the code one level up, "" without."""

    code: str
    label: Text
    parent: str = ""


class Options:
    """
    The legal answers of one field, found however they are spelled.

    The same label may belong to several options (one failure mode under many parts).
    """

    def __init__(self, options: Iterable[Option], *, yes_no: bool = False) -> None:
        self.options = tuple(options)
        self._yes_no = yes_no
        self._suggested: dict[str, tuple[Option, ...]] = {}

    @cached_property
    def _by_spelling(self) -> dict[str, list[Option]]:
        found: dict[str, list[Option]] = {}
        for option in self.options:
            for spelling in _spellings(option):
                found.setdefault(spelling, []).append(option)
        if self._yes_no:
            for code, words in (("yes", YES_WORDS), ("no", NO_WORDS)):
                meant = [option for option in self.options if option.code == code]
                for word in words:
                    found.setdefault(fold(word), meant)
        return found

    @cached_property
    def _by_bare_code(self) -> dict[str, list[Option]]:
        found: dict[str, list[Option]] = defaultdict(list)
        for option in self.options:
            found[option.code.lstrip("0")].append(option)
        return found

    @cached_property
    def _shared(self) -> frozenset[str]:
        labels = Counter(label for option in self.options for label in {option.label.zh, option.label.en})
        return frozenset(label for label, count in labels.items() if count > 1)

    @cached_property
    def _letters(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = defaultdict(list)
        for index, option in enumerate(self.options):
            for letter in {letter for spelling in _plain_spellings(option) for letter in spelling}:
                found[letter].append(index)
        return found

    def find(self, text: str) -> list[Option]:
        """The options that *text* may mean: a code, a label in either language, or both together."""
        return self._by_spelling.get(text) or self._by_spelling.get(fold(text)) or []

    def without_zeros(self, text: str) -> list[Option]:
        """The options whose code is *text* once Excel has dropped its leading zeros."""
        return self._by_bare_code.get(text, []) if text.isdigit() else []

    def shown(self, option: Option, language: Language) -> str:
        """The label of *option*, with its code where another option has the same label."""
        label = option.label[language]
        return f"{label} ({option.code})" if label in self._shared else label

    def nearest(self, text: str) -> tuple[Option, ...]:
        """At most two options that *text* was probably meant to be; empty when nothing comes close."""
        wanted = fold(text)[:_LONGEST].translate(_LOOK_ALIKES)
        if wanted not in self._suggested:
            if len(self._suggested) > 1000:
                self._suggested.clear()
            self._suggested[wanted] = self._search_nearest(wanted)
        return self._suggested[wanted]

    def _search_nearest(self, wanted: str) -> tuple[Option, ...]:
        if not wanted:
            return ()
        hits: Counter[int] = Counter()
        for letter in set(wanted):
            hits.update(self._letters.get(letter, ()))
        # Comparing letter by letter is slow: only the few that share most letters are compared.
        best = [self.options[index] for index, _ in hits.most_common(12)]
        scored = sorted(((_closeness(wanted, option), option) for option in best), key=lambda pair: -pair[0])
        scored = [(score, option) for score, option in scored if score >= _CLOSE]
        return tuple(option for score, option in scored if score >= scored[0][0] - 0.02)[:2]


def _plain_spellings(option: Option) -> set[str]:
    return {fold(spelling).translate(_LOOK_ALIKES) for spelling in (option.code, option.label.zh, option.label.en)}


def _spellings(option: Option) -> set[str]:
    labels = {option.label.zh, option.label.en} - {""}
    plain = {option.code, *labels}
    combined = {f"{label}({option.code})" for label in labels} | {f"{option.code}{label}" for label in labels}
    return plain | {fold(spelling) for spelling in plain | combined | {f"{option.code}-{label}" for label in labels}}


def _closeness(wanted: str, option: Option) -> float:
    """How likely *option* was meant, 0 to 1: the same but for look-alikes, a part of it, or many letters in common."""
    best = 0.0
    for spelling in _plain_spellings(option):
        if wanted == spelling:
            return 1.0
        shorter, longer = sorted((wanted, spelling), key=len)
        if len(shorter) >= 2 and shorter in longer:
            best = max(best, 0.9)
        elif len(wanted) >= 2 and _in_order(wanted, spelling):
            best = max(best, 0.8)
        else:
            best = max(best, SequenceMatcher(None, wanted, spelling, autojunk=False).ratio())
    return best


def _in_order(letters: str, text: str) -> bool:
    rest = iter(text)
    return all(letter in rest for letter in letters)


def options_of(field: Field, master: Master) -> Options | None:
    """The options of *field*, built once per list and per master data; None for a field without a list."""
    if field.master is not None:
        return _of_master(field.master, master)
    if not field.choices:
        return None
    entry = _of_choices.get(id(field.choices))
    if entry is None:
        while len(_of_choices) >= 1000:
            _of_choices.pop(next(iter(_of_choices)), None)
        yes_no = {"yes", "no"} <= {choice.name for choice in field.choices}
        options = Options([Option(choice.name, choice.label) for choice in field.choices], yes_no=yes_no)
        entry = _of_choices[id(field.choices)] = (field.choices, options)
    return entry[1]


def _of_master(choices: MasterChoices, master: Master) -> Options:
    by_list = _by_master.setdefault(master, {})
    key = (choices.table, choices.level)
    if key not in by_list:
        rows = master.options(MasterChoices(table=choices.table, level=choices.level))
        by_list[key] = Options(_option(row) for row in rows)
    return by_list[key]


def _option(row: MasterRow) -> Option:
    return Option(row.code, Text(row.label("zh"), row.label("en")), row.parent)


# By identity, and with the tuple itself, so that its id cannot pass to another one.
_of_choices: dict[int, tuple[object, Options]] = {}
_by_master: "WeakKeyDictionary[Master, dict[tuple[str, int | None], Options]]" = WeakKeyDictionary()
