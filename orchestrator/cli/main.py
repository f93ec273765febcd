"""Entry point: commands, exit codes, and errors as sentences."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from orchestrator import __version__
from orchestrator.cli import (
    apply,
    check,
    diagnose,
    discover,
    explain,
    graph,
    journal,
    pause,
    plan,
    report,
    resume,
    rollback,
    serve,
    status,
)
from orchestrator.cli.view import ViewTyper, begin
from orchestrator.errors import Interrupted, OrchestratorError

# Typer brings click inside itself since 0.29 and used the public one before: ask it for the class.
_CliError: type[Exception] = next(
    base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException"
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


app.command(name="discover")(discover.discover)
app.command(name="diagnose")(diagnose.diagnose)
app.command(name="plan")(plan.plan)
app.command(name="explain")(explain.explain)
app.command(name="check")(check.check)
app.command(name="apply")(apply.apply)
app.command(name="status")(status.status)
app.command(name="journal")(journal.journal)
app.command(name="pause")(pause.pause)
app.command(name="resume")(resume.resume)
app.command(name="rollback")(rollback.rollback)
app.command(name="graph")(graph.graph)
app.command(name="report")(report.report)
app.command(name="serve", views=False)(serve.serve)


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
