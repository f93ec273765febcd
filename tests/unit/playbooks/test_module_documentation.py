"""The PowerShell modules parse, say what they take, and stay within what an old server runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import tree_sitter_powershell
import yaml
from tree_sitter import Language, Node, Parser

PLAYBOOKS = Path(__file__).parents[3] / "playbooks"
MODULES = sorted(path.stem for path in (PLAYBOOKS / "library").glob("*.ps1"))
SOURCES = sorted([*PLAYBOOKS.glob("library/*.ps1"), *PLAYBOOKS.glob("module_utils/*.psm1")])
# Not in PowerShell 2.0.
TOO_NEW = re.compile(
    r"-in\b|-notin\b|\[pscustomobject\]|\[ordered\]|ConvertTo-Json|ConvertFrom-Json|-Raw\b|::new\("
    r"|\$PSItem|\$using:|\.Where\(|\.ForEach\(|Get-CimInstance|Get-FileHash|Register-ScheduledTask",
    re.IGNORECASE,
)


def parse(path: Path) -> Node:
    return Parser(Language(tree_sitter_powershell.language())).parse(path.read_bytes()).root_node


def nodes(node: Node):
    yield node
    for child in node.children:
        yield from nodes(child)


def text(node: Node) -> str:
    assert node.text is not None
    return node.text.decode()


def documentation(name: str) -> dict:
    return yaml.safe_load((PLAYBOOKS / "library" / f"{name}.yml").read_text())


def spec(name: str) -> dict[str, dict[str, object]]:
    """The options of a module's `$spec`, one per line, without their order."""
    source = (PLAYBOOKS / "library" / f"{name}.ps1").read_text()
    block = re.search(r"^    options = @\{\n(.*?)^    \}", source, re.MULTILINE | re.DOTALL)
    assert block, f"{name}: no options"
    found = {}
    for option, body in re.findall(r"^ {8}(\w+) = @\{ (.*) \}$", block[1], re.MULTILINE):
        pairs = dict(part.split(" = ", 1) for part in re.split(r"; (?=\w+ = )", body))
        plain: dict[str, object] = {"type": pairs["type"].strip("'")}
        if "required" in pairs:
            plain["required"] = pairs["required"] == "$true"
        if "choices" in pairs:
            plain["choices"] = re.findall(r"'([^']*)'", pairs["choices"])
        if "default" in pairs:
            value = pairs["default"]
            plain["default"] = value.strip("'") if value.startswith("'") else int(value)
        found[option] = plain
    assert len(found) == len(block[1].strip().splitlines()), f"{name}: an option not read"
    return found


def test_all_modules_are_here():
    assert MODULES == [
        "exchange_drain",
        "exchange_owa_resources",
        "exchange_restart",
        "exchange_rollup",
        "exchange_server_facts",
        "exchange_service_health",
        "exchange_virtual_directory",
    ]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_powershell_parses_clean(path):
    bad = [
        f"{path.name}:{node.start_point[0] + 1}: {text(node)[:60]}"
        for node in nodes(parse(path))
        if node.type == "ERROR" or node.is_missing
    ]
    assert bad == []


def test_the_parser_sees_a_mistake(tmp_path):
    broken = tmp_path / "broken.ps1"
    broken.write_text("if ($true) { 'never closed'\n")
    assert any(node.type == "ERROR" or node.is_missing for node in nodes(parse(broken)))


@pytest.mark.parametrize("name", MODULES)
def test_the_documentation_says_exactly_what_the_module_takes(name):
    keys = ("type", "required", "choices", "default")
    documented = {
        option: {key: value[key] for key in keys if key in value}
        for option, value in documentation(name)["DOCUMENTATION"]["options"].items()
    }
    assert documented == spec(name)


@pytest.mark.parametrize("name", MODULES)
def test_every_module_knows_check_mode_and_a_target(name):
    source = (PLAYBOOKS / "library" / f"{name}.ps1").read_text()
    assert "supports_check_mode = $true" in source
    assert spec(name)["target"] == {"type": "str", "required": True}


