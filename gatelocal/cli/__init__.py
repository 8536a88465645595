"""The `gatelocal` command: flags in, exit code out; one file a subcommand, imported when it is asked for."""

from __future__ import annotations

from gatelocal.cli.main import main

__all__ = ["main"]
