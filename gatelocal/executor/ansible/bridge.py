"""The process that runs a build, as its playbooks' process knows it: programs, files and events come by a socket.

It knows nodes and files of its own folder; what is said to it comes from a process that runs other people's playbooks.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextvars import copy_context
from pathlib import Path

from gatelocal.errors import InfrastructureError
from gatelocal.ports import Node, Say
from gatelocal.stopping import Stop, Stopped, stoppable

NAME, STAGE = "bridge", "stage"
LIVE = "\x1egatelocal "
"""Before a line of a command's output that is told as it comes, in a module's output; see ``inside/library``."""
_LONGEST = 64 << 20  # bytes of one line of a module's output, or of a question
_MOST = 256 << 20  # bytes of a program's output
_PATIENCE = 20.0

Event = Mapping[str, object]


class Bridge:
    """Open as long as a playbook runs.

    :param folder: an empty folder of its own; ``bridge`` in it is the socket, ``stage`` is for files on their way.
    :param nodes: by all that they are called; where there is one, it is meant whatever it is called.
    :param live: receives each line of a command's output as it comes.
    :param heard: receives what else is said: events, and what ``zuul_return`` hands back.
    """

    def __init__(self, folder: Path, nodes: Mapping[str, Node], live: Say, heard: Callable[[Event], None]) -> None:
        self._folder = folder
        self._nodes = nodes
        self._alone = len({id(node) for node in nodes.values()}) == 1
        self._live = live
        self._heard = heard
        self._stop = Stop()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._server = socket.socket(socket.AF_UNIX)

    def __enter__(self) -> Bridge:
        (self._folder / STAGE).mkdir(mode=0o700)
        with short_path(self._folder) as short:
            self._server.bind(f"{short}/{NAME}")
        self._server.listen(64)
        self._begin(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.ask()
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for thread in self._threads:
            thread.join(_PATIENCE)

    def _begin(self, target: Callable[..., None], *args: object) -> None:
        context = copy_context()
        thread = threading.Thread(target=context.run, args=(target, *args), name="bridge", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                link, _ = self._server.accept()
            except OSError:
                return
            self._begin(self._serve, link)

    def _serve(self, link: socket.socket) -> None:
        ending = self._stop.ending(lambda: _end(link))
        with link, contextlib.suppress(OSError, Stopped), ending, stoppable(self._stop), link.makefile("rb") as asked:
            for line in asked:
                link.sendall(f"{json.dumps(self._answer(line))}\n".encode())

    def _answer(self, line: bytes) -> Mapping[str, object]:
        try:
            asked = json.loads(line)
            match asked["op"]:
                case "run":
                    return self._run(self._node(asked), str(asked["command"]))
                case "put":
                    return self._put(self._node(asked), self._staged(asked), str(asked["path"]))
                case "get":
                    return self._get(self._node(asked), self._staged(asked), str(asked["path"]))
                case _:
                    with self._lock:
                        self._heard(asked)
                    return {}
        except InfrastructureError as error:
            return {"lost": f"{error.brief}{f': {error.details}' if error.details else ''}"[:2000]}
        except (OSError, ValueError, KeyError, TypeError) as error:
            return {"error": f"{type(error).__name__}: {error}"}

    def _staged(self, asked: Mapping[str, object]) -> Path:
        name = str(asked["folder"])
        if not name or "/" in name or name in (".", ".."):
            raise ValueError(f"no folder of the stage: {name}")
        return self._folder / STAGE / name

    def _node(self, asked: Mapping[str, object]) -> Node:
        if self._alone:
            return next(iter(self._nodes.values()))
        found = self._nodes.get(str(asked.get("host")))
        if found is None:
            raise ValueError(f"{asked.get('host')} is no node of the job")
        return found

    def _run(self, node: Node, command: str) -> Mapping[str, object]:
        lines: list[str] = []
        size = 0

        def hear(line: str) -> None:
            nonlocal size
            if line.startswith(LIVE):
                with self._lock:
                    self._live(line.removeprefix(LIVE))
                return
            size += len(line) + 1
            if size <= _MOST:
                lines.append(line)

        status = node.run(("sh", "-c", command), on_line=hear, longest=_LONGEST)
        return {"status": status, "output": "".join(f"{line}\n" for line in lines)}

    def _put(self, node: Node, folder: Path, path: str) -> Mapping[str, object]:
        place = f"{node.home.rstrip('/')}/.gatelocal-{secrets.token_hex(6)}"
        try:
            node.put(folder, place)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        words: list[str] = []
        script = 'mv -f -- "$1/file" "$2"; s=$?; rmdir -- "$1"; exit $s'
        if node.run(("sh", "-c", script, "sh", place, path), on_line=words.append) != 0:
            return {"error": f"{path} cannot be written on the node: {' '.join(words)[:500]}"}
        return {}

    def _get(self, node: Node, folder: Path, path: str) -> Mapping[str, object]:
        folder.mkdir(exist_ok=True)
        if not node.get(path, folder):
            return {"error": f"there is no {path} on the node"}
        return {}


def _end(link: socket.socket) -> None:
    with contextlib.suppress(OSError):
        link.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def short_path(folder: Path) -> Iterator[str]:
    """Another path of the folder, of a length that a socket's may have."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{handle}"
    finally:
        os.close(handle)
