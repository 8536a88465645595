"""What has to be looked at on the node itself: handed to its `python3 -c` as text, it prints one JSON line at its end.

It never runs inside the gate, needs nothing but the standard library of Python 3.8, and decides nothing about the
change. Because it runs on the node, `gatelocal.process` is not there for it.

start      make the folder for results, find tox, look for the constraints file
packages   distribution packages that bindep.txt names and the node lacks
siblings   install the trees of required projects over the released packages in the environments
collect    gather the environments' logs
"""

from __future__ import annotations

import argparse
import configparser
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from argparse import Namespace
from pathlib import Path
from typing import Any, Dict, Tuple  # noqa: UP035

Answer = Tuple[int, Dict[str, Any]]  # noqa: UP006 (evaluated at run time, on the node's older Python)

CANNOT = 70


def main(words: list[str]) -> int:
    """Run one of the commands and return the exit status."""
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["start", "packages", "siblings", "collect"])
    parser.add_argument("--work", required=True)
    parser.add_argument("--into", default="")
    parser.add_argument("--constraints", default="")
    parser.add_argument("--install", action="store_true")
    for name in ("env", "tree", "profile", "tox"):
        parser.add_argument("--" + name, action="append", default=[])
    options = parser.parse_args(words)
    options.work = Path(options.work)
    commands = {"start": start, "packages": packages, "siblings": siblings, "collect": collect}
    status, facts = commands[options.command](options)
    say("gatelocal-facts " + json.dumps(facts))
    return status


