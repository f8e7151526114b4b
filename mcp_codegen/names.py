"""Every name that generated code has, and how clashes between names end: the one place.

A name depends only on what it is made from and on what it must not clash with. Where two sources would give the same
name, the one that is spelled that way keeps it, and the others end in a hash of their own spelling: a name stays the
same when an unrelated API comes or goes. What may not be used is written out here, and not asked of the running Python
or Pydantic: other versions would give other names.
"""

from __future__ import annotations

import hashlib
import keyword
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

TOOL_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
INPUT_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
HASH_LENGTH: Final = 6
LONGEST: Final = 60
_WORD: Final = re.compile(r"""r?"(?:[^"\\]|\\.)*"|r?'(?:[^'\\]|\\.)*'|\b([^\W\d]\w*)""")

_KEYWORDS: Final = frozenset(keyword.kwlist)
_TYPES_IN_ANNOTATIONS: Final = frozenset({"str", "int", "float", "bool", "list", "dict", "dt"})
_BUILTINS: Final = frozenset({
    "abs", "aiter", "all", "anext", "any", "ascii", "bin", "bool", "breakpoint", "bytearray", "bytes", "callable",
    "chr", "classmethod", "compile", "complex", "copyright", "credits", "delattr", "dict", "dir", "divmod",
    "enumerate", "eval", "exec", "exit", "filter", "float", "format", "frozenset", "getattr", "globals", "hasattr",
    "hash", "help", "hex", "id", "input", "int", "isinstance", "issubclass", "iter", "len", "license", "list",
    "locals", "map", "max", "memoryview", "min", "next", "object", "oct", "open", "ord", "pow", "print", "property",
    "quit", "range", "repr", "reversed", "round", "set", "setattr", "slice", "sorted", "staticmethod", "str", "sum",
    "super", "tuple", "type", "vars", "zip",
})  # fmt: skip
_BUILTIN_CLASSES: Final = frozenset({
    "ArithmeticError", "AssertionError", "AttributeError", "BaseException", "BaseExceptionGroup", "BlockingIOError",
    "BrokenPipeError", "BufferError", "BytesWarning", "ChildProcessError", "ConnectionAbortedError",
    "ConnectionError", "ConnectionRefusedError", "ConnectionResetError", "DeprecationWarning", "EOFError", "Ellipsis",
    "EncodingWarning", "EnvironmentError", "Exception", "ExceptionGroup", "FileExistsError", "FileNotFoundError",
    "FloatingPointError", "FutureWarning", "GeneratorExit", "IOError", "ImportError", "ImportWarning",
    "IndentationError", "IndexError", "InterruptedError", "IsADirectoryError", "KeyError", "KeyboardInterrupt",
    "LookupError", "MemoryError", "ModuleNotFoundError", "NameError", "NotADirectoryError", "NotImplemented",
    "NotImplementedError", "OSError", "OverflowError", "PendingDeprecationWarning", "PermissionError",
    "ProcessLookupError", "RecursionError", "ReferenceError", "ResourceWarning", "RuntimeError", "RuntimeWarning",
    "StopAsyncIteration", "StopIteration", "SyntaxError", "SyntaxWarning", "SystemError", "SystemExit", "TabError",
    "TimeoutError", "TypeError", "UnboundLocalError", "UnicodeDecodeError", "UnicodeEncodeError", "UnicodeError",
    "UnicodeTranslateError", "UnicodeWarning", "UserWarning", "ValueError", "Warning", "ZeroDivisionError",
})  # fmt: skip
_PYDANTIC: Final = frozenset({
    "construct", "copy", "dict", "from_orm", "json", "model_computed_fields", "model_config", "model_construct",
    "model_copy", "model_extra", "model_fields", "model_fields_set", "model_json_schema", "model_parametrized_name",
    "model_post_init", "model_rebuild", "mro", "parse_file", "parse_obj", "parse_raw", "register", "schema",
    "schema_json", "update_forward_refs", "validate",
})  # fmt: skip
"""What Pydantic's models, and their class's class, have themselves. See `field_name` for the rest."""
_DEVICES: Final = frozenset({"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))})

RESERVED_ATTRIBUTES: Final = _KEYWORDS | _TYPES_IN_ANNOTATIONS | _PYDANTIC
"""What a member of a model cannot be called: Pydantic's own, and the words of its annotations."""
RESERVED_ARGUMENTS: Final = RESERVED_ATTRIBUTES | {"self", "cls", "ctx", "answer", "print"}
"""What an argument of a tool or of a client's method cannot be called: it becomes a member of a model as well."""
BOUNDS: Final = frozenset({"max_items", "max_pages"})
"""What an argument cannot be called besides, where the client has a method that goes through all pages."""
RESERVED_OWN_ARGUMENTS: Final = _KEYWORDS | {"client"}
"""What an argument of a one-shot function cannot be called."""
RESERVED_FUNCTIONS: Final = (
    _KEYWORDS
    | _TYPES_IN_ANNOTATIONS
    | _BUILTINS
    | {"annotations", "tools", "connect", "launch", "in_process", "call", "keyed", "longest", "package", "variables"}
    | {"elsewhere", "gateways", "paced"}
)
"""What a tool's function or a client's method cannot be called."""
RESERVED_CLASSES: Final = _KEYWORDS | _BUILTIN_CLASSES | {
    "AliasChoices", "Annotated", "Answer", "Any", "ApiClient", "ApiKey", "AsyncIterator", "Base64", "BaseModel",
    "Basic", "Bearer", "ByCursor", "ByLink", "ByNumber", "ByOffset", "Bytes", "CircuitBreaker", "ClientCredentials",
    "ConfigDict", "Context", "Date", "DateTime", "DecimalNumber", "Field", "Form", "Gateway", "InputModel", "Json",
    "JsonValue", "Limits", "Literal", "Mapping", "Members", "MISSING", "Model", "MultipleOf", "OneOf", "OPEN",
    "OpenInputModel", "Parts", "Retry", "Sequence", "Styled", "Text", "Together", "ToolBox", "TypeAdapter",
    "Upstream",
}  # fmt: skip
"""What a model cannot be called: what the modules around it import."""
RESERVED_MODULES: Final = _KEYWORDS | _BUILTINS | _DEVICES | {"annotations"}
"""What a module cannot be called; some systems have no files with the names of devices."""
RESERVED_GATEWAYS: Final = frozenset({"MISSING", "OPEN"})
"""What a gateway's constant cannot be called."""


def tool_name(name: str) -> str:
    """A name that the strictest hosts accept; a name that they accept already stays as it is."""
    return _safe(name, TOOL_NAME, "tool")


def input_name(name: str) -> str:
    """A property key that the strictest hosts accept; one that they accept already stays as it is."""
    return _safe(name, INPUT_NAME, "input")


def input_keys(names: Iterable[str]) -> dict[str, str]:
    """The property keys of an object's members: their names, where the strictest hosts accept them."""
    return resolve(names, input_name, frozenset())


def snake_case(text: str) -> str:
    """A Python name of lower-case words: `billingInvoiceNumber` → `billing_invoice_number`."""
    words = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", ascii_letters(text)))
    return _identifier(re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_"), text, "x")


def field_name(text: str) -> str:
    """The Python name of what becomes a member of a model; Pydantic keeps two beginnings for itself."""
    name = snake_case(text)
    return f"x_{name}" if name.startswith(("model_dump", "model_validate")) else name


def own_name(text: str, otherwise: str) -> str:
    """The text itself where Python accepts it as a name, else another."""
    return text if text.isidentifier() and text.isascii() and not text.startswith("_") else otherwise


def pascal_case(text: str) -> str:
    """A class's name: `listado_de_boletas_fija` → `ListadoDeBoletasFija`."""
    words = re.findall(r"[A-Za-z0-9]+", ascii_letters(text))
    return _identifier("".join(word[0].upper() + word[1:] for word in words), text, "X")


def client_name(catalog: str) -> str:
    """The name of a catalog's client; that of the class that it is made from is taken."""
    name = f"{pascal_case(catalog)}Client"
    return name if name not in RESERVED_CLASSES else f"{pascal_case(catalog)}McpClient"


def constant_case(text: str) -> str:
    """A constant's name: `apim-v2` → `APIM_V2`."""
    return snake_case(text).upper()


def resolve(sources: Iterable[str], spell: Callable[[str], str], reserved: frozenset[str]) -> dict[str, str]:
    """A name for each source, each different, none reserved, the same in any order of the sources."""
    spelled = {source: _unreserved(spell(source), reserved) for source in sources}
    wanted = Counter(spelled.values())
    kept = {source: name for source, name in spelled.items() if wanted[name] == 1}
    taken = set(kept.values())
    for source in sorted(spelled.keys() - kept.keys(), key=lambda source: (spelled[source] != source, source)):
        kept[source] = _free(source, spelled[source], taken)
        taken.add(kept[source])
    return {source: kept[source] for source in spelled}


def _free(source: str, name: str, taken: set[str]) -> str:
    """The name itself for the source that is spelled so, else the name and as much of a hash as it takes."""
    digest = hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()
    choices = [name] if source in (name, name.removesuffix("_")) else []
    choices += [f"{name[: LONGEST - n].rstrip('_')}_{digest[:n]}" for n in range(HASH_LENGTH, LONGEST)]
    return next(choice for choice in choices if choice not in taken)


def catalog_name(file: Path, longest: int) -> str:
    """What a nameless catalog is called: after its folder where the file is `api_catalog`, else after the file."""
    file = file.resolve()
    called = ascii_letters(file.parent.name if file.stem == "api_catalog" else file.stem).lower()
    return re.sub(r"[^a-z0-9]+", "-", called).lstrip("-0123456789")[:longest].rstrip("-") or "catalog"


def _unreserved(name: str, reserved: frozenset[str]) -> str:
    return f"{name}_" if name in reserved else name


def _safe(name: str, allowed: re.Pattern[str], fallback: str) -> str:
    if allowed.fullmatch(name):
        return name
    extra = "" if allowed is TOOL_NAME else "."
    cleaned = re.sub(rf"[^A-Za-z0-9_{extra}-]+", "_", ascii_letters(name)).strip("_")
    if allowed is TOOL_NAME and not cleaned[:1].isalpha():
        cleaned = f"{fallback}_{cleaned}".rstrip("_")
    elif allowed is INPUT_NAME and allowed.fullmatch(cleaned):
        return cleaned  # where it is another's, `resolve` adds a hash; another can only be in the same object
    return f"{(cleaned or fallback)[: 64 - HASH_LENGTH - 1]}_{_hash(name)}"


def _identifier(text: str, source: str, prefix: str) -> str:
    if not text:
        return f"{prefix}{_hash(source)}"
    if len(text) > LONGEST:
        text = f"{text[: LONGEST - HASH_LENGTH - 1]}_{_hash(source)}"
    return text if text.isidentifier() else f"{prefix}{text}"


def ascii_letters(text: str) -> str:
    """The text's letters without their accents; what has no Latin letter falls away."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:HASH_LENGTH]


def import_order(name: str) -> tuple[object, ...]:
    """How isort orders the names of one import: constants, classes, the rest; without regard to case, 2 before 10."""
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[0].isupper() else 2
    parts = re.split(r"(\d+)", name.casefold())
    return kind, tuple(int(part) if part.isdigit() else part for part in parts), name


def unused(name: str, taken: set[str]) -> str:
    """A name of an import, which no caller sees, beside others that were there first."""
    while name in taken:
        name += "_"
    return name


def renamed(code: str, others: Mapping[str, str]) -> str:
    """A piece of code with other names for some of its identifiers."""
    return _WORD.sub(lambda match: others.get(match[1] or "", match[0]), code)


def words(code: str) -> frozenset[str]:
    """The identifiers in a piece of code, those inside its literals left out."""
    return frozenset(filter(None, _WORD.findall(code)))
