"""The modules `command` and `shell`, on the node: as Ansible's, but each line of output is told as it comes.

As on Zuul's executor, standard error is part of the output. It is also a program of its own that needs nothing of
Ansible: what it is to do is its argument then, and the result is its last line (see ``action/command.py``).
"""

from __future__ import annotations

import datetime
import glob
import json
import os
import shlex
import subprocess
import sys

LIVE = "\x1egatelocal "
_MOST = 8 << 20  # bytes of output that the result has: it goes back as one line, and is kept in memory
_LINE = 1 << 16
_ARGUMENTS = {
    "_raw_params": {},
    "_uses_shell": {"type": "bool", "default": False},
    "argv": {"type": "list", "elements": "str"},
    "chdir": {"type": "path"},
    "executable": {},
    "expand_argument_vars": {"type": "bool", "default": True},
    "creates": {"type": "path"},
    "removes": {"type": "path"},
    "stdin": {},
    "stdin_add_newline": {"type": "bool", "default": True},
    "strip_empty_ends": {"type": "bool", "default": True},
}


def main() -> None:
    """Run it."""
    if len(sys.argv) > 1:
        asked = json.loads(sys.argv[1])
        for name in ("chdir", "creates", "removes"):
            asked[name] = asked[name] and os.path.expanduser(os.path.expandvars(asked[name]))
        sys.stdout.write(json.dumps(_result(asked)) + "\n")
        return
    from ansible.module_utils.basic import AnsibleModule

    module = AnsibleModule(argument_spec=_ARGUMENTS, supports_check_mode=True)
    result = _result(dict(module.params, check=module.check_mode, live=not module.no_log))
    end = module.fail_json if result.pop("failed", False) else module.exit_json
    end(**result)


def _result(asked: dict) -> dict:  # type: ignore[type-arg]
    result = {"changed": False, "stdout": "", "stderr": "", "rc": None, "cmd": None, "msg": ""}
    result.update(start=None, end=None, delta=None)
    command, problem = _command(asked)
    result["cmd"] = command
    if problem:
        return dict(result, rc=256, msg=problem, failed=True)
    if asked["chdir"]:
        try:
            os.chdir(asked["chdir"])
        except OSError as error:
            return dict(result, msg=f"Unable to change directory before execution: {error}", failed=True)
    for name, there, word in (("creates", True, "exists"), ("removes", False, "does not exist")):
        if asked[name] and bool(glob.glob(asked[name])) is there:
            told = f"skipped, since {asked[name]} {word}"
            return dict(result, rc=0, stdout=told, msg=f"Did not run command since '{asked[name]}' {word}")
    if asked["check"]:
        return dict(result, rc=0, msg="Command would have run if not in check mode", skipped=True)
    began = datetime.datetime.now()
    try:
        status, output = _run(command, asked, live=asked["live"])
    except OSError as error:
        return dict(result, rc=error.errno, msg=f"{error.strerror}: {command}", failed=True)
    ended = datetime.datetime.now()
    text = output.decode("utf-8", "replace")  # Ansible takes nothing else
    result.update(rc=status, stdout=text.rstrip("\r\n") if asked["strip_empty_ends"] else text, changed=True)
    result.update(start=str(began), end=str(ended), delta=str(ended - began))
    return dict(result, msg="non-zero return code", failed=True) if status else result


def _command(asked: dict) -> tuple:  # type: ignore[type-arg]
    """The command, and what is wrong with it."""
    text, words = asked["_raw_params"], asked["argv"]
    if not (text and text.strip()) and not words:
        return None, "no command given"
    if text and words:
        return None, "only command or argv can be given, not both"
    if asked["_uses_shell"]:
        return text or " ".join(shlex.quote(word) for word in words), ""
    try:
        found = words or shlex.split(text)
    except ValueError as error:
        return text, str(error)
    if asked["expand_argument_vars"]:
        found = [os.path.expandvars(os.path.expanduser(word)) for word in found]
    return found, ""


def _run(command: str | list[str], asked: dict, live: bool) -> tuple:  # type: ignore[type-arg]
    """Status and output of the command."""
    argv = [asked["executable"] or "/bin/sh", "-c", command] if isinstance(command, str) else command
    data = None if asked["stdin"] is None else asked["stdin"] + ("\n" if asked["stdin_add_newline"] else "")
    child = subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL if data is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if data is not None and child.stdin is not None and os.fork() == 0:  # so that neither side waits for the other
        try:
            child.stdin.write(data.encode("utf-8", "surrogateescape"))
            child.stdin.close()
        except OSError:
            pass
        os._exit(0)
    if child.stdin is not None:
        child.stdin.close()
    output, size = bytearray(), 0
    for line in iter(lambda: child.stdout.readline(_LINE) if child.stdout else b"", b""):
        size += len(line)
        output += line[: max(_MOST - len(output), 0)]
        if live:
            sys.stdout.write(LIVE + line.decode("utf-8", "replace").rstrip("\r\n") + "\n")
            sys.stdout.flush()
    if size > len(output):
        output += b"\n... (%d more bytes)" % (size - len(output))
    return child.wait(), bytes(output)


if __name__ == "__main__":
    main()
