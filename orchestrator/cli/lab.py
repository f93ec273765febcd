"""`orchestrator lab`: the simulated farm, and the demo on it."""

from orchestrator.cli.demo import demo
from orchestrator.lab.commands import app

app.command(name="demo")(demo)

__all__ = ["app"]
