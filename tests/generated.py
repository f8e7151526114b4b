"""Packages generated through the command line, and imported."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any, get_args, get_type_hints

from click.testing import CliRunner, Result
from hypothesis import HealthCheck, Phase, settings
from mcp.server.mcpserver.utilities.func_metadata import func_metadata
from pydantic.json_schema import GenerateJsonSchema

from mcp_codegen.cli import main


def codegen(*words: object) -> Result:
    """Type a command of mcp-codegen; whatever happens, there is no traceback."""
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    return result


@dataclass(frozen=True)
class Built:
    """A package in its folder."""

    folder: Path

    @property
    def module(self) -> str:
        return f"{self.folder.name.replace('-', '_')}_mcp"

    @cached_property
    def listing(self) -> dict[str, dict[str, Any]]:
        """Each tool as `tools/list` tells it, by its name."""
        tools = json.loads((self.folder / self.module / "tools.json").read_text("utf-8"))["tools"]
        return {tool["name"]: tool for tool in tools}

    @cached_property
    def metadata(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / f"{self.module}_metadata.json").read_text("utf-8")))

    def load(self, name: str = "") -> ModuleType:
        """A module of the package, imported."""
        return importlib.import_module(f"{self.module}.{name}" if name else self.module)

    @property
    def functions(self) -> Mapping[str, Callable[..., Any]]:
        """Each tool's function by the tool's name."""
        modules: Mapping[str, str] = self.load("tools").MODULES
        return {name: importlib.import_module(module).tools[name] for name, module in modules.items()}

    @property
    def modules(self) -> Iterator[str]:
        """The name of every module, inside the package."""
        for file in sorted((self.folder / self.module).rglob("*.py")):
            name = ".".join(file.relative_to(self.folder / self.module).with_suffix("").parts)
            if name != "__main__":
                yield name.removesuffix(".__init__").removesuffix("__init__")

    @contextmanager
    def importable(self) -> Iterator[Built]:
        """Its modules can be imported; afterwards they are forgotten."""
        sys.path.insert(0, str(self.folder))
        importlib.invalidate_caches()
        try:
            yield self
        finally:
            sys.path.remove(str(self.folder))
            for name in [name for name in sys.modules if name.partition(".")[0] == self.module]:
                del sys.modules[name]


def some(usual: int) -> settings:
    """So many examples of what is slow to try, or more as hypothesis's profile has more than 100; none is shrunk."""
    count = max(1, usual * settings().max_examples // 100)
    return settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


def build(catalog: Mapping[str, Any], folder: Path) -> Built:
    """Generate a catalog's package under the folder, in a folder of its name."""
    folder.mkdir(exist_ok=True)
    file = folder / f"{catalog['name']}.json"
    file.write_text(json.dumps(catalog), "utf-8")
    result = codegen("generate", file, "--out", folder)
    assert result.exit_code == 0, result.stderr
    return Built(folder / catalog["name"])


class _AsListed(GenerateJsonSchema):
    """Where an argument's member is taken under two names, the second is the one that hosts are told."""

    def _get_alias_name(self, field: Any, name: str) -> str:
        alias = field.get("validation_alias", name)
        return str(alias[-1][0]) if isinstance(alias, list) else super()._get_alias_name(field, name)


def argument_schema(function: Callable[..., Any]) -> dict[str, Any]:
    """The JSON Schema of what a tool's function takes."""
    model = func_metadata(function, skip_names=("ctx",), structured_output=False).arg_model
    return model.model_json_schema(by_alias=True, schema_generator=_AsListed)


def returned(function: Callable[..., Any]) -> Any:
    """The type inside of the `Answer[...]` that a tool's function returns."""
    return get_args(get_type_hints(function, include_extras=True)["return"])[0]
