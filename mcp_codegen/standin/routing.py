"""Which APIs a path leads to: literal segments before those with placeholders."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar
from urllib.parse import unquote

T = TypeVar("T")

_PLACEHOLDER: Final = re.compile(r"\{[^{}]*\}")


@dataclass(slots=True)
class _Node(Generic[T]):
    """A place in the tree of paths: one segment further than its parent."""

    literals: dict[str, _Node[T]] = field(default_factory=dict)
    patterns: list[tuple[re.Pattern[str], _Node[T]]] = field(default_factory=list)
    """The most literal first."""
    targets: list[T] = field(default_factory=list)


class Routes(Generic[T]):
    """Path templates and what they lead to."""

    def __init__(self) -> None:
        self._root: _Node[T] = _Node()

    def add(self, template: str, target: T) -> None:
        """Let a path with `{placeholders}` lead to a target; several targets may have the same one."""
        node = self._root
        for segment in template.split("/"):
            plain = "{" not in segment
            node = node.literals.setdefault(unquote(segment), _Node()) if plain else _child(node, segment)
        node.targets.append(target)

    def find(self, path: str) -> Iterator[tuple[T, tuple[str, ...]]]:
        """Every target of a path, each with the values of its placeholders; those of more literal templates first."""
        try:
            segments = [unquote(segment, errors="strict") for segment in path.split("/")]
        except UnicodeDecodeError:
            return
        waiting: list[tuple[_Node[T], int, tuple[str, ...]]] = [(self._root, 0, ())]
        while waiting:
            node, depth, values = waiting.pop()
            if depth == len(segments):
                yield from ((target, values) for target in node.targets)
                continue
            segment = segments[depth]
            further = [(node.literals[segment], depth + 1, values)] if segment in node.literals else []
            for pattern, child in node.patterns:
                if match := pattern.fullmatch(segment):
                    further.append((child, depth + 1, (*values, *match.groups())))
            waiting += reversed(further)


def _child(node: _Node[T], segment: str) -> _Node[T]:
    literal = [re.escape(unquote(part)) for part in _PLACEHOLDER.split(segment)]
    pattern = re.compile("(.+?)".join(literal), re.DOTALL)
    for known, child in node.patterns:
        if known == pattern:
            return child
    child = _Node()
    node.patterns.append((pattern, child))
    node.patterns.sort(key=lambda pair: -len(pair[0].pattern))
    return child
