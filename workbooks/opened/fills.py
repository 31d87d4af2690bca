"""Fills of cells in a few words, the same ones that marked workbooks use; see `Stylesheet.fill_of`."""

Rgb = tuple[int, int, int]


def in_words(*, rgb: Rgb | None = None, theme: int | None = None, tint: float = 0.0) -> str:
    """A solid fill in one of the theme's colours or in *rgb*; none without either."""
    if theme is not None:
        return f"pattern=solid fgColor.theme={theme}" + (f" fgColor.tint={tint}" if tint else "")
    if rgb is None:
        return "pattern=none"
    return "pattern=solid fgColor.rgb=FF{:02X}{:02X}{:02X}".format(*rgb)


def rgb(words: str) -> Rgb | None:
    """The colour *words* name; None for no fill, and for anything that is not a plain colour."""
    value = _parts(words).get("fgColor.rgb", "")
    try:
        return int(value[-6:-4], 16), int(value[-4:-2], 16), int(value[-2:], 16)
    except ValueError:
        return None


def theme(words: str) -> tuple[int, float] | None:
    """The theme's colour (from 0) and its tint; None when *words* name none."""
    parts = _parts(words)
    try:
        return int(parts["fgColor.theme"]), float(parts.get("fgColor.tint", 0))
    except (KeyError, ValueError):
        return None


def _parts(words: str) -> dict[str, str]:
    return dict(word.split("=", 1) for word in words.split() if "=" in word)
