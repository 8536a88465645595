"""What a devstack job has to know and to change on its node: handed to `python3 -c` as text; most of it runs as root.

Like its neighbours it needs nothing but the standard library of Python 3.8, decides nothing about the change, and tells
its facts in one line at its end, behind a mark that was chosen for this one step.

look       address, size of packets, processors, memory, and what the plugins in the trees say of themselves
prepare    the users, and the trees where devstack expects them, with local.conf
stands     whether a stack that the node began with is up
renew      put other trees in the place of those of a stack that stands, and restart what has them
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
import time
import urllib.request
from argparse import Namespace
from pathlib import Path
from typing import Any

_USER = "stack"
_CACHE = Path("/opt/cache/files")
_LARGEST = 1 << 20
_KEPT = Path("/opt/git")
_PATIENCE, _FAILED = 90.0, 5.0  # seconds for services to come up, and for one that has failed to be taken up again


def main(words: list[str]) -> int:
    """Run one of the commands."""
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=list(COMMANDS))
    for name in ("mark", "base", "given", "user"):
        parser.add_argument("--" + name, default="")
    for name in ("tree", "file", "reinstall", "unit"):
        parser.add_argument("--" + name, action="append", default=[])
    options = parser.parse_args(words)
    facts = COMMANDS[options.command](options)
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
        "container": said("systemd-detect-virt", "--container").strip() not in ("", "none"),
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
        # Where a later delivery to a clone of this node finds what is there already.
        known = _KEPT / source.partition("/src/")[2]
        if not known.exists() and known != _KEPT:
            known.parent.mkdir(parents=True, exist_ok=True)
            known.symlink_to(target)
    clear(options)
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


def clear(options: Namespace) -> None:
    """Take away what is left of the folder that trees were delivered to: a clone of this node gets one of its own."""
    for tree in options.tree:
        before, found, _ = tree.partition("=")[2].partition("/src/")
        if found:
            shutil.rmtree(before + "/src", ignore_errors=True)


def stands(options: Namespace) -> dict[str, Any]:
    """Which services of the stack are not up, once they have had the time for it."""
    return {"failed": down()}


def renew(options: Namespace) -> dict[str, Any]:
    """Trees as for `prepare`; their packages where that is asked for; the units that match are started anew."""
    base = Path(options.base)
    for tree in options.tree:
        name, _, source = tree.partition("=")
        target = base / name
        owner = target.stat()
        said("chown", "-R", "root:root", source)
        git = ["git", "-c", "safe.directory=*", "-C", str(target)]
        commit = said("git", "-C", source, "rev-parse", "HEAD").strip()
        subprocess.run([*git, "fetch", "-q", "--force", "--update-head-ok", source, "+refs/*:refs/*"], check=True)
        subprocess.run([*git, "reset", "-q", "--hard", commit], check=True)
        said("chown", "-R", str(owner.st_uid) + ":" + str(owner.st_gid), str(target))
    clear(options)
    failed = [name for name in options.reinstall if not reinstalled(base, name)]
    units = ["devstack@" + pattern + ".service" for pattern in options.unit]
    if units and not failed:
        subprocess.run(["systemctl", "restart", *units], check=False)
    return {"commits": commits(options), "uninstalled": failed, "failed": down() if units else []}


def reinstalled(base: Path, name: str) -> bool:
    """Install a tree's package as devstack does; a plugin of tempest, or tempest, goes to tempest's environment."""
    tests = name == "tempest" or name.endswith("-tempest-plugin")
    pip = base / ("tempest/.tox/tempest" if tests else "data/venv") / "bin" / "pip"
    limits = ["-c", str(base / "requirements" / "upper-constraints.txt")]
    argv = ["sudo", "-u", _USER, "-H", str(pip), "install", *limits, "-e", str(base / name)]
    return subprocess.run(argv, stderr=subprocess.STDOUT, check=False).returncode == 0


def down() -> list[str]:
    """The services of the stack that are not up in time: those that do not run, and a keystone that does not answer."""
    until = time.monotonic() + _PATIENCE
    while True:
        listed = said("systemctl", "list-units", "--all", "--plain", "--no-legend", "devstack@*.service").splitlines()
        states = {words[0]: words[2] for words in map(str.split, listed) if len(words) > 3}
        found = sorted(name for name, state in states.items() if state != "active")
        if not states:
            found = ["devstack@*"]
        elif not found and "devstack@keystone.service" in states and not answers():
            found = ["devstack@keystone.service"]
        if "failed" in states.values():
            until = min(until, time.monotonic() + _FAILED)
        if not found or time.monotonic() > until:
            return found
        time.sleep(0.3)


def answers() -> bool:
    """Whether keystone answers at the address that its own clouds.yaml names."""
    try:
        text = Path("/etc/openstack/clouds.yaml").read_text(encoding="utf-8")
        address = re.findall(r"^\s+auth_url:\s*(\S+)", text, re.M)[0].strip("'\"")
        if not address.startswith("http://"):
            return True
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(address + "/v3", timeout=20) as answer:
            return bool(answer.status < 400)
    except (OSError, IndexError, ValueError):
        return False


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


COMMANDS = {"look": look, "prepare": prepare, "stands": stands, "renew": renew, "ready": ready}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
