"""The output folder: what is written, what is never touched, and what a crash leaves."""

from __future__ import annotations

import errno
import json
import os
import random
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_codegen import output
from mcp_codegen.errors import OutputError
from mcp_codegen.output import MANIFEST, Written, planning, swapping
from mcp_codegen.output.exchange import exchange

ROOT = Path(__file__).parents[1]
OLD = {"README.md": "old\n", "pkg/__init__.py": "", "pkg/a.py": "a = 1\n", "pkg/tools/b.py": "b = 1\n"}
NEW = {"README.md": "new ñ\r\n", "pkg/__init__.py": "", "pkg/a.py": "a = 2\n", "pkg/models/c.py": "c = 1"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "out" / "billing"


def seen(folder: Path) -> dict[str, tuple[str, bytes | str, int, int, int]]:
    """Everything in a folder: kind, content or target, mode, inode and time of change of files."""
    found = {}
    for path in sorted(folder.rglob("*")):
        info = path.lstat()
        name = path.relative_to(folder).as_posix()
        mode = stat.S_IMODE(info.st_mode)
        if path.is_symlink():
            found[name] = ("link", str(path.readlink()), 0, 0, 0)
        elif path.is_dir():
            found[name] = ("folder", "", mode, 0, 0)
        else:
            found[name] = ("file", path.read_bytes(), mode, info.st_ino, info.st_mtime_ns)
    return found


def texts(folder: Path) -> dict[str, bytes]:
    """The content of every file."""
    return {name: entry[1] for name, entry in seen(folder).items() if entry[0] == "file"}


def held(files: dict[str, str]) -> dict[str, bytes]:
    """What a folder holds when these files are generated into it, and nothing else."""
    return planning.contents_of(files)


def refusal(files: dict[str, str], folder: Path, *, force: bool = False) -> list[str]:
    """The lines of the error; nothing in the folder or beside it may have changed."""
    before = seen(folder.parent)
    with pytest.raises(OutputError) as caught:
        output.write(files, folder, force=force)
    assert seen(folder.parent) == before
    return str(caught.value).replace(f"{folder}/", "").split("\n")


@pytest.fixture(params=["swap", "in place"])
def way(request, monkeypatch) -> str:
    """Both ways of writing: folders that trade places, and a file system that cannot do that."""
    if request.param == "in place":

        def refuse(*_: Path) -> None:
            raise OSError(errno.EXDEV, "Invalid cross-device link")

        monkeypatch.setattr(swapping, "exchange", refuse)
    return request.param


# --- what is written --------------------------------------------------------------------------------------------------


def test_files_are_written_as_their_exact_bytes_with_a_manifest_of_them(folder):
    written = output.write(NEW, folder)
    assert texts(folder) == held(NEW)
    assert texts(folder)["README.md"] == b"new \xc3\xb1\r\n"
    assert written == Written(added=tuple(sorted([*NEW, MANIFEST])), changed=(), removed=(), unchanged=())
    manifest = json.loads((folder / MANIFEST).read_text())
    assert list(manifest["files"]) == sorted(NEW)
    assert re.fullmatch("sha256:[0-9a-f]{64}", manifest["files"]["pkg/a.py"])
    assert manifest["generator"].startswith("mcp-codegen ")
    assert [path.name for path in folder.parent.iterdir()] == ["billing"]


def test_the_same_files_in_any_order_give_the_same_manifest(folder, tmp_path):
    output.write(NEW, folder)
    output.write(dict(reversed(NEW.items())), tmp_path / "other")
    assert texts(folder) == texts(tmp_path / "other")


def test_only_what_differs_is_written_and_what_is_gone_is_removed(folder, way):
    output.write(OLD, folder)
    before = seen(folder)
    written = output.write(NEW, folder)
    assert written == Written(
        added=("pkg/models/c.py",),
        changed=(MANIFEST, "README.md", "pkg/a.py"),
        removed=("pkg/tools/b.py",),
        unchanged=("pkg/__init__.py",),
    )
    assert texts(folder) == held(NEW)
    assert not (folder / "pkg/tools").exists()
    assert seen(folder)["pkg/__init__.py"] == before["pkg/__init__.py"]
    assert [path.name for path in folder.parent.iterdir()] == ["billing"]


def test_nothing_is_written_when_nothing_differs(folder, way):
    output.write(OLD, folder)
    before, inode = seen(folder), folder.stat().st_ino
    written = output.write(OLD, folder)
    assert (written.added, written.changed, written.removed) == ((), (), ())
    assert (seen(folder), folder.stat().st_ino) == (before, inode)


def test_a_file_may_become_a_folder_and_a_folder_a_file(folder, way):
    output.write({"a": "1", "b/c": "2"}, folder)
    output.write({"a/x": "1", "b": "2"}, folder)
    assert texts(folder) == held({"a/x": "1", "b": "2"})


def test_a_generated_file_that_a_person_deleted_is_written_again(folder, way):
    output.write(OLD, folder)
    shutil.rmtree(folder / "pkg")
    assert output.write(OLD, folder).added == ("pkg/__init__.py", "pkg/a.py", "pkg/tools/b.py")
    assert texts(folder) == held(OLD)


def test_a_generated_file_keeps_the_mode_that_a_person_gave_it(folder, way):
    output.write(OLD, folder)
    (folder / "README.md").chmod(0o755)
    output.write(NEW, folder)
    assert stat.S_IMODE((folder / "README.md").stat().st_mode) == 0o755


@pytest.mark.parametrize("path", ["/etc/x", "../x", "a/../b", "a//b", "", "a/", "./a", "a\\b", "a\0", MANIFEST])
def test_paths_that_leave_the_folder_are_a_programming_error(folder, path):
    for act in (output.write, output.diff):
        with pytest.raises(ValueError, match="not a path for a generated file"):
            act({path: "x"}, folder)
    assert not folder.parent.exists()


# --- what belongs to others -------------------------------------------------------------------------------------------


def plant(folder: Path) -> None:
    """What people keep beside generated files."""
    for path, content in {
        "api_catalog.json": "{}",
        ".env": "TOKEN=placeholder",
        "notes.md": "mine",
        ".venv/bin/python": "#!",
        ".git/objects/ab/cd": "blob",
        "pkg/own.py": "x = 1",
        "pkg/__pycache__/own.cpython-311.pyc": "compiled",
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)
    (folder / "empty/inside").mkdir(parents=True)
    (folder / ".venv/lib64").symlink_to("lib")
    (folder / "link").symlink_to("/etc")
    (folder / "pkg/link.py").symlink_to("a.py")
    os.mkfifo(folder / "fifo")
    (folder / ".env").chmod(0o600)
    (folder / ".venv/bin/python").chmod(0o755)
    (folder / ".git/objects").chmod(0o750)


def test_files_of_other_origin_stay_the_files_they_are(folder, way):
    output.write(OLD, folder)
    own = set(seen(folder))
    os.umask(os.umask(0o022))
    (folder / "fifo").unlink(missing_ok=True)
    plant(folder)
    (folder / "fifo").unlink()  # `seen` would wait for somebody to write into it
    before = {name: entry for name, entry in seen(folder).items() if name not in own}
    for files in (NEW, OLD, {}):
        output.write(files, folder)
        assert {name: entry for name, entry in seen(folder).items() if name in before} == before
    assert texts(folder).keys() - before.keys() == {MANIFEST}


def test_special_files_and_links_survive_a_generation(folder):
    output.write(OLD, folder)
    os.mkfifo(folder / "fifo")
    (folder / "dangling").symlink_to("nowhere")
    output.write(NEW, folder)
    assert stat.S_ISFIFO((folder / "fifo").stat().st_mode)
    assert (folder / "dangling").readlink() == Path("nowhere")


def test_a_file_of_other_origin_in_the_way_is_named_and_kept_even_by_force(folder, way):
    folder.mkdir(parents=True)
    (folder / "README.md").write_text("mine")
    (folder / "pkg").mkdir()
    (folder / "pkg/a.py").symlink_to("/etc/passwd")
    (folder / "pkg/tools").write_text("a file where a folder must be")
    for force in (False, True):
        assert refusal(OLD, folder, force=force) == [
            f"{path}: not written by the generator, and in the way of what it writes; move or delete it"
            for path in ("README.md", "pkg/a.py", "pkg/tools")
        ]


def test_a_folder_with_a_persons_files_is_not_replaced_by_a_file(folder, way):
    output.write({"pkg/a.py": ""}, folder)
    (folder / "pkg/own.py").touch()
    assert refusal({"pkg": "now a file"}, folder, force=True)[0].startswith("pkg: not written by the generator")


def test_a_file_of_other_origin_with_the_same_content_is_adopted(folder, way):
    folder.mkdir(parents=True)
    (folder / "README.md").write_text(OLD["README.md"])
    inode = (folder / "README.md").stat().st_ino
    assert "README.md" in output.write(OLD, folder).unchanged
    assert (folder / "README.md").stat().st_ino == inode
    output.write({}, folder)
    assert texts(folder) == held({})


def test_edited_generated_files_are_named_and_given_up_only_by_force(folder, way):
    output.write(OLD, folder)
    (folder / "README.md").write_text("edited")
    (folder / "pkg/tools/b.py").write_text("edited, and no longer generated")
    assert refusal(NEW, folder) == [
        f"{path}: edited since it was generated; carry the edit over to the catalog, or lose it with --force"
        for path in ("README.md", "pkg/tools/b.py")
    ]
    output.write(NEW, folder, force=True)
    assert texts(folder) == held(NEW)


def test_an_edit_that_generation_would_make_too_is_none(folder, way):
    output.write(OLD, folder)
    (folder / "README.md").write_bytes(NEW["README.md"].encode())
    assert "README.md" in output.write(NEW, folder).unchanged


def test_compiled_modules_keep_no_folder_alive_and_never_outlive_their_source(folder, way):
    output.write(OLD, folder)
    kept = folder / "pkg/__pycache__/__init__.cpython-311.pyc"
    stale = [folder / "pkg/__pycache__/a.cpython-311.pyc", folder / "pkg/tools/__pycache__/b.cpython-312.opt-1.pyc"]
    for file in (kept, *stale):
        file.parent.mkdir(exist_ok=True)
        file.touch()
    output.write(NEW, folder)
    assert kept.exists()
    assert not any(file.exists() for file in stale)
    assert not (folder / "pkg/tools").exists()


def test_a_working_directory_inside_the_folder_stays_usable(folder, monkeypatch):
    output.write(OLD, folder)
    monkeypatch.chdir(folder / "pkg")
    output.write(NEW, folder)
    assert Path("a.py").read_text() == NEW["pkg/a.py"]


def test_files_that_others_write_during_a_generation_are_not_lost(folder, monkeypatch):
    output.write(OLD | {"gone.py": "1"}, folder)
    for name in ("changed.txt", "replaced.txt", "index", "index.lock"):
        (folder / name).write_text("before")
    (folder / "link").symlink_to("before")

    def exchange_late(tree: Path, place: Path) -> None:
        (folder / "changed.txt").write_text("late")
        (folder / "other").write_text("late")
        (folder / "other").replace(folder / "replaced.txt")
        (folder / "index.lock").replace(folder / "index")
        (folder / "came/deep").mkdir(parents=True)
        (folder / "came/deep/x").write_text("late")
        (folder / "pkg/tools/own.py").write_text("late")
        (folder / "gone.py").write_text("edited late")
        (folder / "README.md").write_text("edited late")
        (folder / "link").unlink()
        (folder / "link").symlink_to("late")
        exchange(tree, place)

    monkeypatch.setattr(swapping, "exchange", exchange_late)
    output.write(NEW, folder)
    late = {"changed.txt", "replaced.txt", "came/deep/x", "pkg/tools/own.py"}
    assert texts(folder) == (
        held(NEW)
        | dict.fromkeys(late, b"late")
        | {"index": b"before", "gone.py": b"edited late", f"README.md{swapping.KEPT}": b"edited late"}
    )
    assert (folder / "link").readlink() == Path("late")
    assert [path.name for path in folder.parent.iterdir()] == ["billing"]


# --- folders and manifests that cannot be used ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        '{"files": []}',
        '{"files": {"a": 1}}',
        '{"files": {"a": [1]}}',
        "[" * 100_000,
        '<<<<<<< HEAD\n{"files": {}}\n=======\n',
        '{"files": {"../victim": "sha256:x"}}',
        '{"files": {"/etc/passwd": "sha256:x"}}',
        '{"files": {"pkg/../../victim": "sha256:x"}}',
        "\udcff",
    ],
)
def test_a_broken_or_hostile_manifest_is_refused_with_a_remedy(folder, content):
    output.write(OLD, folder)
    (folder.parent / "victim").write_text("precious")
    (folder / MANIFEST).write_bytes(content.encode("utf-8", "surrogateescape"))
    for force in (False, True):
        (line,) = refusal(NEW, folder, force=force)
        assert line.startswith(f"{MANIFEST}: this list of generated files ")
        assert "version control" in line
    with pytest.raises(OutputError, match="this list of generated files"):
        output.diff(NEW, folder)


