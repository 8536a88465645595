"""`zuul_console`: starts a server for live output on Zuul's nodes; here live output needs none."""

from __future__ import annotations

from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):  # type: ignore[misc]
    """Does nothing."""

    _requires_connection = False

    def run(self, tmp: object = None, task_vars: object = None) -> dict[str, object]:
        """Nothing is changed."""
        result: dict[str, object] = super().run(tmp, task_vars)
        return {**result, "changed": False}
