"""`synchronize`: known, so that playbooks that have it but do not use it can be read; to use it is refused."""

from __future__ import annotations

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):  # type: ignore[misc]
    """It would start rsync on this machine."""

    _requires_connection = False

    def run(self, tmp: object = None, task_vars: object = None) -> dict[str, object]:
        """:raises AnsibleError: always."""
        raise AnsibleError("refused by the gate: synchronize would start a program on this machine")
