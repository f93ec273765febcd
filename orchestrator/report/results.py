"""What commands found, each in both forms: for a person and as fields of a document."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from orchestrator.drawing import Scene, scene_document
from orchestrator.execution.run import RunReport
from orchestrator.execution.stop import StopReport
from orchestrator.graph import Diagnosis
from orchestrator.model.words import counted
from orchestrator.report.diagnosis import path_document, print_diagnosis


@dataclass(frozen=True)
class Diagnosed:
    """Every path with its verdict.

    Parameters
    ----------
    diagnosis : Diagnosis
    basis : str
        Where the builds come from.
    within : str
        The field of the document that holds it; empty for the document itself.
    """

    diagnosis: Diagnosis
    basis: str
    within: str = ""

    def print(self, out: Console) -> None:
        """Tables and symptoms."""
        print_diagnosis(out, self.diagnosis, basis=self.basis)

    def document(self) -> dict[str, Any]:
        """Every path."""
        found = {
            "basis": self.basis,
            "blocked": len(self.diagnosis.blocked),
            "paths": [path_document(one) for one in self.diagnosis.paths],
            "sources_first": [path_document(one) for one in self.diagnosis.sources_first],
        }
        return {self.within: found} if self.within else found


@dataclass(frozen=True)
class Explained:
    """Why something is as it is."""

    kind: str
    subject: str
    lines: tuple[str, ...]

    def print(self, out: Console) -> None:
        """Line by line."""
        for line in self.lines:
            out.print(Text(line), soft_wrap=True)

    def document(self) -> dict[str, Any]:
        """The same lines."""
        return {"kind": self.kind, "subject": self.subject, "lines": list(self.lines)}


@dataclass(frozen=True)
class Ran:
    """How a run ended."""

    report: RunReport

    def print(self, out: Console) -> None:
        """One line, or the whole report of a stop."""
        stop = self.report.stop
        if stop is None:
            out.print(
                Text(
                    f"Done: {counted(len(self.report.done), 'step')} in "
                    f"{self.report.seconds:.0f} s; every "
                    "probe saw what the plan expects, and the farm was read and is where the plan "
                    "ends.",
                    style="green",
                )
            )
            return
        for line in stop.lines():
            out.print(Text(line), soft_wrap=True)

    def document(self) -> dict[str, Any]:
        """What is done, and why it stopped."""
        stop = self.report.stop
        return {
            "done": list(self.report.done),
            "seconds": self.report.seconds,
            "stop": stop_document(stop) if stop else None,
        }


def stop_document(stop: StopReport) -> dict[str, Any]:
    """Why a run stopped, as JSON values."""
    return {
        "reason": stop.reason,
        "others": list(stop.others),
        "step": stop.step.id if stop.step else None,
        "status": str(stop.status) if stop.status else None,
        "paused": stop.paused,
        "interrupted": stop.interrupted,
        "failures": [
            {"host": f.host, "task": f.task, "message": f.message, "in_doubt": f.in_doubt}
            for f in stop.failures
        ],
        "remaining": list(stop.remaining),
        "farm_read": stop.farm is not None and stop.farm.complete,
        "changed": list(stop.changed),
        "unexpected": list(stop.unexpected),
        "redirections_on": list(stop.redirections_on),
        "redirections_possible": list(stop.redirections_possible),
        "next_steps": list(stop.next_steps),
        "way_back": asdict(stop.remains) if stop.remains else None,
    }


@dataclass(frozen=True)
class Said:
    """A sentence for a person and fields for a program."""

    line: str
    fields: dict[str, Any]
    style: str = ""

    def print(self, out: Console) -> None:
        """The sentence; none if it is empty."""
        if self.line:
            out.print(Text(self.line, style=self.style), soft_wrap=True)

    def document(self) -> dict[str, Any]:
        """The fields."""
        return self.fields


@dataclass(frozen=True)
class Drawn:
    """A graph as text in the form that was asked for."""

    scene: Scene
    title: str
    text: str
    file: Path | None

    def print(self, out: Console) -> None:
        """The text goes to stdout as it is: it is for another program already."""
        if self.file is None:
            out.file.write(self.text)

    def document(self) -> dict[str, Any]:
        """The same graph."""
        return scene_document(self.scene, self.title)
