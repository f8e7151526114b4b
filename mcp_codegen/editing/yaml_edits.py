"""Changes to a YAML text."""

from __future__ import annotations

from typing import Any, Final

import yaml

from mcp_codegen.editing import flow
from mcp_codegen.errors import Pointer
from mcp_codegen.source import yaml_text

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WIDE: Final = 1_000_000
"""No text is broken into lines."""


def appended(text: str, pointer: Pointer, key: str, value: Any) -> str:  # noqa: ANN401 - JSON
    """The text with a member more."""
    node, parent = _found(text, pointer)
    if node.flow_style and not node.value and parent is None:
        return f"{text[: node.start_mark.index]}{_block(key, value, 0)}{text[node.end_mark.index :].lstrip(' ')}"
    if node.flow_style and not node.value and not parent.flow_style:
        return _first(text, node, _block(key, value, parent.start_mark.column + 2))
    if node.flow_style:
        last = node.value[-1] if node.value else None
        ends = None if last is None else (_nodes(last)[0].start_mark.index, _nodes(last)[-1].end_mark.index)
        return flow.added(text, (node.start_mark.index, node.end_mark.index - 1), ends, key, value)
    at = _line_end(text, _end(node, text))
    before = text[:at] if text[:at].endswith("\n") or not at else f"{text[:at]}\n"
    return _with_ends(before, _block(key, value, node.start_mark.column), text[at:], text)


def replaced(text: str, pointer: Pointer, value: str) -> str:
    """The text with another value, in the quotes that were there."""
    node, _ = _found(text, pointer)
    start, end = node.start_mark.index, node.end_mark.index
    quote = node.style if node.style in ("'", '"') else ""
    return f"{text[:start]}{quote}{value}{quote}{text[end:]}"


class _Dumper(yaml.SafeDumper):
    """Members of lists are indented, and texts that could be read as something else stand in quotes."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """As a person writes lists."""
        super().increase_indent(flow, False)

    def ignore_aliases(self, _data: object) -> bool:
        """Nothing is written once and referred to."""
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    plain = isinstance(yaml_text.resolve(text), str) if text else False
    is_line = text.isprintable()
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain and is_line else '"')


_Dumper.add_representer(str, _text)


def _block(key: str, value: Any, column: int) -> str:  # noqa: ANN401 - JSON
    data = {key: value} if key else [value]
    written = yaml.dump(
        data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDE, default_flow_style=False
    )
    return "".join(f"{' ' * column}{line}\n" for line in written.splitlines())


def _first(text: str, node: Any, block: str) -> str:  # noqa: ANN401 - PyYAML's node
    """In place of the empty brackets behind a key; what follows them on their line stays there."""
    start, end = node.start_mark.index, node.end_mark.index
    at = _line_end(text, end)
    rest = text[end:at].rstrip("\r\n")
    return _with_ends(f"{text[:start].rstrip(' ')}{rest}\n", block, text[at:], text)


def _with_ends(before: str, block: str, after: str, text: str) -> str:
    ending = "\r\n" if "\r\n" in text else "\n"
    return before + block.replace("\n", ending) + after


def _found(text: str, pointer: Pointer) -> tuple[Any, Any]:
    """A node and the one around it. Raises `LookupError`."""
    node: Any = yaml.compose(text, Loader=_LOADER)
    parent: Any = None
    for part in pointer:
        parent = node
        if isinstance(node, yaml.MappingNode):
            node = next((value for key, value in node.value if key.value == part), None)
        else:
            node = node.value[part]
        if node is None:
            raise LookupError(part)
    return node, parent


def _nodes(member: Any) -> tuple[Any, ...]:  # noqa: ANN401 - a node, or the nodes of a key and its value
    return member if isinstance(member, tuple) else (member,)


def _end(node: Any, text: str) -> int:  # noqa: ANN401 - PyYAML's node
    """Where what was written of it ends; in block style, a node's own end is where the next one begins."""
    while not isinstance(node, yaml.ScalarNode) and not node.flow_style and node.value:
        node = _nodes(node.value[-1])[-1]
    start, end = int(node.start_mark.index), int(node.end_mark.index)
    written = text[start:end]
    if (
        isinstance(node, yaml.ScalarNode) and node.style in ("|", ">") and "+" not in written.partition("\n")[0]
    ):  # blank lines behind are none of its own
        return start + len(written.rstrip())
    return end


def _line_end(text: str, at: int) -> int:
    """Behind the line that holds the offset; the offset itself where a line begins."""
    if at and text[at - 1] == "\n":
        return at
    found = text.find("\n", at)
    return len(text) if found < 0 else found + 1
