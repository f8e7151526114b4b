"""How lists come in pages: `pagination` of a gateway or an API."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from mcp_codegen.catalog.nodes import HEADER_NAME, Node

JsonPointer = Annotated[str, Field(pattern=r"^(/([^~/]|~[01])*)*$", max_length=200)]
"""A place in an answer (RFC 6901); empty is the whole of it."""
HeaderOrPointer = Annotated[str, Field(pattern=rf"^((/([^~/]|~[01])*)+|{HEADER_NAME})?$", max_length=200)]
"""A header of the answer, or, with a slash in front, a place in it; empty is none."""
InputName = Annotated[str, Field(min_length=1, max_length=256)]


class NoPages(Node):
    """The answer is whole."""

    type: Literal["none"]


class Paged(Node):
    """What all kinds of pages have in common."""

    items: JsonPointer | None = None
    """Where the list stands in the answer; without it, the answer itself or the one list that it holds."""
    total: HeaderOrPointer = "X-Total-Count"
    """Where the number of all items stands, if the API tells it."""


class OffsetPages(Paged):
    """A page is so many items from so far on."""

    type: Literal["offset"]
    offset: InputName = "offset"
    """The input that says how many items to skip."""
    limit: InputName = "limit"
    """The input that says how many items a page has at most."""


class NumberedPages(Paged):
    """Pages are counted."""

    type: Literal["page"]
    page: InputName = "page"
    """The input that holds the page's number."""
    per_page: InputName = "perPage"
    """The input that says how many items a page has at most."""
    first: Annotated[int, Field(ge=0, le=1)] = 1
    """The number of the first page."""


class CursorPages(Paged):
    """Each answer says where the next page begins."""

    type: Literal["cursor"]
    cursor: InputName = "cursor"
    """The input that takes what the answer said."""
    limit: InputName = "limit"
    """The input that says how many items a page has at most."""
    next: Annotated[HeaderOrPointer, Field(min_length=1)] = "/nextCursor"
    """Where the answer says it; nothing stands there on the last page."""


class LinkedPages(Paged):
    """Each answer has a link to the next page (RFC 8288)."""

    type: Literal["link"]
    limit: InputName = "per_page"
    """The input that says how many items a page has at most."""
    next: Annotated[HeaderOrPointer, Field(min_length=1)] = "Link"
    """The header with links, of which `rel="next"` counts, or the place in the answer with the next page's URL."""


def _spell_out_pages(pages: Any) -> Any:  # noqa: ANN401 - whatever stands in the file
    return {"type": "none"} if pages == "none" else pages


AnyPages = Annotated[NoPages | OffsetPages | NumberedPages | CursorPages | LinkedPages, Field(discriminator="type")]
Pages = Annotated[AnyPages, BeforeValidator(_spell_out_pages, json_schema_input_type=AnyPages | Literal["none"])]
"""How the answer's list comes in pages."""
