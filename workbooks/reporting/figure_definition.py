"""What the single figures and charts of the first screen mean, as templates/reports/dashboard.yaml says it."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from workbooks.form import Name, Text
from workbooks.library import DefinitionError, located, mapping_in


@dataclass(frozen=True, slots=True, kw_only=True, config=ConfigDict(extra="forbid"))
class FigureDefinition:
    """One figure or chart: the sentence that stands beside it."""

    name: Name
    definition: Text


_FIGURES = TypeAdapter(tuple[FigureDefinition, ...])


@cache
def load_figures() -> Mapping[str, FigureDefinition]:
    """The figures of the first screen, by name."""
    return load(files("templates") / "reports" / "dashboard.yaml")


def meaning(name: str) -> Text:
    """
    The sentence that stands beside the figure *name*.

    Raises:
        KeyError: Nothing of that name is declared.
    """
    return load_figures()[name].definition


def load(path: Path | Traversable) -> Mapping[str, FigureDefinition]:
    """
    The figures declared in the file at *path*.

    Raises:
        DefinitionError: It is no YAML, misses a key or has one too many.
    """
    _, node, raw = mapping_in(path)
    try:
        figures = _FIGURES.validate_python(raw.get("figures"))
    except ValidationError as error:
        told = (located(path, node, ("figures", *e["loc"]), e["msg"]) for e in error.errors())
        raise DefinitionError("\n".join(told)) from error
    return {figure.name: figure for figure in figures}
