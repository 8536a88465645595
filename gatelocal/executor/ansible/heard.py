"""What one playbook has said while it ran: where it is, what has failed, what it hands back; it runs nothing."""

from __future__ import annotations

from collections.abc import Mapping

from gatelocal.executor.ansible.phases import End
from gatelocal.executor.signs import LACKS, Sign, signs
from gatelocal.model.deviation import Deviation

_REFUSED = "refused by the gate"
_WORDS = 500  # characters of a sentence that a person is told


class Heard:
    """:ivar task: the one that was begun last. :ivar returned: what ``zuul_return`` was given, merged."""

    def __init__(self) -> None:
        self.task = ""
        self.returned: dict[str, object] = {}
        self.deviations: list[Deviation] = []
        self._failed: tuple[str, str, str] | None = None
        self._unreachable: tuple[str, str, str] | None = None
        self._error = ""

    def event(self, event: Mapping[str, object]) -> None:
        """Something that the bridge hears."""
        match event.get("op"):
            case "return":
                data = event.get("data")
                merge(self.returned, data if isinstance(data, dict) else {})
            case "deviates":
                self.deviations.append(Deviation(str(event.get("id")), str(event.get("text"))))
            case "event":
                self._event(str(event.get("kind")), event)

    def line(self, text: str) -> None:
        """A line that Ansible itself prints."""
        if text.startswith("ERROR! "):
            self._error = text.removeprefix("ERROR! ").strip()
        elif self._error and not self._error.endswith(".") and text.strip():
            self._error = f"{self._error} {text.strip()}"[:_WORDS]

    def end(self, status: int, path: str) -> tuple[End, str]:
        """How the playbook ended, and one sentence about it. :param status: of its process. :param path: its own.

        The status alone is no verdict: it is the same for a failed task, a bad option and a file that cannot be read.
        """
        if status == 0:
            return End.WELL, ""
        if self._unreachable is not None:
            task, host, words = self._unreachable
            return End.UNREACHABLE, f"{path}: the node {host} was lost at the task {task}: {words}"[:_WORDS]
        if self._failed is not None:
            task, host, words = self._failed
            if Sign.NO_LOOP in signs(words):
                return End.LACKING, f"{path}: {LACKS[Sign.NO_LOOP]}: the task {task}: {words}"[:_WORDS]
            end = End.REFUSED if _REFUSED in words else End.FAILED
            return end, f"{path}: the task {task} failed on {host}: {words}"[:_WORDS]
        words = _short(self._error) or f"ansible-playbook ended with status {status}"
        return End.REFUSED if _REFUSED in words else End.FAILED, f"{path}: {words}"[:_WORDS]

    def _event(self, kind: str, event: Mapping[str, object]) -> None:
        task, words = str(event.get("task", "")), _short(str(event.get("words", "")))
        if kind == "task":
            self.task = task
        elif kind == "failed":
            self._failed = (task, str(event.get("host")), words)
        elif kind == "unreachable":
            self._unreachable = (task, str(event.get("host")), words)


def _short(words: str) -> str:
    """In one line, without Ansible's guess at a place in a file."""
    return " ".join(words.split()).partition(" The error appears to be in ")[0].rstrip(".")


def merge(into: dict[str, object], data: Mapping[str, object]) -> None:
    """Add what is returned: mappings are merged, all else is replaced."""
    for key, value in data.items():
        old = into.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            merge(old, value)
        else:
            into[key] = value
