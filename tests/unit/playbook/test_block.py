"""Our layout of YAML against PyYAML: the same text as its emitter, the same values back."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.playbook.block import block


class _Indented(yaml.SafeDumper):
    """PyYAML's own block style with lists inside their key, as ansible-lint wants them."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow=flow, indentless=False)


TEXTS = st.text(max_size=12) | st.sampled_from(
    ["", "yes", "null", "14.10", "22:00", "1320", "- a", "a: b", "a #b", "#", "'", '"', "é", "~"]
)
SCALARS = TEXTS | st.integers() | st.booleans() | st.none()
DATA = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


class _Unsafe(yaml.SafeLoader):
    """Reads what Ansible would not template as plain text."""


_Unsafe.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))


@given(DATA)
def test_what_is_written_is_what_is_read(value: object) -> None:
    text = f"key:\n  {block({'held': value}, 2)}\n"
    assert yaml.load(text, Loader=_Unsafe) == {"key": {"held": value}}  # noqa: S506


# What PyYAML may write over several lines, or we mark, is written another way on purpose.
PLAIN = st.sampled_from(["", "yes", "14.10", "22:00", "- a", "a: b", "a #b", "'", '"', "é", "b c"])
KEYS = PLAIN.filter(bool)
ORDINARY = st.recursive(
    PLAIN | st.integers() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


@given(ORDINARY)
def test_the_layout_is_that_of_pyyaml(value: object) -> None:
    wanted = yaml.dump(value, Dumper=_Indented, sort_keys=False, allow_unicode=True, width=100_000)
    assert block(value) + "\n" == wanted.removesuffix("...\n")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("{{ lookup('pipe', 'id') }}", "!unsafe \"{{ lookup('pipe', 'id') }}\""),
        ("two\nlines", r'"two\nlines"'),
        (True, "true"),
        (1, "1"),
        ([], "[]"),
        ({}, "{}"),
    ],
)
def test_single_values(value: object, text: str) -> None:
    assert block(value) == text
