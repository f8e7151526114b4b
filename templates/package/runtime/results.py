"""What a tool gives back: the whole for programs, and for models a text that they can read."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mcp_types import Annotations, BlobResourceContents, CallToolResult, ContentBlock, EmbeddedResource, TextContent
from pydantic_core import to_json

from ..errors import AnswerTooLarge, ApiError
from .context import MEDIA_TYPE, Answer
from .cutting import CUT, SHOWN_BYTES, WHOLE, Excerpt, excerpt_of, ways_to_less
from .paging import PAGE, Pages, inside


@dataclass(frozen=True, slots=True)
class Asked:
    """A call: of which tool, with which arguments (and the defaults of others), which of all it could do without.

    The arguments are only there where the answer is a page of a list.
    """

    tool: str
    optional: Sequence[str] = ()
    pages: Pages | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)


def success(answer: Answer[Any], asked: Asked) -> CallToolResult:
    """The answer for programs, and the same as compact text for models; what is no JSON as text or as a blob.

    Only the text is ever cut, and then says so in words in front of it. The whole is in the structured content, or
    in the metadata where there is none: models are not shown that.
    """
    if isinstance(answer.data, bytes) and answer.media_type:
        return _with_page(CallToolResult(content=[_blob(answer, asked.tool)]), answer, asked)
    plain = answer.data if answer.media_type else to_json(answer.data).decode()
    structured = None if answer.media_type else {"result": answer.data} if answer.wrapped else answer.data
    structured = structured if isinstance(structured, dict) else None
    meta: dict[str, Any] = {}
    content: list[ContentBlock] = [_text(plain, answer.media_type)]
    size = len(plain.encode())
    if size > answer.shown_bytes:
        excerpt = excerpt_of(answer.data, answer.shown_bytes)
        text = excerpt.data if answer.media_type else to_json(excerpt.data).decode()
        shown = len(text.encode())
        ways = ways_to_less(asked.tool, asked.optional, _going_on(answer, excerpt, asked))
        content = [_words(excerpt.notice(shown, size, ways)), _text(text, answer.media_type)]
        meta = {CUT: excerpt.to_dict(shown, size)} | ({WHOLE: answer.data} if structured is None else {})
    result = CallToolResult(content=content, structured_content=structured)
    return _with_page(result.model_copy(update={"meta": meta}) if meta else result, answer, asked)


def failure(error: ApiError, asked: Asked) -> CallToolResult:
    """What `ApiError.to_dict` tells, as JSON text. Where an answer in it is too large, the metadata has the whole."""
    if isinstance(error, AnswerTooLarge):
        more = "The gateway's limits in the catalog say how large answers may be."
        error.hint = f"{ways_to_less(asked.tool, asked.optional, {})} {more}"
    told, meta = error.to_dict(), {}
    size = len(to_json(error.data))
    if size > SHOWN_BYTES:
        excerpt = excerpt_of(error.data, SHOWN_BYTES)
        shown = len(to_json(excerpt.data))
        told |= {"data": excerpt.data, "cut": excerpt.notice(shown, size, "").rstrip()}
        meta = {CUT: excerpt.to_dict(shown, size), WHOLE: error.data}
    result = CallToolResult(content=[_text(to_json({"error": told}).decode())], is_error=True)
    return result.model_copy(update={"meta": meta}) if meta else result


def _with_page(result: CallToolResult, answer: Answer[Any], asked: Asked) -> CallToolResult:
    """The result with how to go on: for programs in its metadata, for models in words behind the answer."""
    if asked.pages is None:
        return result
    page = asked.pages.page(asked.arguments, answer)
    words = [_words(said)] if (said := page.said(asked.tool)) else []
    meta = {**(result.meta or {}), PAGE: page.to_dict()}
    return result.model_copy(update={"content": [*result.content, *words], "meta": meta})


def _going_on(answer: Answer[Any], excerpt: Excerpt, asked: Asked) -> Mapping[str, Any]:
    """The arguments that lead to the items of the page that are not shown; none where that would not help."""
    if asked.pages is None:
        return {}
    whole, shown = (inside(data, asked.pages.items) for data in (answer.data, excerpt.data))
    if not isinstance(whole, list) or not isinstance(shown, list) or not 0 < len(shown) < len(whole):
        return {}
    return asked.pages.rest(asked.arguments, len(shown)) if shown[-1] == whole[len(shown) - 1] else {}


def _words(text: str) -> TextContent:
    return TextContent(type="text", text=text, annotations=Annotations(audience=["assistant"]))


def _text(text: str, media_type: str = "") -> TextContent:
    if media_type:
        return TextContent(type="text", text=text, _meta={MEDIA_TYPE: media_type})
    return TextContent(type="text", text=text)


def _blob(answer: Answer[Any], tool: str) -> EmbeddedResource:
    blob = b64encode(answer.data).decode()
    resource = BlobResourceContents(uri=f"answer:{tool}", mime_type=answer.media_type, blob=blob)
    return EmbeddedResource(type="resource", resource=resource)
