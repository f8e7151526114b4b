"""A process file → its `Process`."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

from mcp_codegen.orchestrator.errors import LoadError, MisuseError, printable, shown
from mcp_codegen.orchestrator.process import Process

AnyProcess = Process[Any, Any, Any]


def load(spec: str) -> tuple[AnyProcess, Path]:
    """The process that `FILE.py` or `FILE.py:NAME` means, and its file. Raises LoadError.

    The file's folder is searched for the modules that it imports, after everything else.
    """
    path, name = _split(spec)
    found = _processes(_module(path))
    if name:
        matches = [process for variable, process in found.items() if name in (variable, process.name)]
    else:
        matches = list({id(process): process for process in found.values()}.values())
    if len(matches) == 1:
        return matches[0], path
    known = ", ".join(found)
    if not found:
        raise LoadError(f"{path} defines no process", hint="end it with `process = Process(name=…, …)`")
    if name:
        raise LoadError(f"{path} has no process {shown(name)}", hint=f"it has: {known}")
    raise LoadError(f"{path} defines several processes: {known}", hint=f"say which, such as {path}:{next(iter(found))}")


def _split(spec: str) -> tuple[Path, str]:
    path, name = Path(spec), ""
    if not path.exists() and ":" in spec:
        text, _, name = spec.rpartition(":")
        path = Path(text)
    if path.is_dir():
        raise LoadError(f"{shown(str(path))} is a folder", hint="name the process's .py file in it")
    if path.suffix != ".py":
        raise LoadError(
            f"{shown(str(path))} is no Python file", hint="a process is a .py file that defines a `Process`"
        )
    if not path.is_file():
        raise LoadError(f"there is no file {shown(str(path))}", hint="check the path; it is read from this folder")
    return path, name


def _module(path: Path) -> ModuleType:
    """Run the file as a module whose name, a part of stored results, depends on nothing but the file's name."""
    name = f"_process_{path.stem}"
    module_spec = importlib.util.spec_from_file_location(name, path.resolve())
    if module_spec is None or module_spec.loader is None:
        raise LoadError(f"{path} cannot be read as a Python module", hint="give it a plain name, such as billing.py")
    module = importlib.util.module_from_spec(module_spec)
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.append(folder)
    sys.modules[name] = module
    try:
        module_spec.loader.exec_module(module)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a process file may raise anything
        del sys.modules[name]
        raise _translated(path, error) from error
    return module


def _processes(module: ModuleType) -> dict[str, AnyProcess]:
    """By variable, those that the file defines itself and does not just import."""
    return {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, Process) and getattr(value.body, "__module__", module.__name__) == module.__name__
    }


def _translated(path: Path, error: BaseException) -> LoadError:
    match error:
        case SyntaxError():
            where = f"{Path(error.filename or path).name if error.filename else path}:{error.lineno or 1}"
            return LoadError(f"{where}: {error.msg}", hint="mend the process's code")
        case ModuleNotFoundError():
            missing = error.name or "a module"
            return LoadError(f"{_place(path, error)}: there is no module {shown(missing)}", hint=_install(missing))
        case MisuseError():
            return LoadError(f"{_place(path, error)}: {printable(str(error))}", hint="mend the process's code")
    text = printable(str(error))[:300]
    return LoadError(
        f"{_place(path, error)}: {type(error).__name__}{f': {text}' if text else ''}", hint="mend the process's code"
    )


def _place(path: Path, error: BaseException) -> str:
    """The line of the process file that led to the error."""
    file = str(path.resolve())
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return f"{path}:{lines[-1] if lines else 1}"


def _install(missing: str) -> str:
    package = missing.partition(".")[0]
    if not package.endswith("_mcp"):
        return f"install it into this environment: {sys.executable}"
    generated = next(iter(sorted(Path("out").glob(f"*/{package}/__init__.py"))), None)
    folder = f"./{generated.parent.parent.as_posix()}" if generated else f"./out/{package.removesuffix('_mcp')}"
    return f"it is generated: `mcp-codegen generate CATALOG` writes it, `pip install {folder}` installs it"