def test_a_manifest_reaches_nothing_through_links(folder, tmp_path, way):
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "b.py").write_text(OLD["pkg/tools/b.py"])
    output.write(OLD, folder)
    shutil.rmtree(folder / "pkg/tools")
    (folder / "pkg/tools").symlink_to(victim)
    output.write(NEW, folder)
    assert texts(victim) == {"b.py": b"b = 1\n"}
    assert (folder / "pkg/tools").is_symlink()
    assert refusal(OLD, folder, force=True)[0].startswith("pkg/tools: not written by the generator")


def test_after_the_manifest_is_deleted_equal_files_are_adopted_and_others_named(folder, way):
    output.write(OLD, folder)
    (folder / MANIFEST).unlink()
    assert [line.split(":")[0] for line in refusal(NEW, folder)] == ["README.md", "pkg/a.py"]
    assert output.write(OLD, folder).added == (MANIFEST,)


def test_a_manifest_that_is_no_file_is_refused(folder):
    folder.mkdir(parents=True)
    (folder / MANIFEST).symlink_to("/etc/hostname")
    assert refusal(NEW, folder) == [f"{MANIFEST}: this must be a file that the generator wrote; move or delete it"]


def test_what_is_no_folder_for_generated_files_is_refused(folder, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    for place, reason in (
        (tmp_path / "file", "not a folder; move or delete it"),
        (tmp_path / "file" / "below", "mend that, or choose another folder"),
        (tmp_path / "link", "a link to another folder; name that folder itself"),
        (Path("/"), "a home folder, or one around it"),
        (tmp_path / "home", "a home folder, or one around it"),
        (tmp_path, "a home folder, or one around it"),
        (Path("/proc/billing"), "mend that, or choose another folder"),
    ):
        with pytest.raises(OutputError, match=reason):
            output.write(NEW, place)
    assert texts(tmp_path) == {"file": b""}


def test_no_terminal_escape_in_a_name_is_printed(folder):
    output.write({"a": ""}, folder)
    place = folder / "\x1b[31m"
    place.touch()
    with pytest.raises(OutputError) as caught:
        output.write(NEW, place)
    assert "\x1b" not in str(caught.value)


def test_a_second_run_on_the_same_folder_is_told_that_the_first_is_busy(folder):
    output.write(OLD, folder)
    before = texts(folder)
    with swapping.work_folder(folder), pytest.raises(OutputError, match="another run is writing this folder"):
        output.write(NEW, folder)
    assert texts(folder) == before
    output.write(NEW, folder)
    assert texts(folder) == held(NEW)


def test_runs_at_the_same_time_leave_one_complete_tree(folder):
    script = f"""
        import sys
        from pathlib import Path
        from mcp_codegen import output
        from mcp_codegen.errors import OutputError
        print("ready", flush=True)
        sys.stdin.readline()
        busy = 0
        for turn in range(60):
            try:
                output.write({OLD!r} if turn % 2 else {NEW!r}, Path({str(folder)!r}))
            except OutputError as error:
                assert "another run" in str(error), error
                busy += 1
        print(busy)
    """
    with Child(script) as one, Child(script) as other:
        for child in (one, other):
            assert child.stdout.readline() == "ready\n"
        for child in (one, other):
            child.stdin.write("go\n")
            child.stdin.flush()
        for child in (one, other):
            child.stdin.close()
            assert child.wait(30) == 0, child.stderr.read()
    output.write(OLD, folder)
    assert texts(folder) == held(OLD)
    assert [path.name for path in folder.parent.iterdir()] == ["billing"]


@pytest.mark.parametrize("prepared", ["link", "file", "links inside", "tree"])
def test_a_work_folder_that_somebody_prepared_leads_nowhere(folder, tmp_path, prepared):
    output.write(OLD, folder)
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "precious").write_text("precious")
    work = folder.parent / ".billing.mcp-codegen"
    if prepared == "link":
        work.symlink_to(victim)
    elif prepared == "file":
        work.touch()
    elif prepared == "links inside":
        work.mkdir()
        for name in (".gitignore", "known.json", "tree", "dead"):
            (work / name).symlink_to(victim / "precious" if "." in name else victim)
    else:
        (work / "tree/pkg2").mkdir(parents=True)
        (work / "tree/pkg2/late").write_text("late")
        (folder / "pkg2").symlink_to(victim)
        (work / "known.json").write_text(json.dumps({"work": work.stat().st_ino, "staged": 1, "before": {}}))
    if prepared in ("link", "file"):
        with pytest.raises(OutputError, match="in the way of the generator's work folder"):
            output.write(NEW, folder)
    else:
        output.write(NEW, folder)
        assert held(NEW).items() <= texts(folder).items()
    assert texts(victim) == {"precious": b"precious"}


