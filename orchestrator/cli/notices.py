"""What people are told about a run, and when: started, paused, failed, finished, rolled back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from orchestrator.execution.run import RunReport
from orchestrator.inventory.vault import decrypted
from orchestrator.model.words import counted
from orchestrator.notify.sinks import read_urls, sinks
from orchestrator.notify.teller import Teller
from orchestrator.report.console import err

Notify = Annotated[
    Path | None,
    typer.Option(
        "--notify",
        metavar="FILE",
        help="Tell the apprise URLs in FILE (one a line, chmod 600) that the run started, paused, "
        "failed, finished or was rolled back. The file may be encrypted with ansible-vault. A sink "
        "that fails or is slow changes nothing.",
        show_default=False,
    ),
]


_OF_A_WAY_BACK = {
    "started": "going back",
    "paused": "paused on its way back",
    "failed": "stuck on its way back",
    "finished": "rolled back",
}


@dataclass
class Notices:
    """Tells about one run; silent without sinks.

    Parameters
    ----------
    teller : Teller or None
    organization, plan : str
        What the run is about; the plan by the beginning of its digest.
    way_back : bool
        Whether the run undoes another.
    begun : bool
        Whether people know that it started.
    """

    teller: Teller | None
    organization: str
    plan: str
    way_back: bool = False
    begun: bool = False

    def started(self, what: str) -> None:
        """The first step is about to start."""
        self.begun = True
        self._tell("started", what)

    def ended(self, report: RunReport) -> None:
        """Say how it ended; nothing of what hosts said, which may hold anything."""
        stop = report.stop
        if stop is None:
            self._tell("finished", f"{counted(len(report.done), 'step')} in {report.seconds:.0f} s")
        elif stop.paused:
            self._tell("paused", stop.reason)
        else:
            step = f"step {stop.step.id} is {stop.status}: " if stop.step else ""
            self._tell("failed", f"{step}{stop.reason}")

    def died(self, error: BaseException) -> None:
        """The run was left by an error of the program or its surroundings."""
        if self.begun:
            self._tell("failed", f"the run was left: {type(error).__name__}")

    def _tell(self, event: str, text: str) -> None:
        if self.teller is not None:
            event = _OF_A_WAY_BACK[event] if self.way_back else event
            title = f"Exchange upgrade {event}: {self.organization}"
            self.teller.tell(title, f"Plan {self.plan}: {text}")


@contextmanager
def notices(
    file: Path | None,
    organization: str,
    mark: str,
    *,
    way_back: bool = False,
    vault_password_file: Path | None = None,
) -> Iterator[Notices]:
    """Notices of a run; what could not be delivered is told at its end.

    Raises
    ------
    OrchestratorError
        Before anything begins: the file or one of its URLs cannot be used.
    """
    teller = None
    if file is not None:
        urls = read_urls(file, lambda text: decrypted(file, text, vault_password_file))
        teller = Teller(sinks(urls))
    told = Notices(teller, organization, mark[:19], way_back)
    try:
        yield told
    except Exception as error:
        told.died(error)
        raise
    finally:
        for line in teller.close() if teller is not None else ():
            err().print(Text(line, style="yellow"), soft_wrap=True)
