"""`command` and `shell`: one program on the node, which tells each line of output as it comes.

In the background (``async``), and where what they are told is nobody's affair (a program's arguments can be seen), they
are modules, as all others are: see ``library``.
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.utils.vars import merge_hash

_SCRIPT = (Path(__file__).parents[1] / "library/command.py").read_text(encoding="utf-8")
_FLAGS = ("expand_argument_vars", "stdin_add_newline", "strip_empty_ends")
_TEXTS = ("_raw_params", "chdir", "creates", "executable", "removes", "stdin")
_LONGEST = 100_000  # bytes of one argument of a program, less than Linux's limit


class ActionModule(ActionBase):  # type: ignore[misc]
    """See the modules of these names."""

    _supports_async = True

    def run(self, tmp: object = None, task_vars: dict[str, object] | None = None) -> dict[str, object]:
        """Run it."""
        self._supports_check_mode = True
        result: dict[str, object] = super().run(tmp, task_vars)
        variables = task_vars or {}
        asked = self._asked()
        words = [str(variables.get("ansible_python_interpreter") or "python3"), "-c", _SCRIPT, json.dumps(asked)]
        command = shlex.join(words)
        hidden = self._play_context.no_log or asked["stdin"] is not None
        if self._task.async_val or hidden or len(command) > _LONGEST:
            told = self._execute_module("ansible.legacy.command", task_vars=variables, wrap_async=self._task.async_val)
            return merge_hash(result, told)  # type: ignore[no-any-return]
        done = self._low_level_execute_command(f"{self._compute_environment_string()} {command}".strip())
        found = self._parse_returned_data(done)
        for stream in ("stdout", "stderr"):
            found[f"{stream}_lines"] = str(found.get(stream) or "").splitlines()
        return merge_hash(result, found)  # type: ignore[no-any-return]

    def _asked(self) -> dict[str, object]:
        given = dict(self._task.args)
        found: dict[str, object] = {name: given.pop(name, None) for name in _TEXTS}
        found |= {name: boolean(given.pop(name, True)) for name in _FLAGS}
        argv = given.pop("argv", None)
        found["argv"] = [str(word) for word in argv] if isinstance(argv, list) else None
        found["_uses_shell"] = boolean(given.pop("_uses_shell", False))
        if given:
            raise AnsibleError(f"Unsupported parameters for (command) module: {', '.join(sorted(given))}")
        texts = {name: None if found[name] is None else str(found[name]) for name in _TEXTS}
        return {**found, **texts, "check": bool(self._task.check_mode), "live": True}
