"""The connection to all that is no node of the job: it leads nowhere; to this machine, files may be copied."""

from __future__ import annotations

import shutil

from ansible.errors import AnsibleError
from ansible.plugins.connection import ConnectionBase

DOCUMENTATION = """
name: gatelocal_refused
short_description: no node of the build
description: Whatever is done over it fails.
author: The gatelocal authors
options: {}
"""


class Connection(ConnectionBase):  # type: ignore[misc]
    """Tasks that need no connection (``debug``, ``set_fact``, ``zuul_return``) may have it.

    :ivar asked: the connection that was asked for. :ivar tell: is told what is refused.
    """

    transport = "gatelocal_refused"
    asked = ""
    tell = staticmethod(lambda why: None)

    def _connect(self) -> Connection:
        return self

    def exec_command(self, *_: object, **__: object) -> None:
        """:raises AnsibleError: always."""
        self._refuse("run a program")

    def put_file(self, in_path: str, out_path: str) -> None:
        """Copy a file on this machine, as far as the guard allows. :raises AnsibleError: it is another one."""
        if self.asked != "local":
            self._refuse("write a file")
        shutil.copyfile(in_path, out_path)

    def fetch_file(self, in_path: str, out_path: str) -> None:
        """As :meth:`put_file`."""
        if self.asked != "local":
            self._refuse("read a file")
        shutil.copyfile(in_path, out_path)

    def close(self) -> None:
        """There is nothing to close."""

    def _refuse(self, what: str) -> None:
        host = self._play_context.remote_addr
        where = "on this machine" if self.asked == "local" else f"on {host}, which is no node of the job"
        why = f"it would {what} {where} (connection {self.asked})"
        self.tell(why)
        raise AnsibleError(f"refused by the gate: {why}")
