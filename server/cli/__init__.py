"""The command line `aftersheet`; each group of commands is a module, imported when it is used."""

from importlib import import_module

import click

_COMMANDS = {
    "template": "offline",
    "check": "offline",
    "intake": "submissions",
    "receipt": "submissions",
    "records": "submissions",
    "report": "figures",
    "push": "workbooks",
    "verify": "verifying",
    "versions": "workbooks",
    "restore": "workbooks",
    "datasets": "figures",
    "workbooks": "registered",
    "form": "forms",
    "master": "administration",
    "user": "accounts",
    "issued": "issued",
    "audit": "administration",
    "serve": "administration",
    "mail": "mail",
    "desk": "desk",
    "demo": "demo",
}


class _Commands(click.Group):
    """Imports a command's module only when that command runs: `check` never waits for Flask."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"server.cli.{_COMMANDS[cmd_name]}"), cmd_name)
        return command


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="aftersheet")
def main() -> None:
    """
    Aftersheet: after-sales service that runs on Excel.

    Standardized workbooks in, checked records stored, true figures back in workbooks.
    The data folder is AFTERSHEET_HOME; `aftersheet demo` shows everything at once.
    """
