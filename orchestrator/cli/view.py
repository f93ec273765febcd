"""How a command shows what it found: to a person, as plain lines, or as one JSON document.

Commands hand over results (`show`); which view they reach is decided once, from the words of the
command line. Text a command prints besides goes with the document as its messages.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Protocol, TypeVar, get_type_hints

import typer
from rich.console import Console

from orchestrator.diagnostic import Diagnostic
from orchestrator.errors import InvalidInput, OrchestratorError
from orchestrator.report import console
from orchestrator.report.console import Mode
from orchestrator.report.json_text import diagnostic_document, json_text

Command = TypeVar("Command", bound=Callable[..., Any])

_JSON = Annotated[
    bool, typer.Option("--json", help="One JSON document on stdout, as in docs/json.md.")
]
_PLAIN = Annotated[
    bool, typer.Option("--plain", help="Lines of text: no boxes, no colour, tables by tabs.")
]


class Result(Protocol):
    """Something a command found, in both forms."""

    def print(self, out: Console) -> None:
        """For a person."""
        ...

    def document(self) -> dict[str, Any]:
        """For a program: fields of the command's document (docs/json.md)."""
        ...


class View(Protocol):
    """Shows results, warnings and errors of one command."""

    def show(self, result: Result) -> None:
        """Show a result."""
        ...

    def warn(self, warning: Diagnostic) -> None:
        """Show what the user should know although the command goes on."""
        ...

    def fail(self, error: OrchestratorError) -> None:
        """Show why the command cannot go on."""
        ...

    def end(self, command: str, code: int) -> None:
        """The command has ended with this exit code."""
        ...


class HumanView:
    """Tables and colour where there is a terminal; plain lines where asked for."""

    def show(self, result: Result) -> None:
        """Print it."""
        result.print(console.out())

    def warn(self, warning: Diagnostic) -> None:
        """Print it."""
        console.say(f"warning: {warning}", style="yellow")

    def fail(self, error: OrchestratorError) -> None:
        """Print it, with the remedy."""
        console.say(error.message, style="red")
        if error.remedy:
            console.say(f"What to do: {error.remedy}")

    def end(self, command: str, code: int) -> None:
        """Nothing more to say."""


class JsonView:
    """Collects everything and writes one document to stdout when the command ends."""

    def __init__(self) -> None:
        self._fields: dict[str, Any] = {}
        self._warnings: list[dict[str, Any]] = []
        self._error: dict[str, Any] | None = None

    def show(self, result: Result) -> None:
        """Keep its fields; warnings join those shown before."""
        fields = result.document()
        self._warnings += fields.pop("warnings", [])
        self._fields |= fields

    def warn(self, warning: Diagnostic) -> None:
        """Keep it."""
        self._warnings.append(diagnostic_document(warning))

    def fail(self, error: OrchestratorError) -> None:
        """Keep it; fields shown before stay."""
        found = error.diagnostics if isinstance(error, InvalidInput) else ()
        self._error = {
            "kind": type(error).__name__,
            "message": error.message,
            "remedy": error.remedy,
            "diagnostics": [diagnostic_document(one) for one in found],
        }

    def end(self, command: str, code: int) -> None:
        """Write the document."""
        head = {"command": command, "exit_code": code, "warnings": self._warnings}
        tail: dict[str, Any] = {"messages": console.recorded()}
        if self._error is not None:
            tail["error"] = self._error
        typer.echo(json_text({**head, **self._fields, **tail}), nl=False)


class JournalLines(JsonView):
    """For what is a stream of documents by nature: nothing but errors is added to it."""

    def end(self, command: str, code: int) -> None:
        """Write a document only if something went wrong."""
        if self._error is not None:
            super().end(command, code)


_VIEWS: dict[Mode, type[HumanView | JsonView]] = {
    Mode.HUMAN: HumanView,
    Mode.PLAIN: HumanView,
    Mode.JSON: JsonView,
}
_now: list[View] = [HumanView()]


def view() -> View:
    """The view of the command that runs."""
    return _now[0]


def show(result: Result) -> None:
    """Show a result in the view of the command that runs."""
    view().show(result)


def begin(words: Sequence[str]) -> View:
    """Choose the view by the words of a command line, before any of them can be wrong."""
    given = list(words)[: words.index("--")] if "--" in words else words
    mode = Mode.JSON if "--json" in given else Mode.PLAIN if "--plain" in given else Mode.HUMAN
    if "--help" in given:
        mode = Mode.HUMAN
    console.begin(mode)
    lines = mode is Mode.JSON and given[:1] == ["journal"] and "--verify" not in given
    _now[0] = JournalLines() if lines else _VIEWS[mode]()
    return _now[0]


class ViewTyper(typer.Typer):
    """An application whose commands all know ``--json`` and ``--plain``; `begin` reads them."""

    def command(
        self, *args: Any, views: bool = True, **kwargs: Any
    ) -> Callable[[Command], Command]:
        """As typer's own; without `views` for what starts others that write to stdout."""
        register = super().command(*args, **kwargs)
        if not views:
            return register

        def decorate(function: Command) -> Command:
            register(_with_views(function))
            return function

        return decorate


def _with_views(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function with two more options, which it is not told of."""
    hints = {**get_type_hints(function, include_extras=True), "as_json": _JSON, "as_plain": _PLAIN}

    @functools.wraps(function)
    def called(*args: Any, as_json: bool = False, as_plain: bool = False, **kwargs: Any) -> Any:
        del as_json, as_plain
        if type(view()) is not JsonView:
            return function(*args, **kwargs)
        with console.kept():
            return function(*args, **kwargs)

    own = inspect.signature(function)
    parameters = [p.replace(annotation=hints[name]) for name, p in own.parameters.items()]
    for name in ("as_json", "as_plain"):
        kind = inspect.Parameter.KEYWORD_ONLY
        parameters.append(inspect.Parameter(name, kind, default=False, annotation=hints[name]))
    called.__annotations__ = hints
    called.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
    return called
