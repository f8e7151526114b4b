"""Lists that come in pages, as the catalog says that they do: the same list for the same other inputs, cut as asked."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from mcp_codegen.catalog import CursorPages, LinkedPages, NumberedPages
from mcp_codegen.checked import Operation, Parameter
from mcp_codegen.paging import Members, Paging, at, members_of, settled
from mcp_codegen.schema import Schema
from mcp_codegen.standin.draw import Draw
from mcp_codegen.standin.errors import Refused
from mcp_codegen.standin.messages import Request, failure

USUAL_SIZE: Final = 10
FEWEST, MOST = 21, 29
"""Items on all pages: three pages of the usual size."""
BAD_REQUEST: Final = 400
_CURSOR: Final = "after-"
_NUMBERS: Final = ("integer", "number")
_COUNTERS: Final = re.compile(
    r"(page|offset|start|skip|from|cursor|after)s?[\[ _.-]?(number|num|no|index|token|id)?\]?", re.IGNORECASE
)
"""Names of inputs by which servers count, such as `page[number]`."""


@dataclass(frozen=True, slots=True)
class Window:
    """Which items a request asks for."""

    start: int
    size: int


class PagedList:
    """How one API cuts its list."""

    def __init__(self, paging: Paging, operation: Operation, schemas: Mapping[str, Schema]) -> None:
        self._paging, self._answer, self._schemas = paging, operation.answer, schemas
        self._position = paging.position or _linked(operation, paging.size)
        chosen = [one for one in (self._position, paging.size) if one]
        self.labels = frozenset(one.label for one in chosen)
        """The inputs that choose the page."""

    def window(self, inputs: Mapping[str, Any]) -> Window:
        """The items that the inputs ask for, from the first where they ask for less than none.

        Raises `Refused` for a cursor that no answer gave.
        """
        size = inputs.get(self._paging.size.label) if self._paging.size else None
        size = int(size) if isinstance(size, int | float) and size >= 0 else USUAL_SIZE
        value = inputs.get(self._position.label) if self._position else None
        if value is None or self._position is None:
            return Window(0, size)
        if isinstance(value, int | float):
            return Window(max(0, int(value) - self._first) * size if self._is_counted else max(0, int(value)), size)
        number = str(value).removeprefix(_CURSOR)
        if not (number.isascii() and number.isdigit() and len(number) < 10):  # noqa: PLR2004 - no list is that long
            said = f"{self._position.name} is none that an answer gave"
            raise Refused(failure(BAD_REQUEST, said, inputs={self._position.label: "is unknown"}))
        return Window(int(number), size)

    def items(self, window: Window, draw: Draw, make: Callable[[Schema, Draw, str], Any]) -> tuple[list[Any], int]:
        """The items of a window, made one by one, and how many there are in all."""
        total = draw.at("total").between(FEWEST, MOST)
        item, name = self._paging.item, self._paging.items[-1] if self._paging.items else ""
        wanted = range(window.start, min(window.start + window.size, total))
        return [make(item, draw.at(n), name) if item else {"number": n + 1} for n in wanted], total

    def cut(self, output: Any, window: Window) -> tuple[list[Any], int]:  # noqa: ANN401 - JSON
        """The items of a window out of an answer that an example holds whole."""
        for name in self._paging.items:
            output = output.get(name) if isinstance(output, dict) else None
        found = output if isinstance(output, list) else []
        return found[window.start : window.start + window.size], len(found)

    def page(
        self, output: Any, items: Sequence[Any], total: int, window: Window, request: Request  # noqa: ANN401 - JSON
    ) -> tuple[Any, dict[str, str]]:
        """The answer with these items in it, and the headers that tell of the others."""
        policy, headers = self._paging.policy, {}
        body = _with(deepcopy(output), self._paging.items, list(items))
        reached = window.start + len(items)
        following = self._next(window) if items and reached < total else None
        if policy.total.startswith("/"):
            body = _with(body, members_of(policy.total), total)
        elif policy.total:
            headers[policy.total] = str(total)
        if not isinstance(policy, CursorPages | LinkedPages):
            return body, headers
        told: Any = following
        if isinstance(policy, LinkedPages) and following is not None:
            told = self._url(following, request)
        if policy.next.startswith("/"):
            return self._telling(body, members_of(policy.next), told), headers
        if told is not None:
            headers[policy.next] = f'<{told}>; rel="next"' if isinstance(policy, LinkedPages) else str(told)
        return body, headers

    @property
    def _is_counted(self) -> bool:
        """Whether the input counts pages, not items."""
        policy = self._paging.policy
        if isinstance(policy, LinkedPages):
            return self._position is not None and self._is_number and "page" in self._position.name.lower()
        return isinstance(policy, NumberedPages)

    @property
    def _is_number(self) -> bool:
        return self._position is not None and settled(self._position.schema, self._schemas).kind in _NUMBERS

    @property
    def _first(self) -> int:
        policy = self._paging.policy
        return policy.first if isinstance(policy, NumberedPages) else 1

    def _next(self, window: Window) -> Any:  # noqa: ANN401 - JSON
        """What the position's input is for the next page."""
        reached = window.start + window.size
        if self._is_counted:
            return reached // window.size + self._first
        return reached if self._is_number else f"{_CURSOR}{reached}"

    def _url(self, following: Any, request: Request) -> str | None:  # noqa: ANN401 - JSON
        if self._position is None:
            return None
        given = [(name, value) for name, values in request.raw_query.items() for value in values]
        pairs = [f"{quote(name, safe='')}={value}" for name, value in given if name != self._position.name]
        pairs.append(f"{quote(self._position.name, safe='')}={quote(str(following), safe='')}")
        return f"http://{request.headers.get('host', 'localhost')}{request.path}?{'&'.join(pairs)}"

    def _telling(self, body: Any, members: Members, told: Any) -> Any:  # noqa: ANN401 - JSON
        """The answer with the way to the next page in it; on the last page without, as far as its type allows that."""
        if told is not None:
            return _with(body, members, told)
        around = at(self._answer, members[:-1], self._schemas)
        member = next((one for one in around.going("output") if one.name == members[-1]), None) if around else None
        if member and member.required:
            return _with(body, members, None if member.schema.nullable else "")
        inner = body
        for name in members[:-1]:
            inner = inner.get(name) if isinstance(inner, dict) else None
        if isinstance(inner, dict):
            inner.pop(members[-1], None)
        return body


def _linked(operation: Operation, size: Parameter | None) -> Parameter | None:
    """The input that links count with, by its name: the catalog does not tell, as callers need not know."""
    scalars = (*_NUMBERS, "string")
    found = [one for one in operation.parameters if one.place == "query" and one.schema.kind in scalars and one != size]
    return next((one for one in found if _COUNTERS.fullmatch(one.name)), None)


def _with(body: Any, members: Sequence[str], value: Any) -> Any:  # noqa: ANN401 - JSON
    """The answer with a value at a place, made where it is missing."""
    if not members:
        return value
    whole = body if isinstance(body, dict) else {}
    whole[members[0]] = _with(whole.get(members[0]), members[1:], value)
    return whole
