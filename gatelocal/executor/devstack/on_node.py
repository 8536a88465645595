"""What a devstack job has to know and to change on its node: handed to `python3 -c` as text; the last two run as root.

Like its neighbours it needs nothing but the standard library of Python 3.8, decides nothing about the change, and tells
its facts in one line at its end, behind a mark that was chosen for this one step.

look       address, size of packets, processors, memory, and what the plugins in the trees say of themselves
prepare    the users, and the trees where devstack expects them, with local.conf
ready      what stands at the end: the commits of the trees, and tempest's folders handed to whoever runs the tests
"""

from __future__ import annotations

import argparse
import json
import os
import pwd
import re
import shutil
import subprocess
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

_USER = "stack"
_CACHE = Path("/opt/cache/files")
_LARGEST = 1 << 20


def main(words: list[str]) -> int:
    """Run one of the commands."""
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["look", "prepare", "ready"])
    for name in ("mark", "base", "given", "user"):
        parser.add_argument("--" + name, default="")
    for name in ("tree", "file"):
        parser.add_argument("--" + name, action="append", default=[])
    options = parser.parse_args(words)
    facts = {"look": look, "prepare": prepare, "ready": ready}[options.command](options)
    print("\ngatelocal-facts", options.mark, json.dumps(facts), flush=True)  # noqa: T201
    return 0


def look(options: Namespace) -> dict[str, Any]:
    """Facts of the node; a tree is its path."""
    routes = json.loads(said("ip", "-json", "-4", "route", "show", "default") or "[]")
    device = str(routes[0].get("dev", "")) if routes else ""
    links = json.loads(said("ip", "-json", "-4", "address", "show", *(["dev", device] if device else [])) or "[]")
    found = [(one["local"], link.get("mtu", 1500)) for link in links for one in link.get("addr_info", [])]
    outward = [one for one in found if not one[0].startswith("127.")] or [("127.0.0.1", 1500)]
    settings = []
    for tree in options.tree:
        path = Path(tree) / "devstack" / "settings"
        if path.is_file():
            with path.open(encoding="utf-8", errors="replace") as file:
                settings.append(file.read(_LARGEST))
    return {
        "address": outward[0][0],
        "mtu": outward[0][1],
        "cores": len(os.sched_getaffinity(0)),
        "memory": memory(),
        "settings": settings,
    }


def memory() -> int:
    """Mebibytes that processes here may have."""
    text = Path("/proc/meminfo").read_text(encoding="utf-8")
    whole = int(re.findall(r"^MemTotal:\s+(\d+)", text, re.M)[0]) // 1024
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        path = Path("/sys/fs/cgroup") / name
        try:
            value = path.read_text(encoding="utf-8").strip()
        except OSError:
            continue
        if value.isdigit():
            whole = min(whole, int(value) >> 20)
    return whole


def prepare(options: Namespace) -> dict[str, Any]:
    """Users and folders as devstack's roles make them; a tree is ``NAME=PATH`` and goes there for good."""
    base = Path(options.base)
    for name in (_USER, "tempest"):
        user(name, base if name == _USER else None)
    for folder in (base, base / "logs", base / ".cache"):
        folder.mkdir(parents=True, exist_ok=True, mode=0o755)
        folder.chmod(0o755)
    Path("/etc/sudoers.d/50_stack_sh").write_text(_USER + " ALL=(root) NOPASSWD:ALL\n", encoding="utf-8")
    for tree in options.tree:
        name, _, source = tree.partition("=")
        target = base / name
        if target.exists():
            shutil.rmtree(str(target))
        shutil.move(source, str(target))
    shutil.move(str(Path(options.given) / "local.conf"), str(base / "devstack" / "local.conf"))
    if _CACHE.is_dir():
        for path in _CACHE.iterdir():
            if path.is_file() and not (base / "devstack" / "files" / path.name).exists():
                os.link(str(path), str(base / "devstack" / "files" / path.name))
    said("chown", "-R", _USER + ":" + _USER, str(base))
    for tree in options.tree:
        # Whoever looks at a tree need not be its owner.
        said("git", "config", "--system", "--add", "safe.directory", str(base / tree.partition("=")[0]))
    return {"commits": commits(options)}


def user(name: str, home: Path | None) -> None:
    """Make a user with a group of that name, unless there is one."""
    try:
        pwd.getpwnam(name)
    except KeyError:
        more = ["--home-dir", str(home), "--no-create-home"] if home else ["--create-home"]
        subprocess.run(["useradd", "--user-group", "--shell", "/bin/bash", *more, name], check=True)


def ready(options: Namespace) -> dict[str, Any]:
    """The commits of the trees now, which of the files are there, and tempest's folders in the hands of the tests."""
    base = Path(options.base)
    if options.user:
        for folder in (base / "tempest", base / "data" / "tempest"):
            if folder.is_dir():
                said("chown", "-R", options.user, str(folder))
        files = base / "data" / "files"
        if files.is_dir():
            said("chmod", "-R", "o+rX", str(files))
    failed = said("systemctl", "list-units", "--plain", "--no-legend", "--state=failed", "devstack@*").splitlines()
    return {
        "commits": commits(options),
        "files": [name for name in options.file if Path(name).is_file()],
        "failed": [line.split()[0] for line in failed if line.split()],
    }


def commits(options: Namespace) -> dict[str, str]:
    """Each tree's name and the commit that it is at."""
    found = {}
    for tree in options.tree:
        name = tree.partition("=")[0]
        found[name] = said("git", "-C", str(Path(options.base) / name), "rev-parse", "HEAD").strip()
    return found


def said(*argv: str) -> str:
    """What a program prints; nothing where it cannot be run."""
    try:
        done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    except OSError:
        return ""
    return done.stdout.decode("utf-8", "replace")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
