"""The generator on one page: a catalog file → problems, or the files of a package. It writes nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mcp_codegen import (
    catalog,
    checked,
    descriptions,
    listing,
    lowering,
    names,
    parsing,
    releasing,
    rendering,
    rules,
    source,
)
from mcp_codegen.checked import CheckedCatalog
from mcp_codegen.descriptions import Descriptions
from mcp_codegen.errors import CatalogError, Diagnostic, Problem
from mcp_codegen.listing import Listing
from mcp_codegen.releasing import Release
from mcp_codegen.source import Source


@dataclass(frozen=True, slots=True)
class Loaded:
    """A catalog without problems."""

    catalog: CheckedCatalog
    listing: Listing
    digest: str
    """Of its content: the same for the same content in any format and any order of keys."""
    notices: tuple[Diagnostic, ...]
    data: Mapping[str, Any]
    """As it was written, keys in order, with the texts of `descriptions.json` in their places."""
    read: Source
    """The file."""
    descriptions: Descriptions
    """What stands in `descriptions.json` beside it."""
    described: frozenset[str]
    """The places whose texts are from there."""
    changelog: str = ""
    """The package's, where the catalog asks for one."""

    @property
    def inputs(self) -> str:
        """Everything that its package is made of: no other content has the same."""
        return f"{self.digest} {self.catalog.catalog.version} {self.changelog}"


@dataclass(frozen=True, slots=True)
class Generated:
    """The files of one package, by path."""

    name: str
    tools: int
    files: dict[str, str]
    notices: tuple[Diagnostic, ...]


def load(file: Path) -> Loaded:
    """Read and check a catalog. Raises `CatalogError` with everything that is wrong in it."""
    return understand(source.load(file), file)


def understand(read: Source, file: Path) -> Loaded:
    """Check what was read from a file, or is to be written to it. Raises `CatalogError`."""
    return _understood(read, file, descriptions.load(file))


def _understood(read: Source, file: Path, found: Descriptions) -> Loaded:
    data = _named(_sorted(read.data), file)
    texts: list[Diagnostic] = []
    described: frozenset[str] = frozenset()
    if isinstance(data, dict) and found.texts:
        texts = found.diagnostics(descriptions.notices(data, found, str(data["name"])))
        described = descriptions.apply(data, found) if descriptions.is_for(found, str(data["name"])) else described
    parsed = parsing.parse(data)
    whole = checked.read(parsed.catalog, parsed.broken, parsed.problems) if parsed.catalog else None
    problems = rules.check(whole) if whole else list(parsed.problems)
    if problems or whole is None:
        raise CatalogError(read.diagnostics(_placed(problems, read)))
    listed = listing.list_tools(whole)
    notices = read.diagnostics(_placed(rules.notices(whole, listed), read))
    shown = {key: value for key, value in data.items() if key != "lint"}
    return Loaded(whole, listed, _digest(shown), tuple(sorted({*notices, *texts})), data, read, found, described)


def plain(read: Source, file: Path) -> dict[str, Any]:
    """A catalog's data as `Loaded` has it, but without the texts of `descriptions.json`."""
    data: dict[str, Any] = _named(_sorted(read.data), file)
    return data


def load_all(files: Iterable[Path]) -> list[Loaded]:
    """Every catalog. Raises one `CatalogError` with everything that is wrong in any of them."""
    loaded: list[Loaded] = []
    diagnostics: list[Diagnostic] = []
    for file in files:
        try:
            loaded.append(load(file))
        except CatalogError as error:
            diagnostics += error.diagnostics
    if diagnostics:
        raise CatalogError(diagnostics)
    return loaded


def load_distinct(files: Iterable[Path]) -> list[Loaded]:
    """Every catalog, each once, whose packages can stand side by side. Raises `CatalogError`."""
    paths = list(dict.fromkeys(files))
    loaded = load_all(paths)
    first: dict[str, Path] = {}
    for one, path in zip(loaded, paths, strict=True):
        module = one.catalog.catalog.name.replace("-", "_")
        if first.setdefault(module, path) != path:
            said = f"the package of {first[module]} is {module}_mcp too"
            raise CatalogError([Diagnostic(str(path), 1, 1, "name", said, "give each catalog a name of its own")])
    return [_released(one, path) for one, path in zip(loaded, paths, strict=True)]


def generate(files: Iterable[Path]) -> list[Generated]:
    """The packages of catalogs. Raises `CatalogError`."""
    return [make(one) for one in load_distinct(files)]


def make(loaded: Loaded) -> Generated:
    """The package of a catalog."""
    package = lowering.lower(loaded.catalog, loaded.digest, loaded.listing)
    more = {"CHANGELOG.md": loaded.changelog} if loaded.catalog.catalog.versioning else {}
    return Generated(package.name, len(package.tools), rendering.render(package) | more, loaded.notices)


def release(loaded: Loaded, file: Path) -> Release:
    """What a catalog is released as: a function of it, of its last release, and of its changelog beside it.

    Raises `CatalogError` where one of those cannot be read.
    """
    last = releasing.released_file(file)
    past = releasing.changelog_file(file)
    try:
        return releasing.release(
            loaded.catalog,
            _understood(source.load(last), last, Descriptions()).catalog if last.exists() else None,
            past.read_text("utf-8") if past.exists() else "",
        )
    except (OSError, UnicodeDecodeError) as error:
        said = f"cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8'}"
        raise CatalogError([Diagnostic(str(past), 1, 1, "$", said, "mend that, or remove the file")]) from error


def record(loaded: Loaded) -> str:
    """The text of the file that the next release is compared with."""
    return json.dumps(loaded.data, indent=2, ensure_ascii=False) + "\n"


def language_schema() -> str:
    """The JSON Schema of the catalog language, for editors."""
    schema = catalog.Catalog.model_json_schema(by_alias=True)
    about = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "mcp-codegen catalog, version 1"}
    required = [key for key in schema["required"] if key != "name"]
    return json.dumps(schema | about | {"required": required}, indent=2, ensure_ascii=False) + "\n"


def _released(loaded: Loaded, file: Path) -> Loaded:
    """The catalog in the version that it becomes, where it asks for that."""
    whole = loaded.catalog
    if not whole.catalog.versioning:
        return loaded
    released = release(loaded, file)
    whole = replace(whole, catalog=whole.catalog.model_copy(update={"version": released.version}))
    return replace(loaded, catalog=whole, changelog=released.changelog)


def _sorted(data: Any) -> Any:  # noqa: ANN401 - JSON
    """The data with its keys in one order: in JSON their order carries no meaning."""
    if isinstance(data, dict):
        return {key: _sorted(data[key]) for key in sorted(data)}
    return [_sorted(one) for one in data] if isinstance(data, list) else data


def _named(data: Any, file: Path) -> Any:  # noqa: ANN401 - JSON
    """A bare list of APIs is a catalog; one without a name is called after its folder, or its file."""
    if isinstance(data, list):
        data = {"apis": data}
    if isinstance(data, dict) and "name" not in data:
        data = {**data, "name": names.catalog_name(file, catalog.LONGEST_NAME)}
    return data


def _placed(problems: Iterable[Problem], read: Source) -> list[Problem]:
    """In a bare list of APIs nothing stands under `apis`."""
    if not isinstance(read.data, list):
        return list(problems)
    return [replace(one, pointer=one.pointer[1:]) if one.pointer[:1] == ("apis",) else one for one in problems]


def _digest(data: Any) -> str:  # noqa: ANN401 - JSON
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
