"""Tells the process that runs the build what happens, in lines for a person and as events; it prints nothing."""

from __future__ import annotations

import os

from ansible.plugins.callback import CallbackBase
from bridge import BRIDGE

DOCUMENTATION = """
name: gatelocal
type: stdout
short_description: what happens, for the build
description: What happens, for the build.
author: The gatelocal authors
options: {}
"""
_STREAMED = ("command", "shell")
_WORDS = 2000


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """See :class:`gatelocal.executor.ansible.heard.Heard`, which keeps it."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "gatelocal"

    def v2_playbook_on_play_start(self, play: object) -> None:
        """A play begins."""
        self._tell("play", f"PLAY [{play.get_name().strip()}]")  # type: ignore[attr-defined]

    def v2_playbook_on_task_start(self, task: object, is_conditional: bool) -> None:
        """A task begins."""
        name = task.get_name().strip()  # type: ignore[attr-defined]
        self._tell("task", f"TASK [{name}]", task=name)

    v2_playbook_on_handler_task_start = lambda self, task: self.v2_playbook_on_task_start(task, False)  # noqa: E731

    def v2_playbook_on_cleanup_task_start(self, task: object) -> None:
        """A task begins."""
        self.v2_playbook_on_task_start(task, False)

    def v2_runner_on_ok(self, result: object) -> None:
        """A task has ended well on a host."""
        self._ended("changed" if result._result.get("changed") else "ok", result)  # type: ignore[attr-defined]

    def v2_runner_on_skipped(self, result: object) -> None:
        """A task was skipped on a host."""
        self._ended("skipping", result)

    def v2_runner_on_failed(self, result: object, ignore_errors: bool = False) -> None:
        """A task has failed on a host."""
        self._ended("ignored" if ignore_errors else "failed", result)

    def v2_runner_on_unreachable(self, result: object) -> None:
        """A host cannot be reached."""
        self._ended("unreachable", result)

    def v2_runner_retry(self, result: object) -> None:
        """A task is tried again."""
        self._ended("retrying", result)

    def v2_runner_item_on_failed(self, result: object) -> None:
        """One item of a loop has failed."""
        self._ended("item failed", result)

    def v2_playbook_on_no_hosts_matched(self) -> None:
        """A play has no host."""
        self._tell("note", "skipping: no hosts matched")

    def v2_playbook_on_stats(self, stats: object) -> None:
        """The playbook has come to its end, and these hosts have failed."""
        hosts = {host: stats.summarize(host) for host in sorted(stats.processed)}  # type: ignore[attr-defined]
        lines = [
            " ".join([f"{host}:", *(f"{key}={value}" for key, value in one.items())]) for host, one in hosts.items()
        ]
        self._tell("stats", "\n".join(["PLAY RECAP", *lines]))

    def _ended(self, kind: str, result: object) -> None:
        host = result._host.get_name()  # type: ignore[attr-defined]
        found, task = result._result, result._task  # type: ignore[attr-defined]
        hidden = bool(found.get("_ansible_no_log") or getattr(task, "no_log", False))
        told = (
            "the output has been hidden due to the fact that 'no_log: true' was specified" if hidden else _words(found)
        )
        item = "" if hidden else self._item(found)
        bad = kind in ("failed", "ignored", "unreachable", "retrying", "item failed")
        shown = bad or task.action.rpartition(".")[2] == "debug"
        delegated = f" -> {found['_ansible_delegated_vars']['ansible_delegated_host']}" if _delegated(found) else ""
        words = f": {told}" if shown and told else ""
        self._tell(
            kind, f"{kind}: [{host}{delegated}]{item}{words}", task=task.get_name().strip(), host=host, words=told
        )

    def _item(self, found: dict[str, object]) -> str:
        label = self._get_item_label(found)
        return f" (item={str(label)[:200]})" if label is not None else ""

    def _tell(self, kind: str, line: str, **more: str) -> None:
        short = {key: value[:_WORDS] for key, value in more.items()}
        try:
            BRIDGE.ask(op="event", kind=kind, line=line, **short)
        except OSError:
            os._exit(99)  # nobody listens any more: the build has ended


def _delegated(found: dict[str, object]) -> bool:
    told = found.get("_ansible_delegated_vars")
    return isinstance(told, dict) and "ansible_delegated_host" in told


def _words(found: dict[str, object]) -> str:
    """What a result says: its message, and the last line of output that explains it."""
    trace = str(found.get("exception") or "").strip()
    if trace and not found.get("msg"):
        return trace.splitlines()[-1]
    parts = [str(found.get("msg") or "").strip()]
    if parts[0] in ("", "non-zero return code", "MODULE FAILURE"):
        output = str(found.get("stdout") or found.get("module_stdout") or found.get("stderr") or "").strip()
        parts += [f"rc={found['rc']}"] if found.get("rc") is not None else []
        parts += [output.splitlines()[-1]] if output else []
    for name, value in found.items():  # debug: var=
        if not parts[0] and not name.startswith("_") and name not in ("changed", "failed"):
            parts.append(f"{name}={value}")
    return ": ".join(part for part in parts if part)
