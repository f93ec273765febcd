"""The environment of the child: small, neutral and free of secrets.

ansible-runner writes the environment of the child in clear to its artifacts, so the child gets
what it needs by name and nothing else. Lookups of environment variables find nothing: secrets
come from vault or from files.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

_PASSED_ON = frozenset(
    {
        "HOME",
        "KRB5CCNAME",
        "KRB5_CONFIG",
        "LOGNAME",
        "PATH",
        "REQUESTS_CA_BUNDLE",
        "SSL_CERT_DIR",
        "SSL_CERT_FILE",
        "TMPDIR",
        "TZ",
        "USER",
    }
)

# Places the operator chose for Ansible; none of these holds a secret itself.
_ANSIBLE_PASSED_ON = frozenset(
    {
        "ANSIBLE_CONFIG",
        "ANSIBLE_COLLECTIONS_PATH",
        "ANSIBLE_HOME",
        "ANSIBLE_VAULT_IDENTITY_LIST",
        "ANSIBLE_VAULT_PASSWORD_FILE",
    }
)

_NEEDED_BY_RUNNER = frozenset(
    {
        "ANSIBLE_CALLBACK_PLUGINS",
        "ANSIBLE_STDOUT_CALLBACK",
        "AWX_ISOLATED_DATA_DIR",
        "RUNNER_OMIT_EVENTS",
        "RUNNER_ONLY_FAILED_EVENTS",
    }
)

_SETTINGS = {
    "ANSIBLE_DISPLAY_ARGS_TO_STDOUT": "False",
    "ANSIBLE_FORCE_COLOR": "False",
    "ANSIBLE_HOST_KEY_CHECKING": "True",
    "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "True",
    "ANSIBLE_LOCALHOST_WARNING": "False",
    "ANSIBLE_NOCOLOR": "True",
    "ANSIBLE_NOCOWS": "True",
    "ANSIBLE_PIPELINING": "True",
    "ANSIBLE_RETRY_FILES_ENABLED": "False",
    # Above this many characters the runner's callback silently empties a result.
    "MAX_EVENT_RES": "50000000",
}


def child_environment(
    parent: Mapping[str, str], runner: Mapping[str, str], folder: Path
) -> dict[str, str]:
    """The environment for ansible-playbook.

    Parameters
    ----------
    parent : mapping
        The environment of this process.
    runner : mapping
        What ansible-runner prepared, of which only its own settings are taken.
    folder : Path
        The private folder of the run; holds ``ansible.cfg`` and temporary files.
    """
    keep = _PASSED_ON | _ANSIBLE_PASSED_ON
    env = {name: value for name, value in parent.items() if name in keep}
    for name in ("LC_ALL", "LC_CTYPE", "LANG"):
        if "utf" in parent.get(name, "").lower():
            env[name] = parent[name]
    if not {"LC_ALL", "LC_CTYPE", "LANG"} & env.keys():
        env["LC_ALL"] = "C.UTF-8"  # Ansible refuses to start without a UTF-8 locale.
    for name in ("ANSIBLE_CONFIG", "ANSIBLE_VAULT_PASSWORD_FILE"):
        if name in env:  # The child runs in another folder.
            env[name] = str(Path(env[name]).expanduser().absolute())
    env.setdefault("ANSIBLE_CONFIG", str(folder / "ansible.cfg"))
    env["ANSIBLE_LOCAL_TEMP"] = str(folder / "tmp")
    env.update({name: value for name, value in runner.items() if name in _NEEDED_BY_RUNNER})
    return env | _SETTINGS
