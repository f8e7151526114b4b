"""Lists that come in pages: from an answer, the arguments of the call that gets the next page.

What a policy finds travels with the tool's result, under `PAGE` in its metadata: the answer itself stays the upstream's
own. A link is never followed: it is read back into the tool's arguments, so that each call goes where the gateway says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from .context import Answer

PAGE = "mcp-codegen/page"
"""The key under which the metadata of a result says how to go on: `next`, `total`, `broken`."""
LONGEST_CURSOR = 4_096
PARTIAL_CONTENT = 206
_LINK = re.compile(r"<([^<>]{0,4096})>((?:\s*;\s*[\w!#$&+^`|~.*-]{1,40}\s*=\s*(?:\"[^\"]{0,400}\"|[^\s\",;]{1,400}))*)")
_RELATION = re.compile(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\s\",;]+))", re.IGNORECASE)

Arguments = Mapping[str, Any]
"""A tool's arguments by their names in its schema, with the defaults of those left out."""


@dataclass(frozen=True, slots=True)
class Page:
    """What is known of the rest of a list.

    next: what changes in the arguments for the next page; None on the last one. total: the number of all items, if the
    upstream tells it. broken: why the next page cannot be had, though there is one.
    """

    next: Mapping[str, Any] | None = None
    total: int | None = None
    broken: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The page as JSON, without what is not known."""
        known = {"next": dict(self.next) if self.next else None, "total": self.total, "broken": self.broken or None}
        return {key: value for key, value in known.items() if value is not None}

    def said(self, tool: str) -> str:
        """The same for a model; empty on the last page."""
        total = "" if self.total is None else f" There are {self.total} in all."
        if self.broken:
            return f"There is more, which cannot be had this way: {self.broken}.{total}"
        if not self.next:
            return ""
        changed = ", ".join(f"{name}={value!r}" for name, value in self.next.items())
        return f"There is more: for the next page call {tool} again with the same arguments and {changed}.{total}"


class Pages(Protocol):
    """A policy: how one tool's list comes in pages."""

    @property
    def items(self) -> Sequence[str]:
        """The members that lead to the list."""

    def page(self, arguments: Arguments, answer: Answer[Any]) -> Page:
        """What the answer to a call with these arguments says of the rest of the list."""

    def rest(self, arguments: Arguments, shown: int) -> Arguments:
        """What changes in the arguments to get smaller pages, from behind the items that were shown if it can be.

        Nothing where the tool has no argument for the size of a page.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listed:
    items: Sequence[str] = ()
    """The members that lead to the list."""
    total: str = "X-Total-Count"
    """The header that tells the number of all items, or with a slash in front a JSON pointer."""

    def count(self, answer: Answer[Any]) -> int:
        """How many items the page has."""
        found = inside(answer.data, self.items)
        return len(found) if isinstance(found, list) else 0

    def all(self, answer: Answer[Any]) -> int | None:
        """How many items there are on all pages; None where the upstream does not tell."""
        found = _told(answer, self.total)
        number = re.search(r"(?<![\d.,-])\d{1,15}\s*$", found) if isinstance(found, str) else None  # also Content-Range
        whole = int(number[0]) if number else found
        return whole if isinstance(whole, int) and not isinstance(whole, bool) and whole >= 0 else None


@dataclass(frozen=True, slots=True)
class ByOffset(_Listed):
    """A page is `limit` items from `offset` on; both name arguments."""

    offset: str
    limit: str = ""

    def page(self, arguments: Arguments, answer: Answer[Any]) -> Page:
        """The last page is empty, or shorter than it was asked for, unless the upstream says what the last one is."""
        count, total = self.count(answer), self.all(answer)
        reached = _number(arguments, self.offset, 0) + count
        size = _number(arguments, self.limit, 0)
        more = reached < total if total is not None else answer.status == PARTIAL_CONTENT or count >= size
        return Page({self.offset: reached} if more and count else None, total)

    def rest(self, arguments: Arguments, shown: int) -> Arguments:
        """From the first item that was not shown on."""
        size = {self.limit: _smaller(shown)} if self.limit else {}
        return {self.offset: _number(arguments, self.offset, 0) + shown} | size


@dataclass(frozen=True, slots=True)
class ByNumber(_Listed):
    """Pages have numbers from `first` on; `number` and `size` name arguments."""

    number: str
    size: str = ""
    first: int = 1

    def page(self, arguments: Arguments, answer: Answer[Any]) -> Page:
        """The last page is empty, or shorter than it was asked for, unless the total says otherwise."""
        count, total = self.count(answer), self.all(answer)
        number = _number(arguments, self.number, self.first)
        size = _number(arguments, self.size, 0)
        if total is None:
            more = answer.status == PARTIAL_CONTENT or count >= size
        elif count == size:
            more = (number - self.first + 1) * size < total
        else:  # the last one; or the upstream gives less than it is asked for, and an empty page is the end
            more = (number - self.first) * (size or count) + count != total
        return Page({self.number: number + 1} if more and count else None, total)

    def rest(self, arguments: Arguments, shown: int) -> Arguments:
        """From the smaller page on that holds the first item that was not shown."""
        size = _number(arguments, self.size, 0)
        skipped = (_number(arguments, self.number, self.first) - self.first) * size
        if not size or skipped < 0:
            return {}
        smaller = _smaller(shown)
        return {self.number: (skipped + shown) // smaller + self.first, self.size: smaller}


@dataclass(frozen=True, slots=True)
class ByCursor(_Listed):
    """The answer tells, in a header or at a JSON pointer, what the argument `cursor` is for the next page."""

    cursor: str
    next: str
    kind: type[str] | type[int] = str
    size: str = ""

    def page(self, arguments: Arguments, answer: Answer[Any]) -> Page:
        """The last page has no cursor."""
        total, found = self.all(answer), _told(answer, self.next)
        if found in (None, "", False) or not isinstance(found, str | int):
            return Page(None, total)
        cursor = _converted(str(found), self.kind) if len(str(found)) <= LONGEST_CURSOR else None
        if cursor is None:
            return Page(None, total, "the API's cursor is longer than a cursor is, or not of the argument's type")
        if cursor == arguments.get(self.cursor):
            return Page(None, total, "the API gives the same cursor again")
        return Page({self.cursor: cursor}, total)

    def rest(self, arguments: Arguments, shown: int) -> Arguments:
        """The same page again, and smaller."""
        return {self.size: _smaller(shown)} if self.size else {}


@dataclass(frozen=True, slots=True)
class ByLink(_Listed):
    """The answer has the next page's URL, in a Link header (RFC 8288) or at a JSON pointer.

    inputs: of each query parameter that can be read back, the argument and its type.
    """

    inputs: Mapping[str, tuple[str, type[str] | type[int] | type[float] | type[bool]]] = field(default_factory=dict)
    next: str = "Link"
    size: str = ""

    def page(self, arguments: Arguments, answer: Answer[Any]) -> Page:
        """The last page has no link. One that leads out of the gateway is not followed."""
        total, told = self.all(answer), _told(answer, self.next)
        url = told if self.next.startswith("/") else _next_link(told) if isinstance(told, str) else ""
        if not isinstance(url, str) or not url:
            return Page(None, total)
        if problem := _elsewhere(url, answer):
            return Page(None, total, problem)
        changed = {}
        for name, text in parse_qsl(url.partition("#")[0].partition("?")[2], keep_blank_values=True):
            key, kind = self.inputs.get(name, ("", str))
            value = _converted(text, kind) if key else None
            if value is not None and value != arguments.get(key):
                changed[key] = value
        if not changed:
            return Page(None, total, "the link to the next page changes nothing that is an argument")
        return Page(changed, total)

    def rest(self, arguments: Arguments, shown: int) -> Arguments:
        """The same page again, and smaller."""
        return {self.size: _smaller(shown)} if self.size else {}


def inside(data: Any, members: Sequence[str]) -> Any:  # noqa: ANN401 - JSON
    """The value under these members; None where there is none."""
    for name in members:
        data = data.get(name) if isinstance(data, dict) else None
    return data


def _told(answer: Answer[Any], place: str) -> Any:  # noqa: ANN401 - JSON
    """What stands in a header, or at a JSON pointer."""
    if not place.startswith("/"):
        return answer.headers.get(place.lower()) if place else None
    return inside(answer.data, [part.replace("~1", "/").replace("~0", "~") for part in place.split("/")[1:]])


def _number(arguments: Arguments, name: str, otherwise: int) -> int:
    value = arguments.get(name)
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else otherwise


def _smaller(shown: int) -> int:
    """A size of pages that are likely to be shown whole, where so many items were; the next ones may be longer."""
    return max(1, shown * 9 // 10)


def _converted(text: str, kind: type[str] | type[int] | type[float] | type[bool]) -> Any:  # noqa: ANN401 - JSON
    """The text of a URL as a value of an argument's type; None where it is none."""
    if kind is bool:
        return {"true": True, "false": False}.get(text.lower())
    if kind is str:
        return text
    if not re.fullmatch(r"-?\d{1,15}" if kind is int else r"-?\d{1,15}(\.\d{1,15})?", text, re.ASCII):
        return None
    return kind(text)


def _next_link(header: str) -> str:
    for url, parameters in _LINK.findall(header):
        relation = _RELATION.search(parameters)
        if relation and "next" in (relation[1] or relation[2] or "").lower().split():
            return str(url).strip()
    return ""


def _elsewhere(url: str, answer: Answer[Any]) -> str:
    """Why a link is not one to this gateway's APIs; empty when it is."""
    from .redirects import outside, target  # noqa: PLC0415 - loaded by the call that was answered, not by the listing

    link = target(answer.url, url)
    if link is None:
        return "the link to the next page is no URL"
    where = outside(link, answer.base_url)
    return f"the link to the next page leads {where}" if where else ""
