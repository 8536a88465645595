"""The connection to the job's node: programs and files go by the process that runs the build, whatever the node is."""

from __future__ import annotations

import os
import shutil
import tempfile

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.connection import ConnectionBase
from bridge import BRIDGE

DOCUMENTATION = """
name: gatelocal
short_description: the node of a build
description: The node of a build, as the gate reaches it.
author: The gatelocal authors
options: {}
"""


class Connection(ConnectionBase):  # type: ignore[misc]
    """See :class:`gatelocal.executor.ansible.bridge.Bridge`, which answers."""

    transport = "gatelocal"
    has_pipelining = False

    def _connect(self) -> Connection:
        self._connected = True
        return self

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        """Run a command line by a shell of the node; both streams come as one."""
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        if in_data:
            raise AnsibleError("this connection gives programs no input")
        answer = self._ask(op="run", host=self._play_context.remote_addr, command=cmd)
        return int(str(answer["status"])), str(answer["output"]).encode("utf-8", "surrogateescape"), b""

    def put_file(self, in_path: str, out_path: str) -> None:
        """Copy a file to the node."""
        super().put_file(in_path, out_path)
        folder = tempfile.mkdtemp(dir=os.environ["BUILD_STAGE"])
        shutil.copyfile(in_path, os.path.join(folder, "file"))
        self.put_tree(folder, out_path)

    def fetch_file(self, in_path: str, out_path: str) -> None:
        """Copy a file from the node."""
        super().fetch_file(in_path, out_path)
        folder = tempfile.mkdtemp(dir=os.environ["BUILD_STAGE"])
        self.get_tree(in_path, folder)
        shutil.copyfile(os.path.join(folder, os.path.basename(in_path)), out_path)

    def put_tree(self, folder: str, out_path: str) -> None:
        """Move a folder of the stage, with ``file`` in it, to the node: that is `out_path` there."""
        self._ask(op="put", host=self._play_context.remote_addr, folder=os.path.basename(folder), path=out_path)

    def get_tree(self, in_path: str, folder: str) -> None:
        """Copy a file or folder of the node into a folder of the stage."""
        self._ask(op="get", host=self._play_context.remote_addr, folder=os.path.basename(folder), path=in_path)

    def close(self) -> None:
        """Nothing is kept open."""
        self._connected = False

    def _ask(self, **what: object) -> dict[str, object]:
        try:
            answer: dict[str, object] = BRIDGE.ask(**what)
        except OSError as error:
            raise AnsibleConnectionFailure(f"the build has ended: {error}") from error
        if "lost" in answer:
            raise AnsibleConnectionFailure(str(answer["lost"]))
        if "error" in answer:
            raise AnsibleError(str(answer["error"]))
        return answer
