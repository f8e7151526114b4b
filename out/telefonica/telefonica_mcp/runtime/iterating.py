"""Every item of a list that comes in pages, each page fetched when its first item is asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from pydantic_core import to_json

from ..errors import InvalidArguments, PagingFailed

MOST_EMPTY = 100
"""How many pages in a row may be empty: some upstreams filter what they have cut into pages."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A page: its items as they came and in their type, and what the server says of the next one."""

    raw: Sequence[Any]
    items: Sequence[Any]
    page: Any
    """None where the server, or what stands between, says nothing."""


Fetch = Callable[[Mapping[str, Any]], Awaitable[Fetched]]
"""From what changes in the arguments to the page."""


async def iterate(
    fetch: Fetch, tool: str, *, max_items: int | None = None, max_pages: int | None = None
) -> AsyncIterator[Any]:
    """The items of all pages, no more of either than is asked for. Raises `ApiError` where a page cannot be had.

    A server that gives the same place or the same page again, for ever perhaps, ends in `PagingFailed`.
    """
    for name, most in (("max_items", max_items), ("max_pages", max_pages)):
        if most is not None and most < 1:
            raise InvalidArguments(f"Nothing was sent: {name} is {most}.", "Pass 1 or more, or leave it out.")
    left, pages, empty = max_items, 0, 0
    changed: dict[str, Any] = {}
    seen: set[bytes] = set()
    while True:
        fetched = await fetch(changed)
        pages, empty = pages + 1, 0 if fetched.raw else empty + 1
        if _comes_again(fetched.raw, seen):
            raise _failed(tool, "the API gives the same page again", pages)
        for item in fetched.items[:left]:
            yield item
        left = None if left is None else left - len(fetched.items)
        if (left is not None and left <= 0) or pages == max_pages:
            return
        following = _following(fetched.page, tool, pages)
        if following is None:
            return
        changed |= following
        if empty >= MOST_EMPTY or _is_known(changed, seen):
            raise _failed(tool, "the API leads in circles, or from one empty page to another", pages)


def _following(page: Any, tool: str, pages: int) -> Mapping[str, Any] | None:  # noqa: ANN401 - JSON
    """What changes for the next page; None on the last one."""
    if not isinstance(page, dict):
        raise _failed(tool, "the server does not say whether there are more, or what stands between dropped it", pages)
    if page.get("broken"):
        raise _failed(tool, str(page["broken"]), pages)
    found = page.get("next")
    return found if isinstance(found, dict) and found else None


def _comes_again(items: Sequence[Any], seen: set[bytes]) -> bool:
    """Whether a page has been there before; plain values may well be the same on two pages."""
    return any(isinstance(one, dict) for one in items) and _is_known(items, seen)


def _is_known(value: Any, seen: set[bytes]) -> bool:  # noqa: ANN401 - JSON
    digest = blake2b(to_json(value), digest_size=16).digest()
    known = digest in seen
    seen.add(digest)
    return known


def _failed(tool: str, why: str, pages: int) -> PagingFailed:
    hint = "What came before is good; take fewer pages with max_pages, or mend the catalog's pagination."
    return PagingFailed(f"Page {pages + 1} of {tool} cannot be had: {why}.", hint)
