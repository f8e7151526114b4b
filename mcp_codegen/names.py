"""Every name that generated code has, and how clashes between names end: the one place.

A name depends only on what it is made from and on what it must not clash with. Where two sources would give the same
name, the one that is spelled that way keeps it, and the others end in a hash of their own spelling: a name stays the
same when an unrelated API comes or goes.
"""

from __future__ import annotations

import builtins
import hashlib
import io
import keyword
import re
import tokenize
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

from pydantic import BaseModel

TOOL_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
INPUT_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
HASH_LENGTH: Final = 6
LONGEST: Final = 60

_KEYWORDS: Final = frozenset(keyword.kwlist) | frozenset(keyword.softkwlist)
_TYPES_IN_ANNOTATIONS: Final = frozenset({"str", "int", "float", "bool", "list", "dict", "dt"})

RESERVED_ATTRIBUTES: Final = _KEYWORDS | _TYPES_IN_ANNOTATIONS | frozenset(dir(BaseModel)) | {"MISSING"}
"""What a member of a model cannot be called: Pydantic's own, and the words of its annotations."""
RESERVED_ARGUMENTS: Final = _KEYWORDS | _TYPES_IN_ANNOTATIONS | {"self", "cls", "ctx", "print"}
"""What an argument of a tool or of a client's method cannot be called."""
RESERVED_FUNCTIONS: Final = (
    _KEYWORDS
    | _TYPES_IN_ANNOTATIONS
    | frozenset(dir(builtins))
    | {"annotations", "tools", "models", "gateways", "connect", "launch", "in_process", "call", "session", "mro"}
)
"""What a tool's function or a client's method cannot be called."""
RESERVED_CLASSES: Final = frozenset(dir(builtins)) | {
    "Annotated", "Any", "Answer", "ApiClient", "Base64", "BaseModel", "Bytes", "ConfigDict", "Context", "Date",
    "DateTime", "DecimalNumber", "Field", "Form", "Gateway", "InputModel", "Json", "JsonValue", "Literal", "Mapping",
    "Members", "Model", "OneOf", "OpenInputModel", "Parts", "Sequence", "Styled", "Text", "ToolBox", "TypeAdapter",
    "Upstream",
}  # fmt: skip
"""What a model cannot be called: what the modules around it import."""
RESERVED_MODULES: Final = _KEYWORDS | frozenset(dir(builtins)) | {"annotations"}
RESERVED_GATEWAYS: Final = frozenset({"MISSING", "VARIABLES", "GATEWAYS"})


def tool_name(name: str) -> str:
    """A name that the strictest hosts accept; a name that they accept already stays as it is."""
    return _safe(name, TOOL_NAME, "tool")


def input_name(name: str) -> str:
    """A property key that the strictest hosts accept; one that they accept already stays as it is."""
    return _safe(name, INPUT_NAME, "input")


def snake_case(text: str) -> str:
    """A Python name of lower-case words: `billingInvoiceNumber` → `billing_invoice_number`."""
    words = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", _ascii(text)))
    return _identifier(re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_"), text, "x")


def own_name(text: str, otherwise: str) -> str:
    """The text itself where Python accepts it as a name, else another."""
    return text if text.isidentifier() and text.isascii() and not text.startswith("_") else otherwise


def pascal_case(text: str) -> str:
    """A class's name: `listado_de_boletas_fija` → `ListadoDeBoletasFija`."""
    words = re.findall(r"[A-Za-z0-9]+", _ascii(text))
    return _identifier("".join(word[0].upper() + word[1:] for word in words), text, "X")


def constant_case(text: str) -> str:
    """A constant's name: `apim-v2` → `APIM_V2`."""
    return snake_case(text).upper()


def resolve(sources: Iterable[str], spell: Callable[[str], str], reserved: frozenset[str]) -> dict[str, str]:
    """A name for each source, each different (also where case is folded), none reserved, in any order of sources."""
    spelled = {source: _unreserved(spell(source), reserved) for source in sources}
    wanted = Counter(name.casefold() for name in spelled.values())
    kept = {source: name for source, name in spelled.items() if wanted[name.casefold()] == 1}
    taken = {name.casefold() for name in kept.values()}
    for source in sorted(spelled.keys() - kept.keys(), key=lambda source: (spelled[source] != source, source)):
        kept[source] = _free(source, spelled[source], taken)
        taken.add(kept[source].casefold())
    return {source: kept[source] for source in spelled}


def _free(source: str, name: str, taken: set[str]) -> str:
    """The name itself for the source that is spelled so, else the name and as much of a hash as it takes."""
    digest = hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()
    choices = [name] if source == name else []
    choices += [f"{name.rstrip('_')}_{digest[:length]}" for length in range(HASH_LENGTH, len(digest))]
    return next(choice for choice in choices if choice.casefold() not in taken)


def _unreserved(name: str, reserved: frozenset[str]) -> str:
    return f"{name}_" if name in reserved or name.startswith("model_") else name


def _safe(name: str, allowed: re.Pattern[str], fallback: str) -> str:
    if allowed.fullmatch(name):
        return name
    extra = "" if allowed is TOOL_NAME else "."
    cleaned = re.sub(rf"[^A-Za-z0-9_{extra}-]+", "_", _ascii(name)).strip("_") or fallback
    return f"{cleaned[: 64 - HASH_LENGTH - 1]}_{_hash(name)}"


def _identifier(text: str, source: str, prefix: str) -> str:
    if not text:
        return f"{prefix}{_hash(source)}"
    if len(text) > LONGEST:
        text = f"{text[: LONGEST - HASH_LENGTH - 1]}_{_hash(source)}"
    return text if text.isidentifier() else f"{prefix}{text}"


def _ascii(text: str) -> str:
    """The text's letters without their accents; what has no Latin letter falls away."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:HASH_LENGTH]


def words(code: str) -> frozenset[str]:
    """The identifiers in a piece of code, those inside its literals left out."""
    tokens = tokenize.generate_tokens(io.StringIO(code).readline)
    return frozenset(token.string for token in tokens if token.type == tokenize.NAME)
