"""`zuul_return`: what a job hands back; its effects are seen to by the process that runs the build."""

from __future__ import annotations

import json

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from bridge import BRIDGE


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs on no host."""

    _requires_connection = False
    _VALID_ARGS = frozenset(("data", "secret_data", "file", "path"))

    def run(self, tmp: object = None, task_vars: object = None) -> dict[str, object]:
        """Hand the data over; a file must be one that playbooks may read."""
        result: dict[str, object] = super().run(tmp, task_vars)
        data = self._task.args.get("data") or {}
        if file := self._task.args.get("file"):
            text, _ = self._loader._get_file_contents(self._loader.path_dwim(file))
            data = json.loads(text)
        if not isinstance(data, dict):
            raise AnsibleError("zuul_return: data is no mapping")
        BRIDGE.ask(op="return", data=json.loads(json.dumps(data, default=str)))
        if self._task.args.get("secret_data"):
            BRIDGE.ask(op="deviates", id="secret-data", text="zuul_return's secret_data is not kept")
        return {**result, "changed": True}
