"""What comes before tox on the node, as zuul-jobs' roles `bindep`, `ensure-python`, `ensure-tox`, `revoke-sudo` do it.

Like `on_node.py` it is handed to the node's `python3 -c` as text, needs nothing but Python 3.8's standard library, and
decides nothing about the change: its last line tells facts, behind a mark that the gate has chosen for this one step.

packages   distribution packages that bindep.txt names and the node lacks
python     the interpreter that the job wants
tox        a tox of the version that the job wants
sudo       take the right to become root away
"""

from __future__ import annotations

import argparse
import getpass
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from argparse import Namespace
from pathlib import Path
from typing import Any, Dict, Tuple  # noqa: UP035

Answer = Tuple[int, Dict[str, Any]]  # noqa: UP006 (evaluated at run time, on the node's older Python)

CANNOT = 70
_FILES = ("bindep.txt", "other-requirements.txt")
_APT = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q")


def main(words: list[str]) -> int:
    """Run one of the commands and return the exit status."""
    commands = {"packages": packages, "python": python, "tox": tox, "sudo": sudo}
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=list(commands))
    parser.add_argument("--mark", default="")
    parser.add_argument("--work", required=True)
    parser.add_argument("--install", action="store_true")
    for name in ("bindep", "fallback", "version", "executable"):
        parser.add_argument("--" + name, default="")
    for name in ("profile", "file"):
        parser.add_argument("--" + name, action="append", default=[])
    options = parser.parse_args(words)
    options.work = Path(options.work)
    status, facts = commands[options.command](options)
    # On a line of its own, wherever the programs that were started have stopped.
    say(" ".join(filter(None, ["\ngatelocal-facts", options.mark, json.dumps(facts)])))
    return status


def say(line: str) -> None:
    """One line, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def packages(options: Namespace) -> Answer:
    """Install what bindep finds missing, or say plainly why not."""
    files = [options.work / name for name in options.file]
    usual = [options.work / name for name in (*_FILES, options.fallback) if name]
    wanted = files or [file for file in usual if file.is_file()][:1]
    if not wanted:
        return 0, {"skipped": ""}
    with tempfile.TemporaryDirectory(prefix="bindep-") as folder:
        bindep = bindep_command(options, folder)
        if bindep is None:
            return 0, skipped(f"{wanted[0].name} is not looked at: the node has no bindep")
        missing = [name for file in wanted for name in lacking(bindep, file, options.profile)]
    if not missing:
        return 0, {"skipped": ""}
    names = " ".join(dict.fromkeys(missing))
    if not options.install:
        return 0, skipped("not installed, because the node is no machine of its own: " + names)
    if not can_install():
        return 0, skipped("not installed, for want of apt-get or sudo: " + names)
    say("installing packages that bindep.txt names: " + names)
    return (CANNOT if apt(names.split()) else 0), {"skipped": "", "missing": names.split()}


def bindep_command(options: Namespace, folder: str) -> list[str] | None:
    """How bindep is started; where the node is a machine of its own, one is installed for the purpose if need be."""
    if options.bindep and shutil.which(options.bindep):
        return [options.bindep]
    found = command("bindep")
    if found or not options.install:
        return found
    say("bindep: the node has none, so one is installed")
    return [os.path.join(folder, "bin/bindep")] if installed(folder, "bindep") else None  # noqa: PTH118


def command(name: str) -> list[str] | None:
    """How to start a Python program that is on PATH, or a module of this Python; None when it is neither."""
    found = shutil.which(name)
    if found:
        return [found]
    return [sys.executable or "python3", "-m", name] if importlib.util.find_spec(name) else None


def lacking(bindep: list[str], file: Path, profiles: list[str]) -> list[str]:
    """The packages of the file's profiles that are not there; what bindep complains of goes to the output."""
    asked = subprocess.run([*bindep, "-b", "-f", str(file), *profiles], stdout=subprocess.PIPE, check=False)
    return asked.stdout.decode("utf-8", "replace").split() if asked.returncode else []


def skipped(why: str) -> dict[str, Any]:
    """Tell a person and the gate why nothing was done."""
    say("packages: " + why)
    return {"skipped": why}


def python(options: Namespace) -> Answer:
    """The interpreter of the wanted version with its headers; what the node has instead when it cannot be had."""
    name = "python" + options.version
    if options.install and can_install():
        say(f"making sure of {name}")
        apt([name + "-dev", name + "-venv"])
    have = bool(shutil.which(name))
    return 0, {"python": have, "instead": "" if have else "{}.{}".format(*sys.version_info)}


def tox(options: Namespace) -> Answer:
    """How the job's tox is started: of the wanted version, the one it names, or the node's own."""
    if options.version:
        folder = str(Path.home() / ".local/tox")
        say("installing tox" + options.version)
        if not installed(folder, "tox" + options.version):
            return CANNOT, {"tox": None}
        return 0, {"tox": [folder + "/bin/tox"]}
    found = shutil.which(options.executable)
    return 0, {"tox": [found] if found else None}


def sudo(options: Namespace) -> Answer:
    """Make the user one without the right to become root, and prove it."""
    if not options.install or os.geteuid() == 0 or not may_sudo():
        return 0, {"sudo": False}
    names = {"zuul", "90-cloud-init-users", getpass.getuser()}
    subprocess.run(["sudo", "-n", "rm", "-f", *("/etc/sudoers.d/" + name for name in sorted(names))], check=False)
    still = may_sudo()
    return (CANNOT if still else 0), {"sudo": still}


def may_sudo() -> bool:
    """Whether this user may become root without a password."""
    if not shutil.which("sudo"):
        return False
    return subprocess.run(["sudo", "-n", "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0


def can_install() -> bool:
    """Whether distribution packages can be installed here at all."""
    return bool(shutil.which("apt-get")) and (os.geteuid() == 0 or may_sudo())


def apt(names: list[str]) -> int:
    """Install distribution packages; apt's status."""
    root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    subprocess.run([*root, *_APT, "update"], stderr=subprocess.STDOUT, check=False)
    return subprocess.run([*root, *_APT, "-y", "install", *names], stderr=subprocess.STDOUT, check=False).returncode


def installed(folder: str, requirement: str) -> bool:
    """Whether a Python package could be installed into a virtual environment of its own."""
    steps = ([sys.executable, "-m", "venv", folder], [folder + "/bin/pip", "install", "--quiet", requirement])
    return all(subprocess.run(step, stderr=subprocess.STDOUT, check=False).returncode == 0 for step in steps)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
