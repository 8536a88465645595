"""Tasks for this machine that only handle files: Ansible's own modules in this process, within what the guard allows.

No program is started for them. All other modules stay refused, as is whatever of these wants one.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from typing import Any

from ansible import constants
from ansible.errors import AnsibleError
from ansible.module_utils import basic
from ansible.plugins.action import ActionBase

MODULES = frozenset("assemble blockinfile copy file find lineinfile ping replace slurp stat tempfile".split())
_OWN = ("ansible.builtin.", "ansible.legacy.")
_NO_PROGRAMS = {"stat": {"get_mime": False, "get_attributes": False}}  # what a program would be asked for


def install(transport: str) -> None:
    """From now on, do so for tasks over the local connection. :param transport: what stands in for that."""

    def local(action: Any) -> bool:
        connection = action._connection
        return bool(connection.transport == transport and connection.asked == "local")

    def instead(name: str, ours: Callable[..., Any]) -> None:
        theirs = getattr(ActionBase, name)

        def chosen(self: Any, *args: object, **kwargs: object) -> Any:
            return (ours if local(self) else theirs)(self, *args, **kwargs)

        setattr(ActionBase, name, chosen)

    def execute(
        self: Any, module_name: str = "", module_args: Mapping[str, object] | None = None, **more: Any
    ) -> dict[str, object]:
        task = self._task
        name = module_name or task.action
        short = next((name.removeprefix(one) for one in _OWN if name.startswith(one)), name)
        if short not in MODULES or more.get("wrap_async") or task.async_val:
            refused: dict[str, object] = theirs(self, module_name or None, module_args, **more)
            return refused
        args = dict(task.args if module_args is None else module_args)
        lenient = bool(more.get("ignore_unknown_opts"))
        self._update_module_args(name, args, more.get("task_vars") or {}, ignore_unknown_opts=lenient)
        return _run(short, {**_NO_PROGRAMS.get(short, {}), **args, "_ansible_tmpdir": _tmp(self)})

    theirs = ActionBase._execute_module
    instead("_execute_module", execute)
    instead("_make_tmp_path", _tmp)
    instead("_remove_tmp_path", _tidy)
    instead("_fixup_perms2", lambda self, paths, *_, **__: paths)
    instead("_remote_expand_user", lambda self, path, *_, **__: path)
    basic.AnsibleModule._log_invocation = lambda self: None
    basic.AnsibleModule.get_bin_path = _no_program


def _run(name: str, args: dict[str, object]) -> dict[str, object]:
    """What a module says to these arguments."""
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": args}).encode()
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        importlib.import_module(f"ansible.modules.{name}").main()
    try:
        found = json.loads(said.getvalue().strip().splitlines()[-1])
    except (ValueError, IndexError):
        raise AnsibleError(f"the module {name} says nothing that can be understood") from None
    for stream in ("stdout", "stderr"):
        if stream in found:
            found.setdefault(f"{stream}_lines", str(found[stream] or "").splitlines())
    return dict(found)


def _no_program(self: Any, arg: str, required: bool = False, *_: object, **__: object) -> None:
    if required:
        self.fail_json(msg=f"refused by the gate: it would start {arg} on this machine")


def _tmp(self: Any, *_: object, **__: object) -> str:
    shell = self._connection._shell
    if not shell.tmpdir:
        shell.tmpdir = tempfile.mkdtemp(dir=constants.DEFAULT_LOCAL_TMP)
        self._cleanup_remote_tmp = True
    return str(shell.tmpdir)


def _tidy(self: Any, *_: object, **__: object) -> None:
    shell = self._connection._shell
    if shell.tmpdir:
        shutil.rmtree(shell.tmpdir, ignore_errors=True)
        shell.tmpdir = None
