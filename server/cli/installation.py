"""The installation a command works on, opened and closed around it."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from server import logs
from server.settings import SettingsError
from server.site import Site


@contextmanager
def open_site() -> Iterator[Site]:
    """
    The site of the environment's settings, closed when the command ends.

    An installation that cannot start ends the command with what file or key is wrong. The
    log goes to standard error: what a command prints is for people or programs.
    """
    logs.configure()
    try:
        site = Site.open()
    except SettingsError as error:
        raise click.ClickException(str(error)) from error
    try:
        yield site
    finally:
        site.close()
