"""Check boxes drawn with characters, as paper forms have them: "□保内 ☑保外"."""

import re
from dataclasses import dataclass

_OPEN = "□☐▢⬜❏❑○◯"
_TICKED = "☑☒■√✓✔✅▣⊠●◉◆"
_MARK = re.compile(rf"[{_OPEN}{_TICKED}][\s{_OPEN}{_TICKED}]*")
# What people leave behind a choice to be written on: "□其他：______".
_ROOM = re.compile(r"[\s_＿:：、,，;；]+$")
_MOST = 40  # choices in one cell; more is no question with boxes
TICK, BOX = "☑", "□"


@dataclass(frozen=True, slots=True)
class Box:
    """One choice with its box; *before* is the text between the choice before and this box."""

    label: str
    ticked: bool


@dataclass(frozen=True, slots=True)
class Boxes:
    """A cell of boxes: what stands in front of the first one, and each choice."""

    caption: str
    boxes: tuple[Box, ...]


def boxes_in(text: str) -> Boxes | None:
    """
    The boxes in *text*; None when there are none, or when a tick may belong to either of two choices.

    A tick counts for the choice it stands before ("√保内"), on ("□√保内") or, with a space
    after it, behind ("□保内√ □保外"). Where the boxes stand behind their choices ("是□ 否□"),
    what precedes a box is its choice.
    """
    marks = list(_MARK.finditer(text)) if len(text) < 2000 else []
    if not marks or len(marks) > _MOST:
        return None
    edges = [0, *(edge for mark in marks for edge in mark.span()), len(text)]
    words = [_ROOM.sub("", text[start:end]).strip() for start, end in zip(edges[::2], edges[1::2], strict=True)]
    if words[0] and not words[-1] and text[marks[0].start() - 1] not in ":：":
        labels = [(word, any(map(_ticks, mark[0].split()))) for word, mark in zip(words, marks, strict=False)]
        return Boxes("", tuple(Box(label, ticked) for label, ticked in labels if label))
    found: list[Box] = []
    for mark, label in zip(marks, words[1:], strict=True):
        groups = mark[0].split()
        behind = bool(found) and not text[mark.start() - 1].isspace() and groups[0][0] in _TICKED
        if behind and len(groups[0]) > 1 and label:
            return None
        if behind and (len(groups) > 1 or not label):
            found[-1] = Box(found[-1].label, True)
            groups = groups[1:]
        if label:
            found.append(Box(label, any(map(_ticks, groups))))
        elif found and any(map(_ticks, groups)):
            found[-1] = Box(found[-1].label, True)
    return Boxes(words[0], tuple(found)) if found else None


def ticked_text(text: str, labels: frozenset[str]) -> str:
    """*text* with a tick in the boxes of *labels*, and in no other."""
    out, at = "", 0
    read = boxes_in(text)
    behind = read is not None and not read.caption and _MARK.match(text) is None
    for mark in _MARK.finditer(text):
        following = _MARK.search(text, mark.end())
        start, end = (at, mark.start()) if behind else (mark.end(), following.start() if following else len(text))
        label = _ROOM.sub("", text[start:end]).strip()
        space = mark[0][len(mark[0].rstrip()) :]
        out += text[at : mark.start()] + ((TICK if label in labels else BOX) + space if label else mark[0])
        at = mark.end()
    return out + text[at:]


def _ticks(group: str) -> bool:
    return any(mark in _TICKED for mark in group)
