"""Resolves the hosts file with Ansible itself; the only module of the product that imports it.

Groups, group_vars, host_vars, vault, templates and inventory plug-ins so mean here what they mean
to ansible-playbook. Ansible is imported when the first inventory is read, not before: it takes
half a second that other commands need not wait for.
"""

from __future__ import annotations

import contextlib
import functools
import io
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from orchestrator.diagnostic import Place
from orchestrator.inventory.raw_host import VARIABLES, RawHost, RawHosts, Variable
from orchestrator.inventory.raw_list import RawGroup, RawList, Sealed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from orchestrator.inventory.findings import Findings
    from orchestrator.inventory.sources import Sources

T = TypeVar("T")

_SAID_BETTER = "Found duplicate mapping key"  # CAS-W007 names the line
_NOT_A_PLUGIN_FILE = "no root 'plugin' key found"
_SECRET = re.compile(r"(passw(or)?d|_pass|secret|token)$", re.IGNORECASE)
_OF_THE_FILE = {"inventory_file", "inventory_dir"}


def read_hosts(
    sources: Sources,
    findings: Findings,
    *,
    vault_password_file: Path | None = None,
    extra_vars: Sequence[str] = (),
) -> RawHosts:
    """Read hosts and their variables.

    Parameters
    ----------
    sources : Sources
        With a hosts file.
    findings : Findings
        Gets CAS-E008 to CAS-E011, CAS-E115, CAS-W008.
    vault_password_file : Path, optional
        Else what Ansible's own configuration names.
    extra_vars : sequence of str
        As for ansible-playbook ``-e``: ``@FILE``, ``key=value``, or a mapping in JSON or YAML.

    Returns
    -------
    RawHosts
        Empty where Ansible could not read the inventory at all.
    """
    reading = functools.partial(
        _Reader.read, vault_password_file=vault_password_file, extra_vars=extra_vars
    )
    return _guarded(sources, findings, reading) or RawHosts()


def read_list(
    sources: Sources,
    findings: Findings,
    *,
    vault_password_file: Path | None = None,
    extra_vars: Sequence[str] = (),
) -> RawList:
    """Read a bare list of hosts as it is written, with places and without opening a vault.

    Parameters and findings as for `read_hosts`; empty where Ansible could not read it at all.
    """
    reading = functools.partial(
        _Reader.read_list, vault_password_file=vault_password_file, extra_vars=extra_vars
    )
    return _guarded(sources, findings, reading) or RawList()


def unvault(text: str, password_file: Path) -> str:
    """The clear text of what `ansible-vault encrypt` has made.

    Raises
    ------
    ValueError
        If it is another password; in Ansible's words.
    """
    from ansible.errors import AnsibleError
    from ansible.parsing.dataloader import DataLoader
    from ansible.parsing.vault import VaultLib, get_file_vault_secret

    try:
        secret = get_file_vault_secret(filename=str(password_file), loader=DataLoader())
        secret.load()
        clear: bytes = VaultLib([("default", secret)]).decrypt(text.encode())
    except AnsibleError as error:
        raise ValueError(str(error).splitlines()[0]) from error
    return clear.decode()


def _guarded(sources: Sources, findings: Findings, read: Callable[[_Reader], T]) -> T | None:
    """What Ansible makes of the sources; None with a finding where it makes nothing of them."""
    try:
        with _quiet() as heard:
            return read(_Reader(sources, findings, heard))
    except _Stopped:
        return None
    # Inventory plug-ins, vault scripts and ansible.cfg are foreign code and text: whatever they
    # raise is a finding about the user's input, never a traceback.
    except Exception as error:
        findings.error(
            "CAS-E010",
            "Ansible",
            f"cannot be used: {_first_line(error)}",
            remedy="check ansible.cfg, the ANSIBLE_ variables and that the home folder is writable",
        )
        return None


class _Stopped(Exception):
    """Reading was given up; the finding says why."""


@dataclass
class _Heard:
    """What Ansible would have printed."""

    warnings: list[str] = field(default_factory=list)
    failures: list[tuple[str, Exception]] = field(default_factory=list)

    def warning(self, msg: str, *_: object, **__: object) -> None:
        self.warnings.append(str(msg))

    def error_as_warning(self, msg: str | None, exception: Exception, **_: object) -> None:
        self.failures.append((str(msg or ""), exception))


