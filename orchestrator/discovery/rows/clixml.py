"""CLIXML as `Export-Clixml` writes it: [MS-PSRP] 2.2.5, the parts that exports use."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from xml.etree.ElementTree import Element  # built, not parsed

from orchestrator.discovery.rows.row import Row
from orchestrator.discovery.rows.xml_records import records

_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_LISTS = {"LST", "IE", "STK", "QUE"}
_NUMBERS = {"I16", "I32", "I64", "U16", "U32", "U64", "By", "SBy"}


def rows(pieces: Iterable[bytes]) -> Iterator[Row]:
    """The exported objects; lists are taken apart.

    Raises
    ------
    Damaged
    """
    types: dict[str, tuple[str, ...]] = {}
    for line, element in records(pieces, lambda name, depth: name == "Obj" and depth == 2):
        yield from _objects(element, line, types)


def _objects(element: Element, line: int, types: dict[str, tuple[str, ...]]) -> Iterator[Row]:
    names = _types(element, types)
    inside = next((child for child in element if child.tag in _LISTS), None)
    if inside is not None and element.find("Props") is None:
        for child in inside:
            if child.tag == "Obj":
                yield from _objects(child, line, types)
        return
    values: dict[str, object] = {}
    for group in ("Props", "MS"):
        for child in element.iterfind(f"{group}/*"):
            values[_text(child.get("N", ""))] = _value(child, types)
    yield Row(line, values, names)


def _types(element: Element, types: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    own = element.find("TN")
    if own is not None:
        names = tuple(name.text or "" for name in own.iterfind("T"))
        types[own.get("RefId", "")] = names
        return names
    reference = element.find("TNRef")
    return types.get(reference.get("RefId", ""), ()) if reference is not None else ()


def _value(element: Element, types: dict[str, tuple[str, ...]]) -> object:
    text = element.text or ""
    match element.tag:
        case "Nil" | "Ref":
            return None
        case "B":
            return text.strip().lower() == "true"
        case "Obj":
            return _inner(element, types)
        case tag if tag in _NUMBERS and text.strip().lstrip("-").isdigit():
            return int(text)
        case _:
            return _text(text)


def _inner(element: Element, types: dict[str, tuple[str, ...]]) -> object:
    """A property that is an object itself: a list, an enumeration, a build, an event's part."""
    _types(element, types)
    inside = next((child for child in element if child.tag in _LISTS), None)
    if inside is not None:
        return [_value(child, types) for child in inside]
    dictionary = element.find("DCT")
    if dictionary is not None:
        pairs = (
            {child.get("N", ""): _value(child, types) for child in entry} for entry in dictionary
        )
        return {str(pair.get("Key")): pair.get("Value") for pair in pairs}
    properties = {child.get("N", ""): child for child in element.iterfind("Props/*")}
    if set(properties) == {"Value"}:
        return _value(properties["Value"], types)
    shown = element.findtext("ToString")
    if shown is not None:
        return _text(shown)
    return {_text(name): _value(child, types) for name, child in properties.items()}


def _text(raw: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), raw) if "_x" in raw else raw
