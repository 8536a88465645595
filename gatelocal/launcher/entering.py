"""The ways into a node that is kept: command lines that lead to where its build stood; it runs none of them for good.

What comes from a job or a change is one word of an argument list, quoted where a shell reads it again.
"""

from __future__ import annotations

import base64
import hashlib
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from gatelocal import process
from gatelocal.errors import InfrastructureError, InputError
from gatelocal.launcher import connection, place
from gatelocal.launcher.seed import HOME, USER
from gatelocal.model.text import visible

LOCAL = "local"
_AUTHORIZED = ("/etc/gatelocal/authorized_keys",)
_OF_A_SERVER = (f"{HOME}/.ssh/authorized_keys", "/root/.ssh/authorized_keys")
_SECONDS = 20.0

# In the folder $1: the program that follows, or a shell. A person is let in even where the folder is gone.
_ENTER = """
cd -- "$1" || [ $# = 1 ] || exit 127
shift
[ $# = 0 ] || exec "$@"
exec "${SHELL:-sh}"
"""


def argv(
    folder: Path, record: place.Record, command: Sequence[str], own: Mapping[str, str], *, terminal: bool
) -> tuple[str, ...]:
    """The command line that runs a program where the node's build stood; a shell without one.

    :param own: this process's variables: its terminal's kind and its shell go to a node that is no machine of its own.
    :param terminal: whether the program is to have one.
    """
    stood = record.occasion.invocation if record.occasion is not None else None
    directory = stood.directory if stood is not None else record.home or str(folder / "home")
    variables = {**record.variables, **(stood.environment if stood is not None else {})}
    if record.kind == LOCAL:
        variables |= {name: own[name] for name in ("TERM", "SHELL") if name in own}
    words = (*(f"{name}={value}" for name, value in variables.items()), "sh", "-c", _ENTER, "sh", directory, *command)
    if record.kind == LOCAL:
        return ("env", "-i", *words) if record.variables else ("env", f"HOME={folder / 'home'}", *words)
    tty = "-t" if terminal else "-T"
    return ("ssh", "-F", str(folder / "ssh_config"), tty, "node", "--", shlex.join(("env", *words)))


def check(folder: Path, record: place.Record) -> None:
    """See that the node still runs. :raises InfrastructureError: it does not; its console's last lines are shown."""
    if record.kind == LOCAL:
        return
    try:
        connection.wait_for_banner(_port(folder), _SECONDS, lambda waited: None, _said(folder, "HostName"))
    except TimeoutError as error:
        raise InfrastructureError(
            f"the node {record.name} does not answer: {error}",
            details=connection.last_words(folder),
            hint=f"was this machine switched off since? return it with: gatelocal hold release {record.name}",
        ) from error


def repeat(record: place.Record) -> str:
    """The line that repeats on the node what its build did last; empty where that was no program."""
    stood = record.occasion.invocation if record.occasion is not None else None
    if stood is None:
        return ""
    return f"gatelocal shell {record.name} --repeat" if stood.own else quoted(stood.argv)


def quoted(words: Sequence[str]) -> str:
    """Words as somebody would type them; what a terminal would obey is written out, as bash reads it (``$'\\x1b'``)."""
    return " ".join(shlex.quote(word) if word.isprintable() else f"$'{_escaped(word)}'" for word in words)


def _escaped(text: str) -> str:
    return "".join(
        f"\\{char}" if char in "\\'" else char if char.isprintable() else f"\\U{ord(char):08x}" for char in text
    )


def let_in(folder: Path, record: place.Record, keys: Sequence[str]) -> tuple[str, ...]:
    """Let the owners of these public keys in; how they come there, one line each.

    :raises InputError: nobody comes there by ssh. :raises InfrastructureError: the node does not take them.
    """
    if record.kind == LOCAL:
        raise InputError(
            f"the node {record.name} is a folder of this machine: there is no ssh to it, and no key to let in",
            hint=f"whoever has a login here as this user enters it with: gatelocal shell {record.name}",
        )
    if record.host:
        raise InputError(
            f"the node {record.name} is the host {record.host} of yours, and no job's: nobody's key goes there",
            hint="whoever may log in there does so as ever",
        )
    script = f'tee -a {" ".join(_OF_A_SERVER if record.cloud else _AUTHORIZED)} >/dev/null && echo "kept"'
    way = ("ssh", "-F", str(folder / "ssh_config"), "-l", "root", "-T", "node", "--", script)
    done = process.run(way, stdin="".join(f"{key}\n" for key in keys).encode(), timeout=60, check=False)
    if "kept" not in done.stdout:
        raise InfrastructureError(f"the node {record.name} takes no key", details=done.stderr.strip())
    port, host_key = _port(folder), (folder / "host_key.pub").read_text().split()[1]
    digest = base64.b64encode(hashlib.sha256(base64.b64decode(host_key)).digest()).decode().rstrip("=")
    known = f"its host key: ED25519 SHA256:{digest}"
    if record.cloud:
        return (f"from wherever the server is reached: ssh -p {port} {USER}@{_said(folder, 'HostName')}", known)
    return (
        f"from this machine: ssh -p {port} {USER}@127.0.0.1",
        f"from another one: ssh -J LOGIN@THIS-MACHINE -p {port} {USER}@127.0.0.1",
        known,
    )


def keys_in(text: str, origin: str) -> tuple[str, ...]:
    """The public keys in a text, one a line, as OpenSSH writes them. :raises InputError: something else is there.

    :param origin: where the text comes from, for people.
    """
    found = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if "PRIVATE KEY" in text:
        raise InputError(f"{visible(origin)} is a private key", hint="name the public one: its name ends in .pub")
    for line in found:
        if not _KEY.fullmatch(line):
            raise InputError(f"{visible(origin)} has a line that is no public key", details=visible(line[:100]))
    if not found:
        raise InputError(f"{visible(origin)} has no public key")
    return tuple(found)


_KEY = re.compile(r"(ssh-[a-z0-9]+|ecdsa-[a-z0-9-]+|sk-[a-z0-9@.-]+) AAAA[A-Za-z0-9+/]+=*( [^\x00-\x1f\x7f]*)?")


def _port(folder: Path) -> int:
    return int(_said(folder, "Port"))


def _said(folder: Path, word: str) -> str:
    found = re.search(rf"^ {word} ([^ \n]+)$", (folder / "ssh_config").read_text(), re.MULTILINE)
    if found is None or (word == "Port" and not found[1].isdigit()):
        raise InfrastructureError(f"{folder / 'ssh_config'} is damaged")
    return found[1]
