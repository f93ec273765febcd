"""Why there is no safe plan, as a file for those who were not at the terminal."""

from __future__ import annotations

from pathlib import Path

from orchestrator.errors import NoSafePlan, OrchestratorError


def write_certificate(refusal: NoSafePlan, file: Path) -> None:
    """Write the reason, the cure and the contradiction as a small graph, in Markdown.

    Raises
    ------
    OrchestratorError
        If the file exists or cannot be written; the reason is said there, too.
    """
    parts = ["# No safe plan\n", f"```text\n{refusal.message}\n```\n"]
    if refusal.diagram:
        arrows = "An arrow runs from what must change first to what must change after it."
        parts += [f"```mermaid\n{refusal.diagram}```\n", f"{arrows}\n"]
    if refusal.remedy:
        parts.append(f"What to do: {refusal.remedy}\n")
    try:
        with file.open("x", encoding="utf-8", newline="\n") as out:
            out.write("\n".join(parts))
    except OSError as error:
        raise OrchestratorError(
            f"{refusal.message}\n{file} was not written: {error.strerror}", refusal.remedy
        ) from None