# --- the difference ---------------------------------------------------------------------------------------------------


def test_the_difference_is_empty_where_the_disk_agrees(folder):
    output.write(OLD, folder)
    before = seen(folder.parent)
    assert output.diff(OLD, folder) == ""
    (folder / "notes.md").write_text("mine")
    assert output.diff(OLD, folder) == ""
    (folder / "notes.md").unlink()
    assert seen(folder.parent) == before


def test_the_difference_runs_from_the_disk_to_the_files(folder):
    output.write(OLD, folder)
    assert output.diff(NEW, folder) == textwrap.dedent(f"""\
        --- {folder.name}/README.md
        +++ {folder.name}/README.md
        @@ -1 +1 @@
        -old
        +new ñ\\r
        --- {folder.name}/pkg/a.py
        +++ {folder.name}/pkg/a.py
        @@ -1 +1 @@
        -a = 1
        +a = 2
        --- /dev/null
        +++ {folder.name}/pkg/models/c.py
        @@ -0,0 +1 @@
        +c = 1
        \\ No newline at end of file
        --- {folder.name}/pkg/tools/b.py
        +++ /dev/null
        @@ -1 +0,0 @@
        -b = 1
        """)


def test_whatever_differs_shows_in_the_difference(folder):
    assert output.diff(OLD, folder).count("--- /dev/null") == len(OLD)
    assert not folder.parent.exists()
    output.write(OLD, folder)
    for path, content, line in (
        ("README.md", b"edited \x1b[31m \xff", r"-edited \x1b[31m \xff"),
        ("pkg/__init__.py", None, f"--- /dev/null\n+++ {folder.name}/pkg/__init__.py\n"),
        (MANIFEST, None, f"--- /dev/null\n+++ {folder.name}/{MANIFEST}\n"),
        (MANIFEST, b'{"files": {}}', '-{"files": {}}'),
    ):
        before = (folder / path).read_bytes()
        (folder / path).unlink() if content is None else (folder / path).write_bytes(content)
        assert line in output.diff(OLD, folder)
        (folder / path).write_bytes(before)
    (folder / "pkg/a.py").unlink()
    (folder / "pkg/a.py").symlink_to("__init__.py")
    assert output.diff(OLD, folder).startswith(f"--- /dev/null\n+++ {folder.name}/pkg/a.py\n")
    files = {"a": r"\xff"}
    output.write(files, folder, force=True)
    (folder / "a").write_bytes(b"\xff")
    assert output.diff(files, folder) == f"--- {folder.name}/a\n+++ {folder.name}/a\n"


