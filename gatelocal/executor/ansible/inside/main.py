"""Runs playbooks as `ansible-playbook` does, within what the guard allows; started by Ansible's own Python.

It reads Ansible once and then waits: whoever runs the build names a playbook's settings by a socket (see
:mod:`gatelocal.executor.ansible.warm`), and a copy of this process, which no playbook has touched, runs it. What that
prints goes back by the same socket, its status into a file.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import random
import signal
import socket
import sys
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parent))

import guard  # noqa: E402
import here  # noqa: E402
import warm  # noqa: E402
from ansible import constants, template  # noqa: E402
from ansible.cli.playbook import PlaybookCLI  # noqa: E402
from ansible.errors import AnsibleError  # noqa: E402
from ansible.plugins import loader  # noqa: E402
from ansible.plugins.action import gather_facts  # noqa: E402
from jinja2 import Undefined  # noqa: E402
from jinja2.exceptions import SecurityError  # noqa: E402
from jinja2.sandbox import SandboxedEnvironment  # noqa: E402

NODE, REFUSED = "gatelocal", "gatelocal_refused"
_STRATEGIES = ("linear", "free", "host_pinned")
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG


def serve(folder: str) -> None:
    """Run one playbook after another, until whoever asks for them is gone. :param folder: where the socket is."""
    warm.read()
    place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)  # by its number: a socket's path is short
    while True:
        with socket.socket(socket.AF_UNIX) as link:
            link.connect(f"/proc/self/fd/{place}/warm")
            file = link.makefile("r", encoding="utf-8").readline().strip()
            if not file:
                return
            pid = os.fork()
            if pid == 0:
                _become(file, link)
            Path(file).with_name("pid").write_text(str(pid), encoding="ascii")
            _, ended = os.waitpid(pid, 0)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)  # what it has left
            written = Path(file).with_name("status.new")
            written.write_text(str(os.waitstatus_to_exitcode(ended)), encoding="ascii")
            written.rename(Path(file).with_name("status"))  # whole from its first moment: somebody looks for it


def _become(file: str, link: socket.socket) -> None:
    """In the copy: run the playbook, and end with Ansible's status."""
    status = 1
    try:
        os.setpgid(0, 0)
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
        os.dup2(link.fileno(), 1)
        os.dup2(link.fileno(), 2)
        link.close()
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
        random.seed()
        main(file)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(status)


def main(file: str) -> None:
    """Run the playbook of a JSON file: see :func:`gatelocal.executor.ansible.start.settings`."""
    settings = json.loads(Path(file).read_text(encoding="utf-8"))
    folder = os.open(settings["bridge"], os.O_RDONLY | os.O_DIRECTORY)
    os.environ.update(settings["environment"], BUILD_BRIDGE=f"/proc/self/fd/{folder}/bridge")
    constants.DEFAULT_ROLES_PATH = settings["roles"]
    tell = guard.teller(settings["refusals"])
    _only_nodes(tell)
    _only_data(tell)
    _only_facts_of_nodes()
    here.install(REFUSED)
    rules = guard.Rules(
        code=tuple(map(os.path.realpath, [*settings["code"], *filter(None, sys.path)])),
        read=tuple(map(os.path.realpath, settings["read"])),
        write=tuple(map(os.path.realpath, settings["write"])),
        socket=os.environ["BUILD_BRIDGE"],
    )
    guard.watch(rules, tell)
    warnings.simplefilter("ignore")
    PlaybookCLI.cli_executor(["ansible-playbook", *settings["words"]])


def _only_nodes(tell: Callable[[str], None]) -> None:
    """All ways to a host but ours lead nowhere; and no strategy asks a person."""
    connections, strategies = loader.connection_loader, loader.strategy_loader
    connect, choose = connections.get_with_context, strategies.get

    def connection(name: str, *args: object, **kwargs: object) -> object:
        if str(name).rpartition(".")[2] == NODE:
            return connect(NODE, *args, **kwargs)
        found = connect(REFUSED, *args, **kwargs)
        if found.object is not None:
            found.object.asked, found.object.tell = str(name), tell
        return found

    def strategy(name: str, *args: object, **kwargs: object) -> object:
        if str(name).rpartition(".")[2] not in _STRATEGIES:
            raise AnsibleError(f"refused by the gate: the strategy {name}")
        return choose(name, *args, **kwargs)

    connections.get_with_context, strategies.get = connection, strategy
    _ours_for_synchronize()


def _ours_for_synchronize() -> None:
    """By whatever name it is called."""
    actions = loader.action_loader
    get = actions.get_with_context

    def action(name: str, *args: object, **kwargs: object) -> object:
        return get("synchronize" if str(name) == "ansible.posix.synchronize" else name, *args, **kwargs)

    actions.get_with_context = action


class _Closed(SandboxedEnvironment):
    """Jinja's sandbox, with our words. :ivar tell: is told what is refused."""

    tell = staticmethod(lambda why: None)

    def unsafe_undefined(self, obj: object, attribute: str) -> Undefined:
        """What stands for an attribute that leads into Python."""
        why = f"a template asks for the attribute {attribute} of a {type(obj).__name__}"
        self.tell(why)
        return self.undefined(f"refused by the gate: {why}", name=attribute, obj=obj, exc=SecurityError)


def _only_data(tell: Callable[[str], None]) -> None:
    """Templates see values and not the Python behind them."""
    _Closed.tell = staticmethod(tell)  # type: ignore[arg-type]
    for name in ("AnsibleEnvironment", "AnsibleNativeEnvironment"):
        setattr(template, name, type(name, (_Closed, getattr(template, name)), {}))
    template.Templar.copy_with_new_env.__defaults__ = (template.AnsibleEnvironment,)


def _only_facts_of_nodes() -> None:
    """A play on what is no node of the job, this machine above all, gathers no facts; that is no failure."""
    gather = gather_facts.ActionModule.run

    def run(action: object, tmp: object = None, task_vars: object = None) -> dict[str, object]:
        if action._connection.transport == REFUSED:  # type: ignore[attr-defined]
            return {"changed": False, "ansible_facts": {}}
        found: dict[str, object] = gather(action, tmp, task_vars)
        return found

    gather_facts.ActionModule.run = run


if __name__ == "__main__":
    serve(sys.argv[1])
