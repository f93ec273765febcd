"""Entry point: commands, exit codes, and errors as sentences."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

import typer

from orchestrator import __version__
from orchestrator.cli.view import ViewTyper, begin
from orchestrator.errors import Interrupted, OrchestratorError

# Typer brings click inside itself since 0.29 and used the public one before: ask it for the class.
_CliError: type[Exception] = next(
    base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException"
)

COMMANDS = (
    "discover",
    "diagnose",
    "reconcile",
    "plan",
    "show",
    "explain",
    "check",
    "apply",
    "status",
    "journal",
    "pause",
    "resume",
    "rollback",
    "graph",
    "report",
    "serve",
)

app = ViewTyper(
    name="orchestrator",
    help="Upgrade Exchange Client Access servers without breaking a proxied path.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(show: bool) -> None:
    if show:
        typer.echo(f"orchestrator {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Show the version and exit."
    ),
) -> None:
    pass


def add_commands(words: Sequence[str] = ()) -> None:
    """Make commands known: the one that is called, or all where none or an unknown one is.

    Each is a module of its own name. One alone starts in half the time, and reading logs keeps
    to 60 MB because it loads nothing of the planner's.
    """
    wanted = words[:1] if words and words[0] in COMMANDS else COMMANDS
    known = {command.name for command in app.registered_commands}
    for name in wanted:
        if name not in known:
            module = importlib.import_module(f"orchestrator.cli.{name}")
            # serve starts others that write to stdout
            app.command(name=name, views=name != "serve")(getattr(module, name))


def _add_lab() -> None:
    """The lab is an extra: without its packages the command says how to get it."""
    try:
        from orchestrator.cli.lab import app as lab
    except ImportError as error:
        missing = error.name

        @app.command(name="lab", help="The simulated farm (not installed).")
        def _no_lab() -> None:
            raise OrchestratorError(
                f"the lab is not installed (no {missing})",
                "pip install 'exchange-proxy-orchestrator[lab]'",
            )
    else:
        app.add_typer(lab, name="lab")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code, 1 for any error a person can mend."""
    if "lab" in (sys.argv[1:2] if arguments is None else arguments[:1]) or _wants_help(arguments):
        _add_lab()
    words = sys.argv[1:] if arguments is None else list(arguments)
    add_commands(words)
    view = begin(words)
    try:
        code = _run(words)
    except OrchestratorError as error:
        view.fail(error)
        code = error.exit_code
    view.end(next((word for word in words if not word.startswith("-")), ""), code)
    return code


def _run(words: list[str]) -> int:
    try:
        code = typer.main.get_command(app).main(
            args=words, prog_name="orchestrator", standalone_mode=False
        )
    except (typer.Abort, KeyboardInterrupt):
        raise Interrupted from None
    except _CliError as error:
        raise _usage(error) from None
    return code if isinstance(code, int) else 0


def _wants_help(arguments: Sequence[str] | None) -> bool:
    given = sys.argv[1:] if arguments is None else arguments
    return not given or given[0] == "--help"


def _usage(error: Exception) -> OrchestratorError:
    """What click found wrong with the words of a command, as one of our own errors."""
    # Its str() leaves out what matters: which option is missing, and how it is written.
    say = getattr(error, "format_message", error.__str__)
    context = getattr(error, "ctx", None)
    remedy = f"see {context.command_path} --help" if context is not None else ""
    return OrchestratorError(f"Error: {say()}", remedy)


def run() -> None:
    """Console script."""
    sys.exit(main())
