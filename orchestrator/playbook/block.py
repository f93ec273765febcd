"""Plain data as block YAML, in which no text is ever taken for a template.

PyYAML decides how each scalar is written, once per scalar; the layout of mappings and lists is
done here. Its emitter is pure Python and takes half a millisecond per probe, and libyaml's does
not set lists inside their key, as ansible-lint wants them (both measured in docs/benchmarks.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import yaml

_WIDE = 100_000
_MOST_SCALARS = 100_000


class _Dumper(yaml.SafeDumper):
    """Texts that Jinja would read are marked as not to be read."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    tag = "!unsafe" if "{{" in value or "{%" in value or "{#" in value else None
    # A line break inside plain or single quotes depends on where the text stands; this does not.
    style = '"' if tag or not value.isprintable() else None
    return dumper.represent_scalar(tag or "tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def block(value: object, indent: int = 0) -> str:
    """A value as block YAML; the first line is not indented, since it stands after what holds it.

    Parameters
    ----------
    value : object
        Mappings with texts as keys, lists, texts, numbers, booleans, None.
    indent : int
        Columns in front of every other line.

    Raises
    ------
    yaml.representer.RepresenterError
        If a scalar is none of these.
    """
    return ("\n" + " " * indent).join(_lines(value))


def _lines(value: object) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for key, held in value.items():
            if isinstance(held, dict | list) and held:
                yield f"{_scalar(key)}:"
                yield from (f"  {line}" for line in _lines(held))
            else:
                yield f"{_scalar(key)}: {_leaf(held)}"
    elif isinstance(value, list) and value:
        for held in value:
            mark = "- "
            for line in _lines(held):
                yield mark + line
                mark = "  "
    else:
        yield _leaf(value)


def _leaf(value: object) -> str:
    if isinstance(value, dict):
        return "{}"
    if isinstance(value, list):
        return "[]"
    return _scalar(value)


# Typed: 1, 1.0 and True are equal and not written alike.
@lru_cache(maxsize=_MOST_SCALARS, typed=True)
def _scalar(value: object) -> str:
    text: str = yaml.dump(value, Dumper=_Dumper, allow_unicode=True, width=_WIDE)
    return text.removesuffix("\n").removesuffix("\n...")
