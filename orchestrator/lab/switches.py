"""What can be changed on a running lab with `lab set NAME=VALUE`.

Two of them stand for what the published material leaves open about Exchange; the others make
trouble on purpose.
"""

from __future__ import annotations

from orchestrator.lab.errors import LabError

GLOBAL: dict[str, tuple[str, ...]] = {
    # Does a 2010 source that is older than its 2010 target serve, or refuse with event 46?
    "older_2010_source": ("serves", "refuses"),
    # Which side carries the fix of 2010 SP2 RU2 and 2007 SP3 RU7 (see cookies.py)?
    "ru2_fix": ("both", "source", "target"),
    # Do 2010 SP1 RU7 and later, released after SP2 RU1, issue the cookie RU1 reads?
    "sp1_ru7": ("old", "new"),
    # Which newer sources need the folder owa\<build> of a 2007 target: those of 2007, all, none?
    "version_folder": ("2007", "every", "none"),
    # Does an update of a server keep the version folders of other builds?
    "old_folders": ("kept", "removed"),
    # Does a server name itself in a header of its pages?
    "diag_header": ("sent", "absent"),
}
PER_SERVER: dict[str, tuple[str, ...]] = {
    "power": ("on", "off"),
    # ok, an installer that ends with 1603, or a foreign installer that holds the mutex (1618).
    "install": ("ok", "fails", "busy"),
    "redirect_type": ("Manual", "Silent"),
    # Whether the files below owa\<build> on a server are those others have of that build.
    "owa_files": ("original", "altered"),
}
PER_PACKAGE: dict[str, tuple[str, ...]] = {"package": ("ok", "missing", "altered")}
NUMBERS = ("speed",)
SECONDS = ("install_seconds", "restart_seconds", "module_seconds", "page_seconds")
PER_SITE_SECONDS = ("propagation_seconds",)

Value = str | float


def defaults() -> dict[str, Value]:
    """The global choices as a fresh farm has them."""
    return {name: choices[0] for name, choices in GLOBAL.items()}


def check(
    assignment: str, *, servers: set[str], packages: set[str], sites: set[str]
) -> tuple[str, Value]:
    """Split and check `NAME=VALUE`.

    Raises:
        LabError: unknown switch, unknown server/package/site, or a value that is not allowed.
    """
    name, equals, value = (part.strip() for part in assignment.partition("="))
    if not equals:
        raise LabError(f'"{assignment}" is not NAME=VALUE; known: {known()}')
    if name in SECONDS:
        return name, _seconds(name, value)
    if name in NUMBERS:
        return name, _seconds(name, value) or 1.0
    if name in GLOBAL:
        return name, _choice(name, value, GLOBAL[name])
    kind, _, subject = name.partition(".")
    for table, subjects, what in (
        (PER_SERVER, servers, "server"),
        (PER_PACKAGE, packages, "package"),
    ):
        if kind in table:
            _known_subject(name, subject, subjects, what)
            return name, _choice(name, value, table[kind])
    if kind in PER_SITE_SECONDS:
        _known_subject(name, subject, sites, "site")
        return name, _seconds(name, value)
    raise LabError(f'unknown switch "{name}"; known: {known()}')


def known() -> str:
    """All switches with their values, for messages and help."""
    parts = [f"{name}={'|'.join(choices)}" for name, choices in GLOBAL.items()]
    parts += [f"{name}.SERVER={'|'.join(choices)}" for name, choices in PER_SERVER.items()]
    parts += [f"{name}.BUILD={'|'.join(choices)}" for name, choices in PER_PACKAGE.items()]
    parts += [f"{name}=N" for name in (*NUMBERS, *SECONDS)]
    parts += [f"{name}.SITE=N" for name in PER_SITE_SECONDS]
    return ", ".join(parts)


def _known_subject(name: str, subject: str, subjects: set[str], what: str) -> None:
    if subject not in subjects:
        listed = ", ".join(sorted(subjects))
        raise LabError(f'switch "{name}": no {what} "{subject}" in this farm; it has {listed}')


def _choice(name: str, value: str, choices: tuple[str, ...]) -> str:
    if value not in choices:
        raise LabError(f'switch "{name}" takes {" or ".join(choices)}, not "{value}"')
    return value


def _seconds(name: str, value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < 86_400:
        raise LabError(f'switch "{name}" takes seconds from 0 to 86399, not "{value}"')
    return seconds
