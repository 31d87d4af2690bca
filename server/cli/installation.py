"""The installation a command works on, opened and closed around it."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from server.settings import SettingsError
from server.site import Site


@contextmanager
def open_site() -> Iterator[Site]:
    """
    The site of the environment's settings, closed when the command ends.

    An installation that cannot start ends the command with what file or key is wrong.
    """
    try:
        site = Site.open()
    except SettingsError as error:
        raise click.ClickException(str(error)) from error
    try:
        yield site
    finally:
        site.close()
