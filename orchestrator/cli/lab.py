"""`orchestrator lab`: the simulated farm, and the demo on it."""

from orchestrator.cli.demo import demo
from orchestrator.cli.view import ViewTyper
from orchestrator.lab import commands

app = ViewTyper(name="lab", help=commands.app.info.help, no_args_is_help=True)
for one in commands.app.registered_commands:
    if one.callback is not None:
        app.command(name=one.name, help=one.help)(one.callback)
app.command(name="demo", views=False)(demo)

__all__ = ["app"]
