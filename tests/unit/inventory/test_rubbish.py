"""Whatever the files hold, the answer is a finding with a place, never a traceback."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ALIASES = b"a: &a [x,x,x,x,x,x,x,x,x,x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (98 + i, 98 + i, b",".join([b"*%c" % (97 + i)] * 10)) for i in range(9)
)
RUBBISH = {
    "empty": b"",
    "document start only": b"---\n",
    "list": b"- a\n- b\n",
    "word": b"hello\n",
    "NUL": b"all:\n  a\0b: 1\n",
    "latin-1": "all: \xe9".encode("latin-1"),
    "every byte": bytes(range(256)) * 4,
    "control character": b"a: \x07\n",
    "deep lists": b"[" * 20_000,
    "deep mappings": b"".join(b" " * i + b"a:\n" for i in range(3_000)),
    "aliases of aliases": ALIASES,
    "alias of itself": b"a: &a [*a]\n",
    "merge of itself": b"exchange: {hosts: {a: &x {<<: *x}}}\n",
    "tab": b"a:\n\tb: 1\n",
    "list as key": b"? [a]\n: b\n",
    "unknown tag": b"a: !!python/object/apply:os.system [echo]\n",
    "huge number": b"exchange: {hosts: {a: {exchange_build: " + b"9" * 5_000 + b"}}}\n",
    "numbers for names": b"exchange:\n  hosts:\n    12: {}\n    yes: {}\n",
    "hosts as list": b"exchange:\n  hosts: [a, b]\n",
    "variables as list": b"exchange:\n  hosts:\n    a: [1]\n",
    "unknown plug-in": b"plugin: no.such.thing\n",
    "templates": b"exchange: {hosts: {a: {exchange_build: '{{ 1/0 }}', ad_site: '{{ ad_site }}', "
    b"exchange_roles: '{{ [[], {}] }}', exchange_dag: '{{ self }}'}}}\n",
    "wrong kinds": b"exchange: {hosts: {a: {exchange_build: .nan, ad_site: [[1]], "
    b"exchange_roles: {a: b}, exchange_dag: [1], exchange_owa_internal_url: 'https://[', "
    b"exchange_estimated_minutes: 1e400, exchange_management_host: [a]}}}\n",
}


@pytest.mark.parametrize("name", ["hosts.yml", "hosts.ini", "hosts", "organization.yml"])
@pytest.mark.parametrize("data", RUBBISH.values(), ids=RUBBISH)
def test_rubbish_is_a_finding_with_its_file(
    data: bytes, name: str, folder: Path, faults: Callable[..., list[str]]
) -> None:
    if name.startswith("hosts"):
        (folder / "hosts.yml").unlink()
    (folder / name).write_bytes(data)
    found = faults(folder)
    assert found
    for fault in found:
        assert f"(x/{name}" in fault
        assert all(character.isprintable() for character in fault)


@pytest.mark.parametrize("data", RUBBISH.values(), ids=RUBBISH)
def test_rubbish_in_group_vars_is_no_traceback(
    data: bytes, folder: Path, faults: Callable[..., list[str]]
) -> None:
    (folder / "group_vars").mkdir()
    (folder / "group_vars" / "exchange.yml").write_bytes(data)
    harmless = {
        "hosts as list",
        "numbers for names",
        "variables as list",
        "unknown plug-in",
        "empty",
        "document start only",
        "unknown tag",
        "templates",
        "wrong kinds",
    }
    found = faults(folder)
    if not found:
        assert {name for name, known in RUBBISH.items() if known == data} <= harmless


WORDS = st.sampled_from(
    ["version", "sites", "pools", "paths", "a", "2010", "site", "users", "product_line", "target"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)


@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(values=st.dictionaries(WORDS, VALUES, max_size=6))
def test_any_mapping_as_organization_is_answered(values: dict[str, object], folder: Path) -> None:
    import yaml

    from orchestrator.inventory import document
    from orchestrator.inventory.findings import Findings

    path = folder / "organization.yml"
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    findings = Findings()
    read = document.read(path, findings)
    assert (read is None) == bool(findings.errors)
    assert all(d.place and d.place.file == "x/organization.yml" for d in findings.errors)