# --- interruptions ----------------------------------------------------------------------------------------------------


@pytest.fixture
def swift(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory, where the system has a place for that: a disk takes its time over thousands of files."""
    memory = Path("/dev/shm")  # noqa: S108 - the folder in it is nobody else's
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else tmp_path) as made:
        yield Path(made) / "out" / "billing"


FOREIGN = {"notes.md": b"mine", ".venv/bin/python": b"#!", "pkg/own.py": b"x = 1"}


class Child(subprocess.Popen):
    """A Python process that runs a script with this checkout on its path."""

    def __init__(self, script: str) -> None:
        super().__init__(
            [sys.executable, "-c", textwrap.dedent(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )


def with_foreign_files(folder: Path) -> Path:
    for path, content in FOREIGN.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


def check_after_a_kill(folder: Path) -> None:
    """The tree is the old or the new one, complete; and the next run works and leaves nothing of the killed one."""
    assert texts(folder) in (held(OLD) | FOREIGN, held(NEW) | FOREIGN)
    output.write(NEW, folder)
    assert texts(folder) == held(NEW) | FOREIGN
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def killed_at(step: int, folder: Path) -> bool:
    """Write the new files in a process that is killed at a step that the file system would see; False if it ended."""
    child = os.fork()
    if not child:
        steps = iter(range(step))

        def count(event: str, _: object) -> None:
            is_step = event.startswith(("os.", "open", "shutil.", "fcntl.", "ctypes.")) and event != "os.kill"
            if is_step and next(steps, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        try:
            output.write(NEW, folder)
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_kill_before_any_step_leaves_the_old_or_the_new_tree(swift):
    folder = swift
    old = new = 0
    for step in range(10_000):
        shutil.rmtree(folder.parent, ignore_errors=True)
        output.write(OLD, with_foreign_files(folder))
        foreign = {name: entry for name, entry in seen(folder).items() if name in FOREIGN}
        was_killed = killed_at(step, folder)
        assert {name: entry for name, entry in seen(folder).items() if name in FOREIGN} == foreign
        if (folder / "README.md").read_text() == OLD["README.md"]:
            old += 1
        else:
            new += 1
        check_after_a_kill(folder)
        if not was_killed:
            break
    assert min(old, new) > 10


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_where_folders_cannot_trade_places_the_next_run_completes_a_killed_one(swift, monkeypatch):
    folder = swift

    def refuse(*_: Path) -> None:
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(swapping, "exchange", refuse)
    for step in range(10_000):
        shutil.rmtree(folder.parent, ignore_errors=True)
        output.write(OLD, with_foreign_files(folder))
        was_killed = killed_at(step, folder)
        found = texts(folder)
        assert FOREIGN.items() <= found.items()
        for path in OLD.keys() | NEW.keys():
            assert found.get(path) in (held(OLD).get(path), held(NEW).get(path))
        output.write(NEW, folder)
        assert texts(folder) == held(NEW) | FOREIGN
        if not was_killed:
            break
    assert step > 50


def test_kills_at_random_moments_leave_the_old_or_the_new_tree(folder):
    output.write(OLD, with_foreign_files(folder))
    foreign = {name: entry for name, entry in seen(folder).items() if name in FOREIGN}
    script = f"""
        import itertools
        from pathlib import Path
        from mcp_codegen import output
        for turn in itertools.count():
            output.write({OLD!r} if turn % 2 else {NEW!r}, Path({str(folder)!r}))
            if not turn:
                print("ready", flush=True)
    """
    dice = random.Random(0)  # noqa: S311 - no secret
    for _ in range(30):
        with Child(script) as child:
            assert child.stdout.readline() == "ready\n", child.stderr.read()
            moment = time.perf_counter() + dice.random() * 0.03
            while time.perf_counter() < moment:
                pass
            child.kill()
        assert {name: entry for name, entry in seen(folder).items() if name in FOREIGN} == foreign
        check_after_a_kill(folder)


def write_failing(
    monkeypatch, folder: Path, module: object, name: str, *, call: int, error: BaseException
) -> BaseException | None:
    """Write the new files while one of the calls of a function raises an error; what the writing raised."""
    problems = iter([*[None] * call, error])
    real = getattr(module, name)

    def fail(*args: object, **options: object) -> object:
        if problem := next(problems, None):
            raise problem
        return real(*args, **options)

    with monkeypatch.context() as patched:
        patched.setattr(module, name, fail)
        try:
            output.write(NEW, folder)
        except (OutputError, KeyboardInterrupt) as raised:
            return raised
    return None


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_an_error_at_any_step_leaves_the_old_or_the_new_tree(folder, monkeypatch, error):
    output.write(OLD, with_foreign_files(folder))
    steps = [(os, "link"), (os, "utime"), (Path, "open"), (Path, "mkdir"), (Path, "rename"), (Path, "unlink")]
    for module, name in [*steps, (swapping, "exchange"), (swapping, "_copy_rights"), (shutil, "rmtree")]:
        for call in range(4):
            raised = write_failing(monkeypatch, folder, module, name, call=call, error=error)
            assert raised or call
            if isinstance(raised, OutputError):
                assert "No space left on device; mend that" in str(raised)
            assert texts(folder) in (held(OLD) | FOREIGN, held(NEW) | FOREIGN)
            output.write(OLD, folder)
            assert texts(folder) == held(OLD) | FOREIGN
            assert [path.name for path in folder.parent.iterdir()] == ["billing"]


def test_a_first_generation_that_fails_leaves_no_folder(folder, monkeypatch):
    error = OSError(errno.ENOSPC, "No space left on device")
    assert isinstance(write_failing(monkeypatch, folder, swapping, "_write_new", call=1, error=error), OutputError)
    assert list(folder.parent.iterdir()) == []


# --- what it costs ----------------------------------------------------------------------------------------------------


def test_a_large_package_is_written_in_about_a_second(folder):
    files = {f"pkg/part{index % 30}/module{index}.py": f"x = {index}\n" * 100 for index in range(1_500)}
    for version in ("1", "2", "2"):
        start = time.process_time()
        output.write(files | {"pkg/version.py": f"v = {version}\n"}, folder)
        assert time.process_time() - start < 2
