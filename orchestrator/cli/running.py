"""Running a checked plan of a folder: the wiring `apply`, `resume` and `rollback --apply` share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from orchestrator.cli.kept import keep_disproof
from orchestrator.cli.live import ansible_inputs, read_farm
from orchestrator.cli.notices import Notices, notices
from orchestrator.cli.to_type import by_ansible
from orchestrator.cli.view import show
from orchestrator.cli.windows import read_times
from orchestrator.errors import OrchestratorError
from orchestrator.execution.asking import approval_of
from orchestrator.execution.attempts import AnsibleInputs, FarmReader, PathLooker, StepPlaybooks
from orchestrator.execution.clock import SystemClock
from orchestrator.execution.drained import still_out
from orchestrator.execution.engine import Approval, resume_plan, run_plan
from orchestrator.execution.gate import require_resumable, require_start, require_unused
from orchestrator.execution.gates import Gates
from orchestrator.execution.interrupt import interruptible, pausable
from orchestrator.execution.learned import (
    Learned,
    durations_of,
    keep_durations,
    learned_minutes,
    read_durations,
)
from orchestrator.execution.leftovers import settle
from orchestrator.execution.lock import Owner, run_lock
from orchestrator.execution.ports import Ports
from orchestrator.execution.position import Position
from orchestrator.execution.remains import Undoing
from orchestrator.execution.room import Room
from orchestrator.execution.run import Commands, RunReport
from orchestrator.execution.terms import Terms
from orchestrator.execution.times import Times
from orchestrator.execution.way_back import begin_way_back, parent_of, way_back_done
from orchestrator.execution.who import Who
from orchestrator.inventory import Inventory
from orchestrator.inventory.policy_file import read_thresholds
from orchestrator.journal.entry import Entry, Kind
from orchestrator.journal.projection import view
from orchestrator.journal.store import JOURNAL_NAME, Journal
from orchestrator.model.plan import Plan
from orchestrator.model.thresholds import Response
from orchestrator.model.words import counted
from orchestrator.planfile import digest, read_plan
from orchestrator.playbook import look_variables, step_playbook
from orchestrator.report.console import err, lively
from orchestrator.report.live import LiveProgress
from orchestrator.report.progress import LineProgress
from orchestrator.report.results import Ran
from orchestrator.shipped import playbooks_folder

TakeOver = Annotated[
    bool,
    typer.Option("--take-over", help="Take over the lock of a run that has died; journalled."),
]
EndChild = Annotated[
    bool,
    typer.Option(
        "--end-child",
        help="End what an interrupted run left working, instead of waiting for it.",
    ),
]
MaxParallel = Annotated[
    int | None,
    typer.Option(
        "--max-parallel",
        metavar="N",
        min=1,
        max=100,
        help="Steps at once; absent: what the plan's timetable was made for, else 1.",
        show_default=False,
    ),
]
WindowsFileOption = Annotated[
    Path | None,
    typer.Option(
        "--windows",
        metavar="FILE",
        help="Keep inside these maintenance windows; only for a plan that has no times of its own.",
        show_default=False,
    ),
]
Wait = Annotated[
    bool,
    typer.Option("--wait", help="Wait for the next window instead of ending as paused (exit 5)."),
]


@dataclass(frozen=True)
class Job:
    """A plan folder to be run.

    Parameters
    ----------
    folder : Path
        Holds plan.json and playbooks/; journal and attempts go there, too.
    plan : Plan
    inventory : Inventory
    inputs : AnsibleInputs
    approve : str
        The digest given on the command line; empty asks.
    because : str
        Why it counts as approved, if nobody approved this very digest.
    commands : Commands
        Shown when the run stops.
    take_over, end_child : bool
        As the options of the same name.
    max_parallel : int or None
        Steps at once; None: what the timetable was made for, else 1.
    windows : Path or None
        Windows file of a plan without times.
    wait : bool
        As the option of the same name.
    notify : Path or None
        File of URLs that are told about the run.
    sites : tuple of str
        Of a way back: the sites it is only about; empty for all.
    """

    folder: Path
    plan: Plan
    inventory: Inventory
    inputs: AnsibleInputs
    approve: str = ""
    because: str = ""
    commands: Commands = field(default_factory=Commands)
    take_over: bool = False
    end_child: bool = False
    max_parallel: int | None = None
    windows: Path | None = None
    wait: bool = False
    notify: Path | None = None
    sites: tuple[str, ...] = ()

    def terms(self) -> Terms:
        """What the run keeps to.

        Raises
        ------
        OrchestratorError
            If an option contradicts the times that were approved with the plan.
        InvalidInput
            With every fault of the windows file.
        """
        schedule = self.plan.schedule
        topology = self.inventory.topology
        limits = read_thresholds(self.inventory.folder)
        if parent_of(self.folder) is not None:
            # Going back is urgent, and its start is no state to measure anything by.
            limits = replace(limits, baseline=False, unknown_coverage=Response.REPORT)
        room, gates = Room(topology.pools), Gates(topology, limits)
        undoing = self._undoing()
        known = read_durations(self.inventory.folder)
        found = learned_minutes(self.plan, known, limits)
        if schedule is None:
            times = self._times_of(self.windows, found) if self.windows is not None else None
            if times is None and self.wait:
                raise OrchestratorError(
                    "--wait: there is no window to wait for",
                    "name the windows with --windows FILE, or leave --wait out",
                )
            return Terms(room, self.max_parallel or 1, times, self.wait, gates, undoing)
        if self.windows is not None:
            raise OrchestratorError(
                f"--windows {self.windows}: {self.folder} has times of its own, which were "
                "approved with it",
                "leave --windows out, or make a new plan with these windows",
            )
        most = schedule.policy.max_parallel
        if self.max_parallel is not None and self.max_parallel > most:
            raise OrchestratorError(
                f"--max-parallel {self.max_parallel}: the times of {self.folder} were approved "
                f"for at most {counted(most, 'step')} at once",
                "use less, or make a new plan with policy: max_parallel in its windows file",
            )
        planned = Times.of_plan(schedule, _longer(self.plan, found))
        return Terms(room, self.max_parallel or most, planned, self.wait, gates, undoing)

    def playbooks(self) -> dict[str, Path]:
        """The playbook of each step."""
        return {
            step.id: self.folder / "playbooks" / step_playbook(number, step)
            for number, step in enumerate(self.plan.steps, 1)
        }

    def _undoing(self) -> Undoing | None:
        parent = parent_of(self.folder)
        if parent is None:
            return None
        by_hand = {name: by_ansible(book, self.inputs) for name, book in self.playbooks().items()}
        return Undoing(read_plan(parent).plan.start, by_hand)

    def _times_of(self, windows: Path, found: Mapping[str, Learned]) -> Times:
        today = SystemClock().now().date()
        read = read_times(self.inventory.topology, windows, today)
        minutes = _longer(self.plan, found)
        return Times(read.calendar, read.policy, learned=minutes, source=str(windows))


def run_job(job: Job) -> RunReport:
    """Read the farm, refuse what does not fit, ask, and run the plan.

    Raises
    ------
    OrchestratorError, StalePlan, InvalidInput
        Before anything was changed.
    """
    mark = digest(job.folder)
    if job.approve and job.approve != mark:
        raise OrchestratorError(
            f"--approve names {job.approve}, but the digest of {job.folder} is {mark}",
            "something in the folder was changed after the approval, or it is another plan",
        )
    terms = job.terms()
    with (
        _notices(job, mark) as told,
        _held(job, mark, terms, lambda journal: require_unused(journal.entries())) as journal,
    ):
        observed = read_farm(job.inputs, job.inventory)
        require_start(job.plan, observed)
        _ask(mark, job.approve, len(job.plan.steps), approval_of(journal, mark))
        with _way_back_noted(job), _ports(job, terms) as ports:
            told.started(counted(len(job.plan.steps), "step"))
            report = run_plan(
                job.plan,
                job.playbooks(),
                approval=Approval(mark, Who.here(), job.because),
                observed=observed,
                journal=journal,
                ports=ports,
                commands=job.commands,
                terms=terms,
            )
        _learn(job, mark, journal)
        _after_the_run(job, mark, report, journal)
        told.ended(report)
        return report


def resume_job(job: Job) -> RunReport | None:
    """Go on with a plan that was begun; None if it is finished already.

    Raises
    ------
    OrchestratorError, StalePlan, InvalidInput
        Before anything was changed.
    """
    if not (job.folder / JOURNAL_NAME).is_file():
        raise OrchestratorError(
            f"there is nothing to resume: {job.folder} has no journal, it was never begun",
            f"begin it: orchestrator apply {job.folder} -i {job.inventory.folder}",
        )
    mark = digest(job.folder)
    terms = job.terms()

    def require(journal: Journal) -> None:
        run = view(journal.entries())
        if not run.finished or run.rollback:
            require_resumable(run, mark)

    with _notices(job, mark) as told, _held(job, mark, terms, require) as journal:
        if view(journal.entries()).finished:
            _note_undone(job)  # It may have died between its last entry and that one.
            return None
        observed = read_farm(job.inputs, job.inventory)
        with _way_back_noted(job), _ports(job, terms) as ports:
            told.started("resumed")
            report = resume_plan(
                job.plan,
                job.playbooks(),
                approval=Approval(mark, Who.here()),
                observed=observed,
                journal=journal,
                ports=ports,
                commands=job.commands,
                on_position=_show_position,
                terms=terms,
            )
        _learn(job, mark, journal)
        _after_the_run(job, mark, report, journal)
        told.ended(report)
        return report


def _after_the_run(job: Job, mark: str, report: RunReport, journal: Journal) -> None:
    keep_disproof(job.inventory.folder, mark, report, journal)
    for line in still_out(job.inventory.folder):
        _say(
            f"{line}: running its step again puts it back, or by hand: ansible-playbook "
            f"{playbooks_folder() / 'undrain.yml'} -i {job.inventory.folder} --limit SERVER"
        )


def _notices(job: Job, mark: str) -> AbstractContextManager[Notices]:
    return notices(
        job.notify,
        job.inventory.topology.organization,
        mark,
        way_back=parent_of(job.folder) is not None,
        vault_password_file=job.inputs.vault_password_file,
    )


def _longer(plan: Plan, found: Mapping[str, Learned]) -> dict[str, int]:
    """Learned minutes by step; says where they are more than the plan reckons with."""
    for step in plan.steps:
        if step.id in found and found[step.id].minutes > step.estimated_minutes:
            _say(
                f"{step.id} is reckoned with {found[step.id]}, not with {step.estimated_minutes} "
                "min as the plan estimates"
            )
    return {name: each.minutes for name, each in found.items()}


def _learn(job: Job, mark: str, journal: Journal) -> None:
    """Keep how long steps took; what cannot be kept stops nothing."""
    try:
        keep_durations(job.inventory.folder, durations_of(job.plan, journal.entries(), mark))
    except OrchestratorError as error:
        _say(f"Not learned from this run: {error.message}")


def show_report(report: RunReport) -> int:
    """Show how it ended; the exit code."""
    show(Ran(report))
    return report.exit_code


def inputs_of(
    inventory: Inventory, extra_vars: list[str] | None, vault_password_file: Path | None
) -> AnsibleInputs:
    """Shorthand for the options of all these commands."""
    return ansible_inputs(inventory, extra_vars or [], vault_password_file)


@contextmanager
def _held(
    job: Job, mark: str, terms: Terms, require: Callable[[Journal], None]
) -> Iterator[Journal]:
    """The lock and the journal, with nothing left of a run that died."""
    clock = SystemClock()
    minutes = sum(step.estimated_minutes for step in job.plan.steps)
    if terms.wait and terms.times is not None:
        minutes = max(minutes, terms.times.minutes_left(clock.now()))
    with ExitStack() as stack:
        held = stack.enter_context(
            run_lock(
                job.inventory.folder,
                plan=mark,
                clock=clock,
                folder=job.folder,
                minutes=minutes,
                take_over=job.take_over,
            )
        )
        journal = stack.enter_context(Journal.open(job.folder / JOURNAL_NAME, clock=clock))
        require(journal)
        folders = {job.folder.absolute()}
        if held.taken_from is not None:
            _note_taken_over(journal, held.taken_from)
            if held.taken_from.folder:
                folders.add(Path(held.taken_from.folder))
        with interruptible() as cancel:
            for folder in sorted(folders):
                run = view(_entries_of(folder, journal))
                settle(
                    folder, run, journal=journal, end=job.end_child, say=_say,
                    cancelled=cancel.is_set,
                )  # fmt: skip
        yield journal


def _entries_of(folder: Path, journal: Journal) -> list[Entry]:
    if folder == journal.path.parent.absolute():
        return journal.entries()
    try:
        with Journal.read(folder / JOURNAL_NAME) as other:
            return other.entries()
    except OrchestratorError:
        return []


def _note_taken_over(journal: Journal, before: Owner) -> None:
    said = {key: value for key, value in asdict(before).items() if key != "token"}
    journal.append(Kind.LOCK_TAKEN_OVER, before=said, who=Who.here().data())
    _say(f"Taken over the lock of a run that has died: {before}")


@contextmanager
def _ports(job: Job, terms: Terms) -> Iterator[Ports]:
    attempts = job.folder / "attempts"
    looking = job.inputs.with_values(terms.probe_limits())

    def on_pause() -> None:
        _say(
            "Stopping after this step. A second signal ends the step at once: what it did is then "
            "not known."
        )

    with pausable(on_pause) as wishes:
        yield Ports(
            run_playbook=StepPlaybooks(looking, attempts, wishes.cancel),
            read_farm=FarmReader(job.inputs, attempts, sorted(job.inventory.topology.servers)),
            clock=SystemClock(),
            progress=LiveProgress(err()) if lively() else LineProgress(err()),
            pause_requested=wishes.pause.is_set,
            cancelled=wishes.cancel.is_set,
            say=_say,
            look=PathLooker(
                looking,
                attempts,
                lambda probes: look_variables(job.inventory.topology, probes),
                wishes.cancel,
            ),
        )


@contextmanager
def _way_back_noted(job: Job) -> Iterator[None]:
    """For a way back: the journal of the plan it undoes says when it began and how it ended."""
    parent = parent_of(job.folder)
    if parent is None or not (parent / JOURNAL_NAME).is_file():
        yield
        return
    with Journal.open(parent / JOURNAL_NAME, clock=SystemClock()) as journal:
        run = job.folder.absolute().relative_to(parent.absolute())
        begin_way_back(journal, str(run), Who.here(), job.sites)
        yield
        with Journal.read(job.folder / JOURNAL_NAME) as own:
            finished = view(own.entries()).finished
        if finished:
            way_back_done(journal, read_plan(parent).plan, job.plan.end, str(run))


def _note_undone(job: Job) -> None:
    """What a finished way back has undone stands in the journal of its plan."""
    parent = parent_of(job.folder)
    if parent is None or not (parent / JOURNAL_NAME).is_file():
        return
    run = str(job.folder.absolute().relative_to(parent.absolute()))
    with Journal.open(parent / JOURNAL_NAME, clock=SystemClock()) as journal:
        told = [e for e in journal.entries() if e.kind == Kind.STEPS_COMPENSATED]
        if all(entry.data.get("run") != run for entry in told):
            way_back_done(journal, read_plan(parent).plan, job.plan.end, run)


def _show_position(where: Position) -> None:
    done = ", ".join(step.id for step in where.done) or "none"
    _say(f"Steps done: {done}")
    for begun in where.begun:
        _say(f"As read, step {begun}; it is run again, which repeats no change")
    for line in where.redirections:
        _say(f"Redirection on that was not before the plan: {line}")


def _ask(mark: str, approved: str, steps: int, before: Entry | None) -> None:
    _say(f"Digest {mark}")
    if approved:
        return
    if before is not None:
        said = before.data
        _say(
            f"Approved by {said.get('by')} on {said.get('host')}, {before.time:%Y-%m-%d %H:%M} UTC"
        )
        return
    if not typer.confirm(
        f"Run these {counted(steps, 'step')} on the farm?", default=False, err=True
    ):
        raise OrchestratorError("not approved; nothing was changed")


def _say(line: str) -> None:
    err().print(Text(line), soft_wrap=True)