@contextlib.contextmanager
def _quiet() -> Iterator[_Heard]:
    """Listen to Ansible's display in place of the terminal; leave nothing behind."""
    heard = _Heard()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        from ansible.parsing.vault import VaultSecretsContext
        from ansible.plugins.loader import init_plugin_loader
        from ansible.utils.collection_loader import AnsibleCollectionConfig
        from ansible.utils.display import Display

        display = Display()
        secrets = VaultSecretsContext.current(optional=True)
        display.warning, display.error_as_warning = heard.warning, heard.error_as_warning
        try:
            if AnsibleCollectionConfig.collection_finder is None:
                init_plugin_loader()  # inventory plug-ins of collections are not found without
            _forget_folders()
            yield heard
        finally:
            VaultSecretsContext._current = secrets  # noqa: SLF001
            del display.warning, display.error_as_warning


def _forget_folders() -> None:
    """Ansible remembers for good which group_vars and host_vars a folder has; look again."""
    from ansible.plugins.loader import vars_loader

    module = sys.modules.get(type(vars_loader.get("host_group_vars")).__module__)
    for name in ("CANONICAL_PATHS", "FOUND", "NAK"):
        getattr(module, name, set()).clear()


class _Reader:
    def __init__(self, sources: Sources, findings: Findings, heard: _Heard) -> None:
        from ansible.parsing.dataloader import DataLoader

        self._sources = sources
        self._findings = findings
        self._heard = heard
        self._loader = DataLoader()
        # Ansible also reads group_vars beside the "playbook"; without this, the working folder
        self._loader.set_basedir(str(sources.variables_folder.absolute()))

    def read(self, vault_password_file: Path | None, extra_vars: Sequence[str]) -> RawHosts:
        from ansible.vars.manager import VariableManager

        self._unlock(vault_password_file)
        extra = self._extra_variables(extra_vars)
        inventory = self._inventory()
        manager = VariableManager(loader=self._loader, inventory=inventory)
        groups = inventory.get_groups_dict()
        hosts = []
        for name in groups.get("exchange", ()):
            host = inventory.get_host(name)
            try:
                variables = manager.get_vars(host=host, include_hostvars=False)
            except Exception as error:
                self._stop(error, f"host {name}")
            hosts.append(self._host(host, {**variables, **extra}))
        return RawHosts(
            exchange=tuple(hosts),
            names=frozenset(str(name) for name in inventory.hosts),
            management=frozenset(str(name) for name in groups.get("management", ())),
            borrowed_address=self._borrowed_addresses(inventory, manager),
        )

    def read_list(self, vault_password_file: Path | None, extra_vars: Sequence[str]) -> RawList:
        from ansible.vars.manager import VariableManager

        self._unlock(vault_password_file)
        extra = self._extra_variables(extra_vars)
        inventory = self._inventory()
        manager = VariableManager(loader=self._loader, inventory=inventory)
        hosts, own, clear = [], {}, []
        for name, host in inventory.hosts.items():
            try:
                variables = manager.get_vars(host=host, include_hostvars=False)
            except Exception as error:
                self._stop(error, f"host {name}")
            hosts.append(self._host(host, {**variables, **extra}))
            own[str(name)] = _written(host.vars)
            clear += [
                (str(name), str(key), self._place(value) or self._place_of_host(host))
                for key, value in variables.items()
                if _SECRET.search(key) and _in_clear(value)
            ]
        # Level by level: the order in which they are written is the one in which they are read.
        groups = [inventory.groups["all"]]
        for group in groups:
            groups += [
                child
                for child in group.child_groups
                if child not in groups and child.name != "ungrouped"
            ]
        return RawList(
            groups=tuple(
                RawGroup(
                    str(group.name),
                    tuple(str(g.name) for g in group.child_groups if g.name != "ungrouped"),
                    tuple(str(host.name) for host in group.hosts),
                    _written(group.vars),
                )
                for group in groups
            ),
            own_variables=own,
            hosts=tuple(hosts),
            clear_secrets=tuple(clear),
        )

    def _borrowed_addresses(self, inventory: Any, manager: Any) -> dict[str, Place]:
        """Measured with ansible-core 2.19: a module sent to such a host by delegate_to goes to
        the Exchange server itself."""
        found = {}
        for name in inventory.get_groups_dict().get("management", ()):
            host = inventory.get_host(name)
            address = manager.get_vars(host=host, include_hostvars=False).get("ansible_host")
            if isinstance(address, str) and re.search(r"\{\{.*\binventory_hostname", address):
                found[str(name)] = self._place(address) or self._place_of_host(host)
        return found

    def _unlock(self, password_file: Path | None) -> None:
        from ansible import constants
        from ansible.parsing.vault import VaultSecretsContext, get_file_vault_secret

        # values encrypted one by one look for their secrets here; it can be set only once in the
        # life of a process by other means
        VaultSecretsContext._current = VaultSecretsContext([])  # noqa: SLF001
        name = password_file or constants.DEFAULT_VAULT_PASSWORD_FILE
        if not name:
            return
        identity = constants.DEFAULT_VAULT_IDENTITY
        try:
            secret = get_file_vault_secret(filename=str(name), loader=self._loader)
            secret.load()
        except Exception as error:
            self._findings.error(
                "CAS-E009",
                f"vault password file {name}",
                self._message(error),
                remedy="name a file that holds the password, or a script that prints it",
            )
            raise _Stopped from error
        VaultSecretsContext._current = VaultSecretsContext([(identity, secret)])  # noqa: SLF001
        self._loader.set_vault_secrets([(identity, secret)])

    def _extra_variables(self, arguments: Sequence[str]) -> dict[str, Any]:
        from ansible.parsing.splitter import parse_kv
        from ansible.template import trust_as_template

        result: dict[str, Any] = {}
        for text in arguments:
            try:
                if text.startswith("@"):
                    file = str(Path(text[1:]).absolute())  # the loader starts at the inventory
                    data = self._loader.load_from_file(file, trusted_as_template=True)
                elif text.startswith(("{", "[")):
                    data = self._loader.load(trust_as_template(text))
                else:
                    data = parse_kv(trust_as_template(text))
                result.update(data)
            except Exception as error:  # text of the user's, see read_hosts
                self._findings.error(
                    "CAS-E011",
                    f"extra variables {text.partition('=')[0]}",
                    f"cannot be read: {self._message(error)}",
                    remedy="give -e @FILE with a YAML mapping, or -e name=value",
                )
        return result

    def _inventory(self) -> Any:
        from ansible.inventory.manager import InventoryManager

        path = self._sources.hosts
        assert path is not None  # noqa: S101 - said of the argument
        try:
            inventory = InventoryManager(loader=self._loader, sources=[str(path.absolute())])
        except Exception as error:
            self._stop(error, str(path))
        unread = False
        for message in self._heard.warnings:
            found = re.fullmatch(r"Unable to parse (.+) as an inventory source", message)
            if found is None and not message.startswith(_SAID_BETTER):
                place = Place(str(path))
                self._findings.warn("CAS-W008", "Ansible", message.strip(), place)
            elif found is not None and not Path(found[1]).is_dir():
                unread = True
                self._unparsed(found[1])
        if unread:
            raise _Stopped
        return inventory

    def _unparsed(self, path: str) -> None:
        plugin = "'yaml'" if path.endswith((".yml", ".yaml")) else "'ini'"
        told = [f for f in self._heard.failures if _NOT_A_PLUGIN_FILE not in str(f[1])]
        told.sort(key=lambda failure: plugin not in failure[0])
        shown = self._sources.shown(path)
        message = self._message(told[0][1]) if told else "no inventory plug-in understands it"
        place = (self._place_of_error(told[0][1]) if told else None) or Place(shown)
        self._findings.error(
            "CAS-E008",
            shown,
            f"Ansible cannot read it: {message}",
            place,
            f"see what ansible-inventory -i {self._sources.hosts} --list says",
        )

    def _host(self, host: Any, variables: Mapping[str, Any]) -> RawHost:
        from ansible.template import Templar

        place = self._place_of_host(host)
        templar = Templar(loader=self._loader, variables=variables)
        resolved: dict[str, Variable] = {}
        unresolved = set()
        for name in VARIABLES:
            if name not in variables:
                continue
            where = self._place(variables[name]) or place
            try:
                resolved[name] = Variable(_plain(templar.template(variables[name])), where)
            except Exception as error:  # a template of the user's, see read_hosts
                unresolved.add(name)
                self._unresolvable(error, f"host {host.name}", name, where)
        return RawHost(str(host.name), place, resolved, frozenset(unresolved))

    def _unresolvable(self, error: Exception, subject: str, name: str, place: Place) -> None:
        if _is_vault_error(error):
            self._locked(error, subject, place)
            return
        self._findings.error(
            "CAS-E115",
            subject,
            f"{name} cannot be resolved: {self._message(error)}",
            place,
            "give every variable it uses, or write the value itself",
        )

    def _stop(self, error: Exception, subject: str) -> NoReturn:
        place = self._place_of_error(error) or Place(str(self._sources.hosts))
        if _is_vault_error(error):
            self._locked(error, subject, place)
        else:
            self._findings.error(
                "CAS-E008",
                subject,
                f"Ansible cannot read it: {self._message(error)}",
                place,
                f"see what ansible-inventory -i {self._sources.hosts} --list says",
            )
        raise _Stopped from error

    def _locked(self, error: Exception, subject: str, place: Place) -> None:
        self._findings.error(
            "CAS-E009",
            subject,
            f"vault: {self._message(error)}",
            place,
            "pass the right --vault-password-file",
        )

    def _place_of_host(self, host: Any) -> Place:
        file = host.vars.get("inventory_file")
        return (
            self._place(host.name)
            or _search(file, host.name, self._sources)
            or Place(self._sources.shown(str(file or self._sources.hosts)))
        )

    def _place_of_error(self, error: BaseException | None) -> Place | None:
        while error is not None:
            place = self._place(getattr(error, "obj", None))
            if place is not None:
                return place
            error = error.__cause__ or error.__context__
        return None

    def _message(self, error: BaseException) -> str:
        """Ansible's message in the user's names of files and things."""
        text = _first_line(error).replace(
            f"{self._sources.folder.absolute()}/", f"{self._sources.folder}/"
        )
        return re.sub(r"<class '[^']*?([A-Za-z]+)'>", r"\1", text).replace("AnsibleTagged", "")

    def _place(self, tagged: object) -> Place | None:
        from ansible._internal._datatag._tags import Origin

        # errors carry the origin itself, values carry it as a tag
        origin = tagged if isinstance(tagged, Origin) else Origin.get_tag(tagged)
        if origin is None or not origin.path:
            return None
        return Place(self._sources.shown(str(origin.path)), origin.line_num or 0)


