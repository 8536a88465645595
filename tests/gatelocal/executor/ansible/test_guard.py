"""What Ansible's process may touch on this machine, case by case; the same by real playbooks is in tests/live."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gatelocal.executor.ansible.inside.guard import Rules
from gatelocal.executor.ansible.start import inside

READ, WRITE = os.O_RDONLY, os.O_WRONLY | os.O_CREAT


@pytest.fixture
def rules(tmp_path: Path) -> Rules:
    for name in ("code", "tree", "room"):
        (tmp_path / name).mkdir()
    (tmp_path / "tree/away").symlink_to("/etc/hostname")
    (tmp_path / "room/up").symlink_to(tmp_path)
    return Rules((f"{tmp_path}/code",), (f"{tmp_path}/tree",), (f"{tmp_path}/room",), "/the/socket")


@pytest.mark.parametrize(
    ("path", "flags", "refused"),
    [
        ("tree/a", READ, False),
        ("tree/a", WRITE, True),
        ("tree", READ, False),
        ("tree-of-another", READ, True),
        ("tree/away", READ, True),
        ("tree/../other", READ, True),
        ("room/new", WRITE, False),
        ("room/up/new", WRITE, True),
        ("room/../tree/a", WRITE, True),
        ("code/plugin.py", READ, False),
        ("code/plugin.py", WRITE, True),
        ("/etc/passwd", READ, True),
        ("/dev/null", WRITE, False),
        ("/dev/sda", READ, True),
    ],
)
def test_files_by_where_they_really_are(rules: Rules, tmp_path: Path, path: str, flags: int, refused: bool) -> None:
    assert bool(rules.objection("open", (str(tmp_path / path), "r", flags))) is refused
    assert bool(rules.objection("open", (os.fsencode(tmp_path / path), None, flags))) is refused


@pytest.mark.parametrize(
    ("event", "args", "refused"),
    [
        ("open", (3, "r", READ), False),
        ("os.listdir", ("/etc",), True),
        ("os.scandir", ("{}/tree",), False),
        ("os.rename", ("{}/room/a", "{}/room/b"), False),
        ("os.rename", ("{}/room/a", "{}/tree/b"), True),
        ("os.rename", ("{}/tree/a", "{}/room/b"), True),
        ("os.link", ("/etc/passwd", "{}/room/b", -1, -1), True),
        ("os.symlink", ("/etc/passwd", "{}/room/b", -1), True),
        ("os.remove", ("{}/tree/a", -1), True),
        ("subprocess.Popen", ("id", ["id"], None, None), True),
        ("os.system", (b"id",), True),
        ("os.exec", ("/bin/id", ["id"], None), True),
        ("os.posix_spawn", ("/bin/id", ["id"], None), True),
        ("os.fork", (), False),
        ("os.kill", (1, 15), True),
        ("os.kill", (os.getpid(), 0), False),
        ("socket.connect", (None, "/the/socket"), False),
        ("socket.connect", (None, "/run/docker.sock"), True),
        ("socket.connect", (None, ("127.0.0.1", 22)), True),
        ("socket.getaddrinfo", ("example.org", 80, 0, 0, 0), True),
        ("ctypes.dlopen", ("libc.so.6",), True),
        ("compile", (b"", "x"), False),
    ],
)
def test_programs_sockets_and_folders(
    rules: Rules, tmp_path: Path, event: str, args: tuple[object, ...], refused: bool
) -> None:
    placed = tuple(one.format(tmp_path) if isinstance(one, str) else one for one in args)
    assert bool(rules.objection(event, placed)) is refused


def test_code_runs_from_the_folders_for_code_alone(rules: Rules, tmp_path: Path) -> None:
    def refused(name: str) -> bool:
        return bool(rules.objection("exec", (compile("", name, "exec"),)))

    assert not refused(f"{tmp_path}/code/plugin.py")
    assert not refused("<template>")
    assert refused(f"{tmp_path}/tree/filter_plugins/evil.py")
    assert refused(f"{tmp_path}/room/evil.py")
    assert refused("evil.py")


def test_the_hook_is_told_and_stays_in_a_child(tmp_path: Path) -> None:
    program = f"""
import os, sys
sys.dont_write_bytecode = True
sys.path.insert(0, {str(inside())!r})
import guard
rules = guard.Rules(tuple(filter(None, sys.path)), (), (), "")
guard.watch(rules, guard.teller({str(tmp_path / "told")!r}))
for what in (lambda: open("/etc/passwd"), lambda: os.system("true"), lambda: os.listdir("/")):
    pid = os.fork()
    if not pid:
        try:
            what()
        except guard.Refused:
            os._exit(7)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
print("well")
"""
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout == "well\n", done.stderr
    assert [json.loads(line)["why"] for line in (tmp_path / "told").read_text().splitlines()] == [
        "it would read /etc/passwd on this machine",
        "it would start a program on this machine",
        "it would read / on this machine",
    ]
