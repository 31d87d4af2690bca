"""How much room text takes on a sheet, guessed from its characters; nothing here needs the fonts."""

import math
import unicodedata

PADDING_PX = 10
LINE = 1.38  # height of a text line, in font sizes
_LATIN = 0.52  # width of an average Latin letter, in font sizes; East Asian characters are as wide as high


def text_px(text: str, size: float) -> float:
    """The width of *text* set in *size* points, in pixels at 96 dpi."""
    wide = sum(unicodedata.east_asian_width(character) in "WFA" for character in text)
    return (wide + (len(text) - wide) * _LATIN) * size * 4 / 3


def text_lines(text: str, width_px: float, size: float) -> int:
    """How many lines *text* takes when it is wrapped at *width_px*; Latin words do not break."""
    room = max(width_px - PADDING_PX, 1)
    return sum(_wrapped(line, room, size) for line in text.split("\n"))


def text_points(text: str, width_px: float, size: float, least: int = 1) -> float:
    """The height of *text* wrapped at *width_px*, and of at least *least* lines, in points."""
    return max(text_lines(text, width_px, size), least) * size * LINE + 6


def _wrapped(line: str, room: float, size: float) -> int:
    lines, used = 1, 0.0
    for word in _words(line):
        width = text_px(word, size)
        if used and used + text_px(word.rstrip(), size) > room:
            lines, used = lines + 1, 0.0
        if width > room:
            lines += math.ceil(width / room) - 1
        used += width
    return lines


def _words(line: str) -> list[str]:
    """Pieces between which a line may break: Latin words with their space, single East Asian characters."""
    words: list[str] = []
    for character in line:
        wide = unicodedata.east_asian_width(character) in "WF"
        if wide or not words or words[-1][-1] == " " or unicodedata.east_asian_width(words[-1][-1]) in "WF":
            words.append(character)
        else:
            words[-1] += character
    return words
