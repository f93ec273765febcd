"""Ways back in which a step fails: what the program says then, and that each can still be ended."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.planfile import digest

from .scene import DOORS, Doors, Ended, Scene, at_once, begun, end, until

URL = "https://mail-madrid.contoso.example/owa"
ROME, MADRID, LISBON = "rom-cas-01", "mad-cas-01", "lis-cas-71"
DOWNGRADE, RESTORE = "downgrade-rome-2010-1", "restore-proxying-madrid-2010-owa"
VERIFY = "verify-all-paths"


@dataclass(frozen=True)
class Forward:
    """A window in which a step fails, and what goes back then.

    Parameters
    ----------
    policy : str
        Of `--on-failure`; empty: it stops, and somebody types `rollback --apply`.
    fails : str
        The step that fails.
    back : tuple of str
        The steps of the way back.
    package : str
        The package that is missing, so that it fails.
    farm : str
    doors : Doors
    """

    policy: str
    fails: str = "upgrade-lisbon-2007-1"
    back: tuple[str, ...] = (DOWNGRADE, RESTORE, VERIFY)
    package: str = "8.3.264.0"
    farm: str = "farm"
    doors: Doors = DOORS


WHOLE = Forward("rollback")
TYPED = Forward("")
SHORT = Forward("rollback", "upgrade-rome-2010-1", (RESTORE, VERIFY), "14.2.298.4")
SITE = Forward(
    "rollback-site",
    back=("downgrade-lisbon-2007-1", VERIFY),
    package="",
    farm="leaves",
    doors=(("mad-cas-01", "berlin"), ("mad-cas-01", "lisbon")),
)


@dataclass(frozen=True)
class Trouble:
    """What strikes in a way back, how its step ends, and what its server is like then.

    Parameters
    ----------
    fault : tuple of str
        Kind and moment as the lab takes them.
    step : str
        The step of the way back that it strikes.
    ends : str
        The status of that step.
    read : str
        How far the step had come, as read.
    says : str
        The line about its server.
    """

    fault: tuple[str, str]
    step: str
    ends: str
    read: str
    says: str

    def arm(self, scene: Scene) -> None:
        kind, when = self.fault
        module = "exchange_virtual_directory" if self.step == RESTORE else "exchange_rollup"
        more = {} if kind == "msiexec" else {"module": module}
        scene.lab.arm(kind, when=when, at=self.says.partition(":")[0], **more)


_STAYS = f"{ROME}: build 14.2.298.4 (to be 14.2.247.5), owa ExternalUrl none"
_GONE = f"{ROME}: build 14.2.247.5, owa ExternalUrl none: where the way back leads"
_ON = f"{MADRID}: build 14.2.247.5, owa ExternalUrl {URL} (to be none)"
_OFF = f"{MADRID}: build 14.2.247.5, owa ExternalUrl none: where the way back leads"
_LISBON = f"{LISBON}: build 8.3.264.0 (to be 8.3.245.2), owa ExternalUrl none"

FAILURE = Trouble(("msiexec", "before"), DOWNGRADE, "failed", "not begun", _STAYS)
LOST = Trouble(("reset", "before"), DOWNGRADE, "in-doubt", "not begun", _STAYS)
LOST_AFTERWARDS = Trouble(("reset", "after"), DOWNGRADE, "in-doubt", "done", _GONE)
ADDRESS_LOST = Trouble(("reset", "before"), RESTORE, "in-doubt", "not begun", _ON)
ADDRESS_LOST_AFTERWARDS = Trouble(("reset", "after"), RESTORE, "in-doubt", "done", _OFF)
LISBON_BACK = "downgrade-lisbon-2007-1"
OF_A_SITE = Trouble(("msiexec", "before"), LISBON_BACK, "failed", "not begun", _LISBON)

ROWS = {
    "the window goes back, the removal fails": (WHOLE, FAILURE),
    "typed, the removal fails": (TYPED, FAILURE),
    "the window goes back, the answer is lost before the removal": (WHOLE, LOST),
    "typed, the answer is lost after the removal": (TYPED, LOST_AFTERWARDS),
    "the window goes back, the answer is lost before the address": (SHORT, ADDRESS_LOST),
    "typed, the answer is lost after the address": (TYPED, ADDRESS_LOST_AFTERWARDS),
    "a site goes back, the removal fails": (SITE, OF_A_SITE),
}


def faults(folder: Path, forward: Forward, trouble: Trouble) -> list[str]:
    """Everything that is not as it should be when a way back fails and is ended later."""
    with Scene(folder, farm=forward.farm, doors=forward.doors) as scene:
        before = scene.picture()
        ended = _into_trouble(scene, forward, trouble)
        back = scene.plan / "runs" / ("1" if forward.policy else "2")
        found = [] if ended.code == 5 else [f"exit code {ended.code}: {ended.text}"]
        lines = _what_is_said(scene, forward, trouble, back)
        found += [f"not said: {line}\n{ended.text}" for line in lines if line not in ended.text]
        last = ended.text[ended.text.index("The way back stopped") :]
        on = scene.picture()[MADRID][2] == URL
        if on != (f"Redirections that are on and were not before:\n  {MADRID}: {URL}" in last):
            found.append(f"the redirection is {'on' if on else 'off'}: {last}")
        said = _way_back_of(scene)
        if said["folder"] != str(back) or said["finished"] or trouble.step not in said["reason"]:
            found.append(f"status --json: {said}")
        scene.lab.disarm()
        again = scene.run("resume", str(back), options=scene.options)
        if again.code != 0:
            found.append(f"resume: {again.code}: {again.text}")
        after = scene.picture()
        stays = ("ber-cas-01", "rom-cas-01") if forward.farm == "leaves" else ()
        found += [f"{n} is {after[n]}" for n in after if n not in stays and after[n] != before[n]]
        if not _way_back_of(scene)["finished"]:
            found.append("status --json does not say that the way back is finished")
        if scene.outcomes()["broken"]:
            found.append("a path was broken")
        return found


def _into_trouble(scene: Scene, forward: Forward, trouble: Trouble) -> Ended:
    """Go forward until a step fails, and back into the trouble."""
    if forward.package:
        scene.lab.set(f"package.{forward.package}=missing")
    else:
        scene.lab.arm("reset", at=LISBON, module="exchange_service_health")
    if not forward.policy:
        assert scene.apply().code == 5
        shown = scene.run("rollback", str(scene.plan), options=scene.options)
        assert shown.code == 0, shown.text
        trouble.arm(scene)
        approved = ("--apply", "--approve", digest(scene.plan / "runs" / "1"))
        return scene.run("rollback", str(scene.plan), *approved, options=scene.options)
    approved = ("--approve", digest(scene.plan), "--on-failure", forward.policy)
    program = at_once(scene, "apply", *approved)
    ways = [begun(scene, f"step-{how}", forward.fails) for how in ("failed", "in-doubt")]
    until(lambda: any(way() for way in ways), "the step that fails")
    trouble.arm(scene)
    return end(program)


def _what_is_said(scene: Scene, forward: Forward, trouble: Trouble, back: Path) -> list[str]:
    options = " ".join(scene.options)
    remaining = forward.back[forward.back.index(trouble.step) :]
    books = sorted(path.name for path in (back / "playbooks").glob("0*.yml"))
    return [
        f"The way back stopped: step {trouble.step} is {trouble.ends}",
        trouble.says,
        "What remains of the way back, in this order:",
        f"  1. {trouble.step} ({trouble.ends}, as read: {trouble.read})",
        *(f"  {number}. {name}" for number, name in enumerate(remaining, 1)),
        f": orchestrator resume {back} {options}",
        f": orchestrator rollback {scene.plan} {options}",
        *(
            f"ansible-playbook -i {scene.farm}/hosts.yml {' '.join(scene.options[2:])} "
            f"{back}/playbooks/{book}"
            for book in books
            if book[4:-4] in remaining
        ),
    ]


def _way_back_of(scene: Scene) -> dict[str, Any]:
    said = scene.run("status", str(scene.plan), "--json")
    back: dict[str, Any] = json.loads(said.text)["way_back"]
    return back
