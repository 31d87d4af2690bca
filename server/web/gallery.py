"""The gallery of forms: blank workbooks in both languages, and the way to fill one in here."""

from collections.abc import Mapping
from itertools import groupby

from flask import Blueprint, Response, abort, render_template, request

from server.intake.macros import MEDIA_TYPE, form_with_macros
from server.intake.sealed import blank_template
from server.web.context import site
from server.web.files import attachment, workbook
from server.web.language import LANGUAGES
from server.web.record import may_begin
from server.web.viewer import login_required, signed_in
from workbooks.form import FormDefinition, Language, Text

pages = Blueprint("gallery", __name__)

GROUPS: Mapping[str, Text] = {
    "feedback": Text("客户反馈与满意度", "Customer feedback and satisfaction"),
    "fracas": Text("故障报告与纠正措施", "Failure reports and corrective action"),
    "trips": Text("出差与外派服务", "Trips and field service"),
    "other": Text("其他", "Other"),
}


@pages.get("/templates")
@login_required
def show() -> str:
    order = list(GROUPS)
    forms = sorted(site().definitions.values(), key=lambda form: order.index(form.group))
    groups = [(GROUPS[name], list(members)) for name, members in groupby(forms, key=lambda form: form.group)]
    mine = {form.form_id for form in forms if may_begin(form, signed_in())}
    return render_template("gallery.html", groups=groups, questions=questions, mine=mine)


@pages.get("/templates/<form_id>-<language>.xlsx")
@login_required
def download(form_id: str, language: str) -> Response:
    """The blank workbook of a form, with today's master data in its drop-downs."""
    definition, tongue = definition_or_404(form_id), _language_or_404(language)
    content = blank_template(site(), definition, viewer=signed_in(), language=tongue)
    return workbook(content, definition.title[tongue], f"{form_id}-{language}")


@pages.get("/templates/<form_id>-<language>.xlsm")
@login_required
def download_with_buttons(form_id: str, language: str) -> Response:
    """The same with macros: its buttons talk to the address this page has."""
    definition, tongue = definition_or_404(form_id), _language_or_404(language)
    content = blank_template(site(), definition, viewer=signed_in(), language=tongue)
    address = site().settings.public_url or request.url_root.rstrip("/")
    made = form_with_macros(content, definition, settings=site().settings, language=tongue, server=address)
    return attachment(made, f"{definition.title[tongue]}.xlsm", MEDIA_TYPE, f"{form_id}-{language}.xlsm")


def _language_or_404(language: str) -> Language:
    return next((known for known in LANGUAGES if known == language), None) or abort(404)


def definition_or_404(form_id: str) -> FormDefinition:
    definition = site().definitions.get(form_id)
    if definition is None:
        abort(404)
    return definition


def questions(definition: FormDefinition) -> int:
    """How many different answers a form asks for; what it computes itself does not count."""
    return sum(not field.computed for _, field in definition.paths())
