"""Two types, compared for callers: inputs may only take more than before, answers only promise more.

What a caller gives to an input was right for the old type and has to be right for the new one; what an API answers by
the new type is read by programs made for the old one. Answers are read leniently (see `schema.json_schema`): unknown
members, unknown enum values and broken constraints do no harm there.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Final

from mcp_codegen import names
from mcp_codegen.comparing import bounds
from mcp_codegen.comparing.changes import Difference, Level
from mcp_codegen.comparing.named import is_nullable, last, target, unchanged
from mcp_codegen.comparing.words import called, format_of, listed, python_type, shown_name
from mcp_codegen.schema import Direction, Member, Schema

_READ: Final = "programs that read it as before fail"
_ANY: Final = Schema((), "any")
_DEEPEST: Final = 12
"""How many unions inside each other are told apart by what fits."""
_FARTHEST: Final = 100
"""How many pairs of named types are looked at to tell whether one type fits."""
_MOST_PAIRS: Final = 5_000
"""And how many in all: where all lead to all, their number is a square."""


@dataclass(slots=True)
class _Found:
    """What two types differ in, up to the named types inside of them."""

    differences: list[Difference] = field(default_factory=list)
    inside: list[tuple[str, str, str]] = field(default_factory=list)
    """Where two named types meet: the path, and their names."""

    def add(self, path: str, level: Level, code: str, what: str, why: str = "") -> None:
        self.differences.append(Difference(path, level, code, what, why))


class Types:
    """Compares the types of two catalogs, in one direction. A named type is looked at once, however many use it."""

    def __init__(self, old: Mapping[str, Schema], new: Mapping[str, Schema], direction: Direction) -> None:
        self._old = old
        self._new = new
        self._direction: Direction = direction
        self._named: dict[tuple[str, str], _Found] = {}
        self._depth = 0
        self._same = unchanged(old, new)

    def differences(self, old: Schema, new: Schema) -> list[Difference]:
        """Everything that differs, each named type where it is met first."""
        met: set[tuple[str, str]] = set()
        found = _Found()
        self._compare(old, new, "", found)
        waiting = [("", "", found)]
        told: list[Difference] = []
        for prefix, name, one in waiting:  # grows as it goes: what stands nearest is met first
            told += [
                replace(each, path=prefix + each.path, type=name, part=each.path if name else "")
                for each in one.differences
            ]
            for path, before, after in one.inside:
                if (before, after) not in met:
                    met.add((before, after))
                    waiting.append((prefix + path, after, self._of_names(before, after)))
        return told

    def _of_names(self, old: str, new: str) -> _Found:
        if (old, new) not in self._named:
            self._named[old, new] = found = _Found()
            plain = replace(self._old[old], nullable=False), replace(self._new[new], nullable=False)
            self._compare(*plain, "", found)
        return self._named[old, new]

    def _compare(self, old: Schema, new: Schema, path: str, found: _Found, *, may_be_null: bool = False) -> None:
        """may_be_null: null is fine in any case, as in an optional member of an answer."""
        old, new = last(old, self._old), last(new, self._new)
        self._nulls(old, new, path, found, may_be_null=may_be_null)
        if old.kind == "ref" and new.kind == "ref":
            if not (old.ref == new.ref and old.ref in self._same):
                found.inside.append((path, old.ref, new.ref))
            return
        old, new = target(old, self._old), target(new, self._new)
        if old.description != new.description or old.title != new.title or old.example != new.example:
            found.add(path, "documentation", "described", "is described in other words")
        if "union" in (old.kind, new.kind) and "any" not in (old.kind, new.kind):
            self._alternatives(old, new, path, found)
        else:
            self._plain(old, new, path, found)

    def _nulls(self, old: Schema, new: Schema, path: str, found: _Found, *, may_be_null: bool) -> None:
        before, after = is_nullable(old, self._old), is_nullable(new, self._new)
        if before == after or may_be_null:
            return
        if self._direction == "input" and before:
            found.add(path, "breaking", "null-refused", "may not be null any more", "calls that pass null are refused")
        elif self._direction == "output" and after:
            found.add(path, "breaking", "null-answered", "may be null now", "programs that count on a value fail")
        else:
            how = "may be null now" if after else "is never null any more"
            found.add(path, "addition", "null-allowed" if after else "null-excluded", how)

    # --- one type ----------------------------------------------------------------------------------

    def _plain(self, old: Schema, new: Schema, path: str, found: _Found) -> None:
        if self._kinds(old, new, path, found):
            self._values(old, new, path, found)
            if old.kind == "array" and new.kind == "array":
                self._compare(old.items or _ANY, new.items or _ANY, f"{path}[]", found)
            elif old.kind == "object" and new.kind == "object":
                self._objects(old, new, path, found)

    def _kinds(self, old: Schema, new: Schema, path: str, found: _Found) -> bool:
        """Whether the types go together, so that there is more to compare."""
        before, after = called(old), called(new)
        if before == after:
            return True
        code, what = "type-changed", f"is {after} now, not {before}"
        giver, taker = (old, new) if self._direction == "input" else (new, old)
        if _takes(taker, giver, self._direction):
            more = "takes" if self._direction == "input" else "promises"
            found.add(path, "addition", code, f"{more} {after} now, not just {before}" if more == "takes" else what)
            return new.kind not in ("any", "object") and old.kind not in ("any", "object")
        why = "programs that pass what was asked for before fail" if self._direction == "input" else _READ
        found.add(path, "breaking", code, what, why)
        return False

    def _values(self, old: Schema, new: Schema, path: str, found: _Found) -> None:
        if self._direction == "input":
            _choices(old, new, path, found)
            if new.kind != "any":
                found.differences += bounds.of_inputs(old, new, path)
        elif _without(old.enum, new.enum) or _without(new.enum, old.enum):
            said = "answers are read leniently, and unknown values survive"
            found.add(path, "addition", "answer-values", "has other values in its list", said)
        elif old.constraints != new.constraints:
            found.add(path, "documentation", "answer-constraints", "has other limits; answers are not held to them")
        if old.format != new.format:
            found.add(path, "documentation", "format-changed", f"has {format_of(new)} now, not {format_of(old)}")

    # --- objects -----------------------------------------------------------------------------------

    def _objects(self, old: Schema, new: Schema, path: str, found: _Found) -> None:
        if old.values is not None and new.values is not None:
            self._compare(old.values, new.values, f"{path}{{}}", found)
            return
        if (old.values is None) != (new.values is None):
            what = "has named members now" if old.values else "is an object of any members now"
            found.add(
                path, "breaking", "object-changed", what, "programs use a class for the one, a dict for the other"
            )
            return
        if self._direction == "input" and old.open != new.open:
            if new.open:
                found.add(path, "addition", "object-opened", "takes members that it does not name")
            else:
                why = "calls that pass others are refused"
                found.add(path, "breaking", "object-closed", "takes only the members that it names now", why)
        before = {member.name: member for member in old.going(self._direction)}
        after = {member.name: member for member in new.going(self._direction)}
        spelled, respelled = _spelled(before), _spelled(after)
        for name in [*before, *(name for name in after if name not in before)]:
            inner = f"{path}.{shown_name(name)}"
            if name not in after:
                self._gone(inner, found, may_be_passed=new.open)
            elif name not in before:
                self._new_member(after[name], inner, found)
            else:
                self._member(before[name], after[name], inner, found)
                if spelled[name] != respelled[name]:
                    what = f"is called {respelled[name]} in Python now, not {spelled[name]}"
                    found.add(inner, "breaking", "python-name", what, "programs use the name")

    def _gone(self, path: str, found: _Found, *, may_be_passed: bool) -> None:
        if self._direction == "output":
            found.add(path, "breaking", "member-removed", "is gone", "programs that read it fail")
        elif may_be_passed:
            found.add(path, "behaviour", "member-removed", "is not described any more; it may still be passed")
        else:
            found.add(path, "breaking", "member-removed", "is not taken any more", "calls that pass it are refused")

    def _new_member(self, member: Member, path: str, found: _Found) -> None:
        if self._direction == "input" and member.required:
            why = "calls without it are refused"
            found.add(path, "breaking", "member-required", "is new and required", why)
        else:
            found.add(path, "addition", "member-added", "is new")

    def _member(self, old: Member, new: Member, path: str, found: _Found) -> None:
        if old.required != new.required:
            if self._direction == "input" and new.required:
                found.add(path, "breaking", "member-required", "is required now", "calls without it are refused")
            elif self._direction == "output" and old.required:
                why = "programs that count on it fail"
                found.add(path, "breaking", "member-optional", "may be missing or null now", why)
            else:
                how = "is always there now" if new.required else "need not be given any more"
                found.add(path, "addition", "member-optional" if old.required else "member-required", how)
        loose = self._direction == "output" and not (old.required and new.required)
        self._compare(old.schema, new.schema, path, found, may_be_null=loose)
        if old.schema.default != new.schema.default:
            found.add(path, "documentation", "described", "has another default in its description")

    # --- several types -----------------------------------------------------------------------------

    def _alternatives(self, old: Schema, new: Schema, path: str, found: _Found) -> None:
        olds, news = list(old.variants or (old,)), list(new.variants or (new,))
        left = list(news)
        unmatched = []
        for one in olds:
            twin = next((other for other in left if _names_same(one, other)), None)
            if twin is None:
                unmatched.append(one)
            else:
                left.remove(twin)
                self._compare(one, twin, path, found)
        is_input = self._direction == "input"
        givers, takers = (unmatched, news) if is_input else (left, olds)
        for giver in givers:
            if not any(self.fits(giver, taker) for taker in takers):
                what, why = f"may be {called(giver)} now", _READ
                if is_input:
                    what, why = f"does not take {called(giver)} any more", "calls that pass it are refused"
                found.add(path, "breaking", "alternative-removed" if is_input else "alternative-added", what, why)
        for other in left if is_input else unmatched:
            what = f"takes {called(other)} too" if is_input else f"is never {called(other)} any more"
            found.add(path, "addition", "alternative-added" if is_input else "alternative-removed", what)

    def fits(self, giver: Schema, taker: Schema) -> bool:
        """Whether what is given as the one is always fine as the other; no, where that takes too long to tell."""
        old, new = (giver, taker) if self._direction == "input" else (taker, giver)
        if self._depth >= _DEEPEST or len(self._named) > _MOST_PAIRS:
            return False
        self._depth += 1
        try:
            looked_at = list(islice(self._all(old, new), _FARTHEST + 1))
            is_broken = any(one.level == "breaking" for found in looked_at for one in found.differences)
            return not is_broken and len(looked_at) <= _FARTHEST
        finally:
            self._depth -= 1

    def _all(self, old: Schema, new: Schema) -> Iterator[_Found]:
        """What differs, in the types and then in those that they lead to."""
        met: set[tuple[str, str]] = set()
        first = _Found()
        self._compare(old, new, "", first)
        waiting = [first]
        for found in waiting:  # grows as it goes
            yield found
            for _, before, after in found.inside:
                if (before, after) not in met:
                    met.add((before, after))
                    waiting.append(self._of_names(before, after))


def _choices(old: Schema, new: Schema, path: str, found: _Found) -> None:
    """The values that an input takes."""
    gone, come = _without(old.enum, new.enum), _without(new.enum, old.enum)
    if new.enum and (gone or not old.enum):
        what = f"does not take {listed(gone)} any more" if old.enum else f"takes only {listed(new.enum)} now"
        found.add(path, "breaking", "values-removed", what, "calls that pass another value are refused")
    if old.enum and not new.enum:
        found.add(path, "addition", "values-added", f"takes more than {listed(old.enum)} now")
    elif old.enum and come:
        found.add(path, "addition", "values-added", f"takes {listed(come)} too")


def _names_same(one: Schema, other: Schema) -> bool:
    if "ref" in (one.kind, other.kind):
        return one.ref == other.ref
    return called(one) == called(other) and one.title == other.title


def _takes(taker: Schema, giver: Schema, direction: Direction) -> bool:
    """Whether values of the giver's kind are fine where the taker's is asked for. Their kinds differ."""
    if taker.kind == "any":  # an answer of any type is plain JSON in programs: where a class comes, they fail
        return direction == "input" or not (python_type(giver) or giver.kind in ("file", "decimal", "object"))
    return (giver.kind, taker.kind) in (("integer", "number"), ("integer", "decimal"))


def _without(values: Sequence[Any], others: Sequence[Any]) -> list[Any]:
    """The values that are none of the others; true is not 1, and 1.0 is."""
    known = {_told_apart(other) for other in others}
    return [value for value in values if _told_apart(value) not in known]


def _told_apart(value: Any) -> Hashable:  # noqa: ANN401 - JSON
    if isinstance(value, Mapping):
        return frozenset((key, _told_apart(inner)) for key, inner in value.items())
    if isinstance(value, list):
        return tuple(map(_told_apart, value))
    return isinstance(value, bool), value


def _spelled(members: Mapping[str, Member]) -> dict[str, str]:
    return names.resolve(list(members), names.field_name, names.RESERVED_ATTRIBUTES)