def say(line: str) -> None:
    """One line, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def start(options: Namespace) -> Answer:
    """An empty folder for results, and what is to be known before anything runs."""
    into = Path(options.into)
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True)
    constraints = not options.constraints or Path(options.constraints).is_file()
    return 0, {"tox": command("tox"), "work": options.work.is_dir(), "constraints": constraints}


def command(name: str) -> list[str] | None:
    """How to start a Python program that is on PATH, or a module of this Python; None when it is neither."""
    found = shutil.which(name)
    if found:
        return [found]
    return [sys.executable or "python3", "-m", name] if importlib.util.find_spec(name) else None


def packages(options: Namespace) -> Answer:
    """Install what bindep finds missing, or say plainly why not."""
    wanted = next(
        (options.work / n for n in ("bindep.txt", "other-requirements.txt") if (options.work / n).is_file()), None
    )
    if wanted is None:
        return 0, {"skipped": ""}
    bindep = command("bindep")
    if bindep is None:
        return 0, skipped(f"{wanted.name} is not looked at: the node has no bindep")
    asked = subprocess.run([*bindep, "-b", "-f", str(wanted), *options.profile], stdout=subprocess.PIPE, check=False)
    missing = asked.stdout.decode("utf-8", "replace").split()
    if asked.returncode == 0 or not missing:
        return 0, {"skipped": ""}
    names = " ".join(missing)
    if not options.install:
        return 0, skipped("not installed, because the node is no machine of its own: " + names)
    root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if not shutil.which("apt-get") or (root and not shutil.which("sudo")):
        return 0, skipped("not installed, for want of apt-get or sudo: " + names)
    say("installing packages that bindep.txt names: " + names)
    environment = ["env", "DEBIAN_FRONTEND=noninteractive"]
    subprocess.run([*root, *environment, "apt-get", "-q", "update"], stderr=subprocess.STDOUT, check=False)
    done = subprocess.run(
        [*root, *environment, "apt-get", "-q", "-y", "install", *missing], stderr=subprocess.STDOUT, check=False
    )
    return (CANNOT if done.returncode else 0), {"skipped": "", "missing": missing}


def skipped(why: str) -> dict[str, Any]:
    """Tell a person and the gate why nothing was done."""
    say("packages: " + why)
    return {"skipped": why}


def siblings(options: Namespace) -> Answer:
    """Install the trees whose packages an environment has, in the place of the released ones."""
    own = package_name(options.work)
    trees: dict[str, str] = {}
    for tree in options.tree:
        name = package_name(Path(tree))
        if name and name != own:
            trees[name] = tree
    done: dict[str, list[str]] = {}
    for env, folder in environments(options):
        python = folder / "bin" / "python"
        found = sorted(set(installed(python)) & set(trees)) if python.exists() and trees else []
        if not found:
            continue
        say(f"{env}: from source: " + ", ".join(f"{name} ({trees[name]})" for name in found))
        if install(python, [trees[name] for name in found], without(options.constraints, found)) != 0:
            return CANNOT, {"installed": done}
        done[env] = found
    if not done:
        say("no required project is a package of the environment: nothing to install from source")
    return 0, {"installed": done}


def installed(python: Path) -> list[str]:
    """The names of the distributions in the environment of that interpreter."""
    listing = "import importlib.metadata as m; print(*{d.metadata['Name'] or '' for d in m.distributions()}, sep='\\n')"
    asked = subprocess.run([str(python), "-c", listing], stdout=subprocess.PIPE, check=False)
    return [normal(name) for name in asked.stdout.decode("utf-8", "replace").split()]


def install(python: Path, trees: list[str], constraints: str) -> int:
    """The trees with what they require; the released packages of the same names give way."""
    limits = ["-c", constraints] if constraints else []
    try:
        return subprocess.run(
            [str(python), "-m", "pip", "install", *limits, *trees], stderr=subprocess.STDOUT, check=False
        ).returncode
    finally:
        if constraints:
            Path(constraints).unlink()


def without(constraints: str, names: list[str]) -> str:
    """A copy of the constraints that leaves the named packages free; empty when there are none."""
    if not constraints:
        return ""
    kept = []
    for line in Path(constraints).read_text(encoding="utf-8", errors="replace").splitlines():
        word = re.match(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)", line)
        if not (word and normal(word.group(1)) in names):
            kept.append(line)
    handle, path = tempfile.mkstemp(prefix="constraints-", suffix=".txt")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write("\n".join(kept) + "\n")
    return path


def package_name(tree: Path) -> str:
    """The name of the Python package that a tree makes, from setup.cfg or pyproject.toml; empty when there is none."""
    setup = configparser.RawConfigParser(strict=False)
    try:
        setup.read(str(tree / "setup.cfg"), encoding="utf-8")
        name = setup.get("metadata", "name", fallback="")
    except (configparser.Error, UnicodeDecodeError):
        name = ""
    if not name and (tree / "pyproject.toml").is_file():
        project = (tree / "pyproject.toml").read_text(encoding="utf-8", errors="replace")
        section = re.search(r"^\[project\]\s*$(.*?)(?=^\[|\Z)", project, re.M | re.S)
        found = re.search(r"""^name\s*=\s*["']([^"']+)["']""", section.group(1), re.M) if section else None
        name = found.group(1) if found else ""
    return normal(name)


def normal(name: str) -> str:
    """A distribution's name in the form in which names are compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def environments(options: Namespace) -> list[tuple[str, Path]]:
    """Each environment of the build that exists, with its folder."""
    usual = options.work / ".tox"
    if "ALL" in options.env:
        return [(folder.name, folder) for folder in sorted(usual.glob("*")) if (folder / "bin" / "python").exists()]
    found = []
    for env in options.env:
        folder = usual / env
        if not folder.is_dir() and options.tox:
            folder = asked_of_tox(options, env)
        if folder is not None and folder.is_dir():
            found.append((env, folder))
    return found


def asked_of_tox(options: Namespace, env: str) -> Path | None:
    """The folder of an environment that is not in the usual place."""
    asked = subprocess.run(
        [*options.tox, "config", "-e", env, "-k", "env_dir"],
        cwd=str(options.work),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    found = re.search(r"^env_?dir\s*=\s*(.+)$", asked.stdout.decode("utf-8", "replace"), re.M)
    return Path(found.group(1).strip()) if found else None


def collect(options: Namespace) -> Answer:
    """Copy the environments' logs to the folder for results."""
    into = Path(options.into)
    found = environments(options)
    items = []
    for env, folder in found:
        if (folder / "log").is_dir():
            shutil.copytree(str(folder / "log"), str(into / "tox" / env), ignore_dangling_symlinks=True)
    if (into / "tox").is_dir():
        items.append("tox")
    free = min(shutil.disk_usage(path).free for path in (str(options.work), tempfile.gettempdir()))
    return 0, {"items": items, "free": free}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
