"""Putting a company's form into use, on both databases: once, again, in a higher version, and out of use."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import inspect, select, text

from server import forms
from server.access.visibility import Viewer
from server.forms import FormRefused
from server.installing import install_form, remove_form
from server.intake.receive import receive_values
from server.records.audit import verify_audit
from server.records.models import AuditEntry
from server.settings import Settings, SettingsError
from server.site import Site
from server.statistics.datasets import load as load_dataset
from tests.make_paper import PAPER
from tests.server.conftest import FORMS
from workbooks.form import FormDefinition
from workbooks.library import load
from workbooks.proposal import propose

ID = "parts_request_form"
ME = Viewer.operator()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The proposed parts request form."""
    proposal = propose((PAPER / "备件申请单.xlsx").read_bytes(), filename="备件申请单.xlsx")
    home = tmp_path_factory.mktemp("proposed")
    (home / "form.yaml").write_text(proposal.definition, encoding="utf-8")
    (home / "template.xlsx").write_bytes(proposal.template)
    return home


@pytest.fixture
def site(settings: Settings) -> Iterator[Site]:
    """A site without reading processes: nothing here is read from a file."""
    opened = Site.open(settings, definitions=FORMS)
    yield opened
    opened.close()


def changed(folder: Path, **replaced: str) -> tuple[FormDefinition, dict[str, bytes]]:
    """The form with words of its definition replaced: loaded, and as files."""
    files = forms.contents(folder)
    text = files["form.yaml"].decode()
    for old, new in replaced.items():
        text = text.replace(old.replace("_is_", ": "), new)
    (folder / "changed").mkdir(exist_ok=True)
    source = folder / "changed" / "form.yaml"
    source.write_text(text, encoding="utf-8")
    return load(source), {**files, "form.yaml": source.read_bytes()}


def sent(site: Site) -> str:
    answers = {
        "requesting_department": "成都服务站",
        "requested_on": "2026-11-20",
        "items": [{"part_name": "闸片", "quantity": 40}, {"part_name": "电磁阀", "quantity": 2}],
    }
    receipt = receive_values(site, ID, answers, channel="api", sender=ME)
    assert receipt.outcome == "recorded", receipt.findings
    return str(receipt.record_number)


def test_an_installed_form_has_tables_and_takes_records(site: Site, folder: Path):
    """At once, with its number, in typed tables, with an audit entry that fits the chain."""
    assert install_form(site, load(folder / "form.yaml"), forms.contents(folder), by=ME)

    assert sent(site).startswith("PRF-")
    with site.session(read_only=True) as session:
        assert session.execute(text(f"SELECT requested_on FROM form_{ID}")).one()[0] is not None
        assert session.execute(text(f"SELECT sum(quantity) FROM form_{ID}__items")).scalar() == 42
        actions = session.execute(select(AuditEntry.action, AuditEntry.subject)).all()
        assert ("form-installed", ID) in [tuple(action) for action in actions]
        assert verify_audit(session, site.audit_key).sound
        lines = load_dataset(session, f"records_{ID}__items", ME, site=site, language="zh")
    assert len(lines) == 2
    assert len({column.label.zh for column in lines.columns}) == len(lines.columns)


def test_the_next_start_knows_it(site: Site, settings: Settings, folder: Path):
    """With its look; the forms that come along are there as before."""
    install_form(site, load(folder / "form.yaml"), forms.contents(folder), by=ME)

    again = Site.open(settings, definitions=FORMS)

    assert list(again.definitions) == [*FORMS, ID]
    assert again.definitions[ID].own_look == forms.contents(folder)["template.xlsx"]
    again.close()


def test_installing_again_needs_a_higher_version(site: Site, folder: Path):
    """The same files change nothing; others of the same version are refused; a higher one is an upgrade."""
    install_form(site, load(folder / "form.yaml"), forms.contents(folder), by=ME)
    number = sent(site)

    assert not install_form(site, load(folder / "form.yaml"), forms.contents(folder), by=ME)
    with pytest.raises(FormRefused) as refused:
        install_form(site, *changed(folder, purpose="usage"), by=ME)
    assert "version: 2" in refused.value.why.en
    migration = "version: 2\nmigrations:\n  - {to: 2, rename: {purpose: usage}}"
    definition, files = changed(folder, purpose="usage", version_is_1=migration)
    assert install_form(site, definition, files, by=ME)
    assert (site.definitions[ID].version, site.definitions[ID].field("usage").label.zh) == (2, "用途")
    assert "usage" in {column["name"] for column in inspect(site.engine).get_columns(f"form_{ID}")}
    with site.session(read_only=True) as session:
        assert number in str(list(load_dataset(session, f"records_{ID}", ME, site=site).rows()))


def test_a_field_that_changed_its_type_is_refused(site: Site, folder: Path):
    """Nothing of the new version is in force then: neither files nor tables nor an audit entry."""
    install_form(site, load(folder / "form.yaml"), forms.contents(folder), by=ME)
    definition, files = changed(folder, version_is_1="version: 2", type_is_integer="type: date")

    with pytest.raises(FormRefused, match="quantity"):
        install_form(site, definition, files, by=ME)
    assert site.definitions[ID].version == 1
    assert forms.contents(site.settings.home / "forms" / ID) == forms.contents(folder)
    with site.session(read_only=True) as session:
        installed = select(AuditEntry).where(AuditEntry.action == "form-installed")
        assert len(session.scalars(installed).all()) == 1


def test_a_form_with_records_stays(site: Site, folder: Path):
    """What people sent is not to be lost with it; a form that is not installed cannot be removed."""
    install_form(site, load(folder / "form.yaml"), forms.contents(folder), by=ME)
    with pytest.raises(FormRefused, match="fracas"):
        remove_form(site, "fracas", by=ME)
    sent(site)
    with pytest.raises(FormRefused, match="1"):
        remove_form(site, ID, by=ME)

    assert ID in site.definitions


def test_a_form_without_records_goes(site: Site, folder: Path):
    """And can come back: its empty tables are there still."""
    definition = load(folder / "form.yaml")
    install_form(site, definition, forms.contents(folder), by=ME)
    remove_form(site, ID, by=ME)
    assert ID not in site.definitions

    assert install_form(site, replace(definition), forms.contents(folder), by=ME)
    assert sent(site).startswith("PRF-")


def test_a_form_broken_by_hand_never_stops_a_running_server(site: Site, settings: Settings, folder: Path):
    """It goes on with the forms as they were; the next start names file and line."""
    install_form(site, load(folder / "form.yaml"), forms.contents(folder), by=ME)
    assert ID in site.definitions
    files = forms.contents(folder)
    forms.keep(settings.home, ID, files | {"form.yaml": files["form.yaml"].replace(b"type: date", b"type: day")})

    assert site.definitions[ID].version == 1
    with pytest.raises(SettingsError, match=r"form\.yaml:\d+: .*type"):
        Site.open(settings, definitions=FORMS)
