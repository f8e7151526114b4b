"""One tool, compared for its callers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from mcp_codegen.catalog import Api
from mcp_codegen.checked import CheckedCatalog, Operation, Parameter, is_json
from mcp_codegen.comparing.changes import Change, Difference, Level
from mcp_codegen.comparing.schemas import Types
from mcp_codegen.errors import shown
from mcp_codegen.listing import input_keys, is_wrapped
from mcp_codegen.package import Argument, Tool
from mcp_codegen.schema import Kind, Schema

_POLICIES: Final = {"retry": "how it is tried again", "pagination": "how its pages are read"}
_WORDS: Final = ("title", "description", "tags", "examples", "errors")


@dataclass(frozen=True, slots=True)
class Side:
    """A tool in one of the catalogs."""

    catalog: CheckedCatalog
    operation: Operation
    tool: Tool

    @property
    def answer(self) -> Schema:
        """The type of its answer, also where the catalog says none."""
        if self.operation.answer is not None:
            return self.operation.answer
        media_type = self.operation.api.answer_type.partition(";")[0].strip().lower()
        kinds: dict[str, Kind] = {"str": "string", "bytes": "file"}
        return Schema((), "any" if is_json(media_type) else kinds.get(self.tool.returns, "any"))

    @property
    def inputs(self) -> dict[str, tuple[Parameter, Argument]]:
        """Each input and its argument, by the key that callers see."""
        keys = input_keys(self.operation)
        arguments = {argument.wire: argument for argument in self.tool.arguments}
        return {keys[one.label]: (one, arguments[keys[one.label]]) for one in self.operation.parameters}


def compare(old: Side, new: Side, takes: Types, gives: Types) -> Iterator[Change]:
    """Everything that changed about a tool. takes, gives: what compares the types of inputs and of answers."""
    for where, found in [("", _itself(old, new)), *_inputs(old, new, takes), _answer(old, new, gives)]:
        for one in found:
            place = f"{where}{one.path}"
            yield Change(new.tool.name, place, one.level, one.code, one.what, one.why, one.type, one.part)


# --- inputs --------------------------------------------------------------------------------------------


def _inputs(old: Side, new: Side, takes: Types) -> Iterator[tuple[str, list[Difference]]]:
    before, after = old.inputs, new.inputs
    for key in [*before, *(key for key in after if key not in before)]:
        where = f"input {key}"
        if key not in after:
            yield where, [_one("breaking", "input-removed", "is not taken any more", "calls that pass it are refused")]
        elif key not in before:
            yield where, [_new_input(after[key][0])]
        else:
            yield where, [
                *_input(*before[key], *after[key]),
                *takes.differences(before[key][0].schema, after[key][0].schema),
            ]
    yield "", list(_order(old, new))


def _new_input(one: Parameter) -> Difference:
    if one.required:
        return _one("breaking", "input-required", "is new and required", "calls without it are refused")
    return _one("addition", "input-added", "is new and optional")


def _input(old: Parameter, was: Argument, new: Parameter, now: Argument) -> Iterator[Difference]:
    if new.required and not old.required:
        yield _one("breaking", "input-required", "is required now", "calls without it are refused")
    elif old.required and not new.required:
        yield _one("addition", "input-optional", "need not be given any more")
    if old.schema.default != new.schema.default and not (old.required or new.required):
        yield _default(old, new)
    if was.name != now.name:
        yield _renamed(was.name, now.name, "the client's method")
    if was.spelled != now.spelled:
        yield _renamed(was.spelled, now.spelled, "the function for one call")
    if old.place != new.place or old.name != new.name:
        what = f"is sent as {shown(new.name)} in the {new.place}, not as {shown(old.name)} in the {old.place}"
        yield _one("behaviour", "input-moved", what)
    elif (old.style, old.explode) != (new.style, new.explode):
        yield _one("behaviour", "input-style", "is written in another style")


def _default(old: Parameter, new: Parameter) -> Difference:
    if not old.schema.default:
        what = f"has the default {_value(new.schema.default[0])} now"
        return _one("behaviour", "default-added", what, "it is sent for callers who leave the input out")
    what = f"has the default {_value(new.schema.default[0])} now" if new.schema.default else "has no default any more"
    why = f"callers who leave it out counted on {_value(old.schema.default[0])}"
    return _one("breaking", "default-changed", what, why)


def _renamed(old: str, new: str, where: str) -> Difference:
    return _one("breaking", "python-name", f"is called {new} in {where} now, not {old}", "programs use the name")


def _order(old: Side, new: Side) -> Iterator[Difference]:
    """Functions for one call may be called with arguments in their order."""
    before = [argument.spelled for argument in old.tool.arguments if not argument.default]
    after = [argument.spelled for argument in new.tool.arguments if not argument.default]
    both = set(before) & set(after)
    if [one for one in before if one in both] != [one for one in after if one in both]:
        what = f"call_{new.tool.function} takes its arguments in another order"
        yield _one("breaking", "python-order", what, "programs that pass them without names pass the wrong ones")


# --- the answer, and everything else -------------------------------------------------------------------


def _answer(old: Side, new: Side, gives: Types) -> tuple[str, list[Difference]]:
    found = gives.differences(old.answer, new.answer)
    was, now = (is_wrapped(one.answer, one.catalog.schemas) for one in (old, new))
    if was != now and not any(one.level == "breaking" and not one.path for one in found):
        what = f"stands {'under result' if now else 'at the root, not under result,'} in structured content now"
        found.append(_one("breaking", "answer-moved", what, "programs that read it there fail"))
    return "answer", found


def _itself(old: Side, new: Side) -> list[Difference]:
    before, after = old.operation, new.operation
    found = []
    if old.tool.function != new.tool.function:
        found.append(_renamed(old.tool.function, new.tool.function, "Python"))
    found += [*_request(old, new), *_hints(before, after)]
    if after.api.deprecated and not before.api.deprecated:
        found.append(_one("behaviour", "deprecated", "is deprecated", "callers should look for another"))
    elif before.api.deprecated != after.api.deprecated:
        found.append(_one("documentation", "deprecated", "is not deprecated any more"))
    words = [key for key in _WORDS if getattr(before.api, key) != getattr(after.api, key)]
    if words:
        found.append(_one("documentation", "described", f"has other words in {', '.join(words)}"))
    return found


def _request(old: Side, new: Side) -> Iterator[Difference]:
    before, after = old.operation, new.operation
    was, now = f"{before.method} {before.base_url}{before.path}", f"{after.method} {after.base_url}{after.path}"
    if was != now:
        yield _one("behaviour", "request-changed", f"sends {_plain(now)}, not {_plain(was)}")
    if before.gateway != after.gateway and after.gateway and before.gateway:
        yield _one("behaviour", "gateway-changed", f"goes through {after.gateway}, not {before.gateway}")
    if before.media_type != after.media_type and after.has_body:
        yield _one(
            "behaviour", "content-type-changed", f"sends {_plain(after.media_type)}, not {_plain(before.media_type)}"
        )
    if before.api.answer_type != after.api.answer_type:
        yield _one("behaviour", "answer-type-changed", f"asks for {_plain(after.api.answer_type)}")
    if old.catalog.auths_of(before) != new.catalog.auths_of(after):
        yield _one("behaviour", "auth-changed", "is let in by other credentials")
    if (seconds := _timeout(new)) != (was_seconds := _timeout(old)):
        yield _one("behaviour", "timeout-changed", f"may take {seconds:g} seconds, not {was_seconds:g}")
    for key, what in _POLICIES.items():
        if _policy(old, key) != _policy(new, key):
            yield _one("behaviour", f"{key}-changed", f"has a change in {what}")


def _hints(before: Operation, after: Operation) -> Iterator[Difference]:
    if before.read_only and not after.read_only:
        why = "hosts may ask people before each call"
        yield _one("behaviour", "hints-changed", "is not said to only read any more", why)
    elif before.read_only != after.read_only:
        yield _one("behaviour", "hints-changed", "is said to only read now")
    elif (before.destructive, before.idempotent) != (after.destructive, after.idempotent):
        yield _one("behaviour", "hints-changed", "has other hints for hosts about what it destroys and repeats")


def _timeout(side: Side) -> float:
    gateway = side.catalog.gateways.get(side.operation.gateway)
    return side.operation.api.timeout_seconds or (gateway.timeout_seconds if gateway else 30.0)


def _policy(side: Side, key: str) -> object:
    api: Api = side.operation.api
    own = getattr(api, key)
    return own if own is not None else getattr(side.catalog.gateways.get(side.operation.gateway), key, None)


def _one(level: Level, code: str, what: str, why: str = "") -> Difference:
    return Difference("", level, code, what, why)


def _value(value: object) -> str:
    return shown(value) if isinstance(value, str) else shown(str(value))[1:-1]


def _plain(text: str) -> str:
    return shown(text)[1:-1]