@pytest.mark.parametrize("name", [*MODULES, "owa_probe", "owa_probes", "owa_publication"])
def test_the_documentation_is_complete(name):
    content = documentation(name)
    about = content["DOCUMENTATION"]
    assert about["module"] == name
    assert {"short_description", "description", "options", "author"} <= set(about)
    assert all(option["description"] for option in about["options"].values())
    assert yaml.safe_load(content["EXAMPLES"])
    for value in content["RETURN"].values():
        assert {"description", "returned", "type"} <= set(value)


@pytest.mark.parametrize("name", MODULES)
def test_every_result_that_is_set_is_documented(name):
    source = (PLAYBOOKS / "library" / f"{name}.ps1").read_text()
    returned = set(re.findall(r"\$module\.Result\.(\w+) =", source)) - {"changed"}
    assert returned == set(documentation(name)["RETURN"])


@pytest.mark.parametrize("name", ["owa_probe", "owa_probes"])
def test_a_probe_takes_what_its_documentation_says(name, request):
    module = request.getfixturevalue(name)
    documented = documentation(name)["DOCUMENTATION"]["options"]
    keys = ("type", "required", "choices", "default", "elements")
    assert {
        option: {key: value[key] for key in keys if key in value}
        for option, value in documented.items()
    } == {
        option: {key: value[key] for key in keys if key in value}
        for option, value in module.ARGUMENTS.items()
    }


def remote_blocks(path: Path) -> dict[str, str]:
    """Text of every script block that is handed to a server, by the name of its variable."""
    source = path.read_text()
    names = set(re.findall(r"-ScriptBlock \$(\w+)", source)) - {"ScriptBlock"}
    if "$jobText" in source:
        names.add("jobText")
    blocks = {}
    for node in nodes(parse(path)):
        if node.type == "assignment_expression":
            left, _, right = text(node).partition("=")
            if left.strip().lstrip("$") in names:
                blocks[left.strip().lstrip("$")] = right
    assert set(blocks) == names
    return blocks


def test_what_runs_on_the_server_itself_is_powershell_2():
    blocks = {
        f"{path.name}:{name}": block
        for path in SOURCES
        for name, block in remote_blocks(path).items()
    }
    assert len(blocks) >= 12
    for place, block in blocks.items():
        assert TOO_NEW.findall(block) == [], place


def test_what_is_too_new_is_found():
    assert TOO_NEW.findall("if ($x -in @(1)) { [PSCustomObject]@{} }") == [
        "-in",
        "[PSCustomObject]",
    ]


def test_modules_use_only_what_the_shared_file_exports():
    shared = (PLAYBOOKS / "module_utils/Ansible.ModuleUtils.ExchangeTarget.psm1").read_text()
    defined = set(re.findall(r"^Function ([\w-]+)", shared, re.MULTILINE))
    exported = set(re.findall(r"'(\w+-\w+)'", shared[shared.index("$export = ") :]))
    assert exported == defined
    for name in MODULES:
        source = (PLAYBOOKS / "library" / f"{name}.ps1").read_text()
        own = set(re.findall(r"^Function ([\w-]+)", source, re.MULTILINE))
        used = set(
            re.findall(r"\b((?:Get|Test|Invoke|ConvertTo)-Exchange\w*|Invoke-On\w+)", source)
        )
        cmdlets = {"Get-ExchangeServer"}
        assert used - own - cmdlets <= exported, name


def test_no_exchange_cmdlet_gets_an_identity_that_may_be_empty():
    # Exchange takes an empty identity for every object there is.
    named = {}
    for path in SOURCES:
        source = path.read_text()
        values = set(re.findall(r"@\{ (?:Identity|Server) = ([^ ;}]+)", source))
        named[path.stem] = values
        if "$name" in values:
            assert "$name = Get-ExchangeShortName" in source, path.name
        if "$before.identity" in values:
            assert "IsNullOrEmpty($before.identity)" in source, path.name
    assert set().union(*named.values()) == {"$name", "$before.identity"}
