"""Putting a company's own form into use, and taking it out again."""

from collections.abc import Mapping
from hashlib import sha256

from sqlalchemy import func, select

from server import forms
from server.access.visibility import Viewer
from server.forms import FormRefused
from server.records import audit, form_tables
from server.records.audit import Event
from server.records.models import Record
from server.settings import SettingsError
from server.site import Site, bring_records_forward
from workbooks.form import FormDefinition, Text


def install_form(site: Site, definition: FormDefinition, files: Mapping[str, bytes], *, by: Viewer) -> bool:
    """
    Put a checked form into use, or a higher version of one: its tables, its files, the audit entry.

    False when the very same files are installed already.

    Raises:
        FormRefused: The version is not higher, or a field changed its type.
    """
    form_id = definition.form_id
    if forms.contents(site.settings.home / forms.FOLDER / form_id) == files:
        return False
    before = site.definitions.get(form_id)
    if before is not None and before.version >= definition.version:
        raise FormRefused(
            Text(
                f"表单 {form_id} 已安装版本 {before.version}；内容有改动，请把 version 改为 {before.version + 1}",
                f"version {before.version} of form {form_id} is installed and differs from this one; "
                f"set version: {before.version + 1}",
            )
        )
    details = {"version": definition.version, "sha256": {name: sha256(c).hexdigest() for name, c in files.items()}}
    event = Event(actor=by.username, action="form-installed", subject=form_id, details=details)
    try:
        with site.session() as session:
            audit.lock(session)
            connection = session.connection()
            form_tables.ensure(connection, {form_id: definition})
            bring_records_forward(connection, site.settings, {form_id: definition})
            audit.append(session, site.audit_key, [event])
            forms.keep(site.settings.home, form_id, files)
    except SettingsError as error:
        raise FormRefused(Text(str(error), str(error))) from error
    return True


def remove_form(site: Site, form_id: str, *, by: Viewer) -> None:
    """
    Take an installed form out of use; its empty tables stay.

    Raises:
        FormRefused: It is not installed, or there are records of it.
    """
    if form_id not in forms.installed(site.settings.home):
        raise FormRefused(Text(f"没有安装表单 {form_id}", f"form {form_id} is not installed"))
    with site.session() as session:
        audit.lock(session)
        count = session.scalar(select(func.count()).where(Record.form_id == form_id)) or 0
        if count:
            raise FormRefused(
                Text(
                    f"表单 {form_id} 有 {count} 条记录，不能移除",
                    f"there are {count} records of form {form_id}; it stays",
                )
            )
        event = Event(actor=by.username, action="form-removed", subject=form_id, details={})
        audit.append(session, site.audit_key, [event])
        forms.forget(site.settings.home, form_id)
