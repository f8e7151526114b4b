"""What an upstream answered: checked, or told as an error."""

from __future__ import annotations

import codecs
import json
import re
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from ..errors import NotJson, SchemaMismatch
from .complaints import printable
from .context import Answer
from .exchange import RawAnswer
from .masking import masked
from .refusals import SHOWN_CHARACTERS, excerpt, is_html, refusal

JSON = "application/json"
_JSON_KIND = re.compile(r"(?:application|text)/(?:[^;\s]+\+)?json|[^;\s]+\+json", re.IGNORECASE)
_TEXT_KIND = re.compile(r"text/.*|[^;\s]+\+xml|application/(?:xml|(?:x-)?(?:yaml|javascript|ndjson))", re.IGNORECASE)
_CHARSET = re.compile(r"charset\s*=\s*\"?([\w.:-]{1,40})", re.IGNORECASE | re.ASCII)
_TEXT_CODEC = re.compile(
    r"ascii|utf-(?:8|16|32)(?:-[bl]e)?|iso8859-\d+|cp\d+|koi8-[ru]|gb\w+|big5|shift_jis|euc_(?:jp|kr)"
)
"""Python has others, which are slow, or make what is no Unicode."""
_HTML_ACCEPTED = re.compile(r"text/html|text/\*|\*/\*|application/xhtml\+xml", re.IGNORECASE)
_HUGE = re.compile(rb"[eE]\+?[0-9]{3}|[0-9]{200}")
"""A number that may be more than a float can hold (10^308), with an exponent of two digits too: passed on as null."""
MOST_LEVELS = 100
"""Of JSON, passed on inside of a message that has some of its own: readers of messages stop at 200 or before."""
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def checked(
    answer: RawAnswer,
    returns: Any,  # noqa: ANN401 - a type
    variables: tuple[str, ...],
    *,
    accept: str = JSON,
    wrapped: bool = False,
) -> Answer[Any]:
    """What was answered, if it is a success that fits the type. Raises `UpstreamError`.

    A type that is `str` or `bytes` and not wrapped is an answer that is no JSON; `Any` is what came.
    """
    wants_page = bool(_HTML_ACCEPTED.match(accept))
    if problem := refusal(answer, variables, wants_page=wants_page):
        raise problem
    if is_html(answer) and not wants_page and (returns is Any or (returns in (str, bytes) and not wrapped)):
        raise _not_expected(answer, accept)
    if not wrapped and returns in (str, bytes):
        return _plain(answer, returns, accept)
    if not answer.content and _takes_null(returns):
        return Answer(None, wrapped)
    if returns is Any and (kind := _kind_that_came(answer)) is not Any:
        return _plain(answer, kind, accept)
    return Answer(_json(answer, returns, accept), wrapped, status=answer.status, headers=answer.headers)


def _plain(answer: RawAnswer, returns: Any, accept: str) -> Answer[Any]:  # noqa: ANN401 - a type
    """Text as text, anything else as bytes, with the media type that came, else the one that was asked for."""
    kind = printable(answer.content_type)[:SHOWN_CHARACTERS] or accept
    return Answer(_decoded(answer) if returns is str else answer.content, media_type=kind)


def _decoded(answer: RawAnswer) -> str:
    """The text, masked again: in UTF-16 or EBCDIC no secret was found."""
    return masked(_text(answer).encode(), answer.secrets).decode()


def _text(answer: RawAnswer) -> str:
    """Text in the character set that it names, else in UTF-8, else, as older servers send it, in Latin-1."""
    named = _CHARSET.search(answer.content_type)
    for charset in (named[1] if named else "utf-8", "utf-8"):
        try:
            if _TEXT_CODEC.fullmatch(codecs.lookup(charset).name):
                return answer.content.decode(charset)
        except (LookupError, ValueError):
            continue
    return answer.content.decode("latin-1")


def _kind_that_came(answer: RawAnswer) -> Any:  # noqa: ANN401 - a type
    """`Any` for JSON, `str` for text, `bytes` for anything else."""
    kind = answer.content_type.partition(";")[0].strip()
    looks = answer.content.removeprefix(_BYTE_ORDER_MARK).lstrip().startswith((b"{", b"["))
    if not kind or _JSON_KIND.fullmatch(kind) or (looks and kind.lower() in ("text/plain", "text/html")):
        return Any
    return str if _TEXT_KIND.fullmatch(kind) else bytes


def _takes_null(returns: Any) -> bool:  # noqa: ANN401 - a type
    if returns is Any:
        return True
    try:
        return _adapter(returns).validate_python(None) is None
    except ValidationError:
        return False


def _json(answer: RawAnswer, returns: Any, accept: str) -> Any:  # noqa: ANN401 - types and JSON
    content = answer.content.removeprefix(_BYTE_ORDER_MARK)
    try:
        data = from_json(content, allow_inf_nan=False)
        if _HUGE.search(content):
            json.dumps(data, allow_nan=False)
    except ValueError as error:
        if "recursion limit" in str(error):
            raise _too_deep(answer) from error
        raise _not_expected(answer, accept) from error
    if content.count(b"[") + content.count(b"{") > MOST_LEVELS and _is_deep(data):
        raise _too_deep(answer)
    if returns is not Any:
        _check(answer.status, content, data, returns)
    return data


def _is_deep(data: Any) -> bool:  # noqa: ANN401 - JSON
    level = [data]
    for _ in range(MOST_LEVELS):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def _too_deep(answer: RawAnswer) -> NotJson:
    told = f"The API's answer has objects and lists inside each other, more than {MOST_LEVELS} deep."
    return NotJson(told, "Tell the API's owners: hardly any program reads such JSON.", status=answer.status)


def _check(status: int, content: bytes, data: Any, returns: Any) -> None:  # noqa: ANN401 - types and JSON
    try:
        _adapter(returns).validate_json(content, strict=True, by_alias=True, by_name=False)
    except ValidationError as error:
        broken = [one for one in error.errors(include_url=False) if not _is_whole_number(one["type"], one["input"])]
        if broken:
            places = sorted({".".join(map(str, one["loc"])) or "the answer itself" for one in broken})
            raise SchemaMismatch(
                f"The API's answer breaks its schema at: {', '.join(places[:10])}.",
                "The answer is in 'data'. Mend the catalog's outputs if the API has changed.",
                status=status,
                data=data,
            ) from error


def _is_whole_number(kind: str, value: object) -> bool:
    """JSON Schema takes 1.0 for an integer (2020-12, section 6.1.1), Pydantic's strict mode does not."""
    return kind in ("int_type", "int_from_float") and isinstance(value, float) and value.is_integer()


def _not_expected(answer: RawAnswer, accept: str) -> NotJson:
    wanted = "JSON" if _JSON_KIND.match(accept) else accept
    kind = answer.content_type.split(";")[0][:60] or "no content type"
    return NotJson(
        f"The API answered HTTP {answer.status} with something that is not {wanted} ({printable(kind)}).",
        "Check the base URL: a portal or a proxy may be answering in the API's place.",
        status=answer.status,
        detail=excerpt(answer.content),
    )


@cache
def _adapter(returns: Any) -> TypeAdapter[Any]:  # noqa: ANN401 - a type
    return TypeAdapter(returns)