def _search(file: object, name: str, sources: Sources) -> Place | None:
    """The line of an INI file that starts with the host's name."""
    try:
        lines = Path(str(file)).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    for number, line in enumerate(lines, 1):
        if line.split()[:1] == [name]:
            return Place(sources.shown(str(file)), number)
    return None


def _plain(value: Any) -> object:
    """The value without Ansible's tags; nothing deeper than a list of words is expected."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [str(item) if isinstance(item, str) else item for item in value]
    return value


def _written(variables: Mapping[str, Any]) -> dict[str, object]:
    """Variables as they stand in the file: templates as text, vault sealed, no tags."""
    return {
        str(name): _untagged(value) for name, value in variables.items() if name not in _OF_THE_FILE
    }


def _untagged(value: Any) -> object:
    from ansible.parsing.vault import VaultHelper

    ciphertext = VaultHelper.get_ciphertext(value, with_tags=False)
    if ciphertext is not None:
        return Sealed(str(ciphertext))
    if isinstance(value, dict):
        return {str(key): _untagged(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_untagged(item) for item in value]
    for kind in (bool, int, float):
        if isinstance(value, kind):
            return kind(value)
    return None if value is None else str(value)


def _in_clear(value: Any) -> bool:
    return isinstance(value, str) and bool(value) and "{{" not in value and not _sealed(value)


def _sealed(value: Any) -> bool:
    from ansible.parsing.vault import VaultHelper

    return VaultHelper.get_ciphertext(value, with_tags=False) is not None


def _is_vault_error(error: BaseException | None) -> bool:
    while error is not None:
        if re.search(r"vault (password|secret)|decrypt", str(error), re.IGNORECASE):
            return True
        error = error.__cause__
    return False


def _first_line(error: BaseException) -> str:
    text = str(getattr(error, "message", "") or error).strip() or type(error).__name__
    line = text.splitlines()[0].rstrip(".")
    return "".join(c if c.isprintable() else "?" for c in line[:300])
