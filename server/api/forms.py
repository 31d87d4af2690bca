"""Forms and their blank workbooks."""

from typing import Any

from flask import Response, request, url_for

from server.api.access import caller, needs
from server.api.blueprint import api, site
from server.api.problems import Problem, wanted_language
from server.api.responses import file_response, json_response
from server.intake.macros import MEDIA_TYPE, form_with_macros
from server.intake.sealed import blank_template
from workbooks.form import FormDefinition, Language, Text


@api.get("/templates")
@needs("read")
def list_templates() -> Response:
    return json_response({"templates": [_as_dict(definition) for definition in site().definitions.values()]})


@api.get("/templates/<form_id>")
@needs("read")
def get_template(form_id: str) -> Response:
    """The blank workbook with today's master data in its drop-downs; with `macros=1` with buttons."""
    definition = definition_of(form_id)
    language = wanted_language()
    content = blank_template(site(), definition, viewer=caller(), language=language)
    return form_response(content, definition, language, definition.title[language], f"{form_id}-{language}")


def form_response(content: bytes, definition: FormDefinition, language: Language, name: str, plain: str) -> Response:
    """A form's workbook as a download, with macros where the request asks for them; names without suffix."""
    if request.args.get("macros") != "1":
        return file_response(content, f"{name}.xlsx", f"{plain}.xlsx")
    made = form_with_macros(content, definition, settings=site().settings, language=language, server=own_address())
    return file_response(made, f"{name}.xlsm", f"{plain}.xlsm", MEDIA_TYPE)


def own_address() -> str:
    """Where the macros of a download find this server: its public address, else the one it was asked under."""
    return site().settings.public_url or request.url_root.rstrip("/")


def definition_of(form_id: str) -> FormDefinition:
    """
    The form called *form_id*.

    Raises:
        Problem: not-found, naming the forms there are.
    """
    known = site().definitions
    if form_id in known:
        return known[form_id]
    names = ", ".join(known)
    raise Problem(
        "not-found",
        detail=Text(f"没有表单“{form_id}”；可用：{names}。", f"There is no form {form_id!r}; there are: {names}."),
    )


def texts(words: Text | None) -> dict[str, str] | None:
    return {"zh": words.zh, "en": words.en} if words else None


def _as_dict(definition: FormDefinition) -> dict[str, Any]:
    return {
        "form_id": definition.form_id,
        "version": definition.version,
        "title": texts(definition.title),
        "group": definition.group,
        "hint": texts(definition.hint),
        "fields": [
            {"name": path, "type": str(field.type), "label": texts(field.label), "computed": field.computed}
            for path, field in definition.paths()
        ],
        "links": {
            "workbook": url_for("api.get_template", form_id=definition.form_id),
            "records": url_for("api.list_records", form_id=definition.form_id),
        },
    }
