"""File names are UTF-8 to git and bytes to the system: here they become UTF-8 to Python; it does no more."""

from __future__ import annotations

import io
import os
import sys


def in_utf8() -> None:
    """Start this program anew where Python takes file names for something else than UTF-8.

    That is so with ``LC_ALL=C PYTHONUTF8=0``, where they could not even be named, and with a locale such as Latin-1,
    where they would be other files'. What is told keeps the locale's encoding, unless that is ASCII.
    """
    if sys.getfilesystemencoding() == "utf-8" or "utf8" in sys._xoptions or not sys.executable:
        return
    environment = {**os.environ, "PYTHONUTF8": "1"}  # a variable, for the programs of ours that are started later
    spoken = getattr(sys.stdout, "encoding", "ascii")
    if "ascii" not in spoken:
        environment.setdefault("PYTHONIOENCODING", f"{spoken}:backslashreplace")
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)  # noqa: S606


def never_refuse() -> None:
    """Let what standard output and standard error have no word for be written with escapes, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")
