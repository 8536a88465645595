"""`python -m tests.upstream [PART-OF-A-NAME]`: upstream's functional tests on a private Gerrit; 0 when all pass."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from gatelocal.cli.sandbox import places
from gatelocal.sandbox.share import shared
from gatelocal.sandbox.versions import DEFAULT
from tests.upstream.harness import run


def main() -> int:
    """Run them and tell what failed."""
    version = os.environ.get("GATELOCAL_GERRIT_VERSION", DEFAULT)
    program = os.environ.get("UPSTREAM_PROGRAM")
    with (
        tempfile.TemporaryDirectory() as folder,
        shared(version, Path(folder) / "gerrit", places(os.environ)) as server,
    ):
        began = time.monotonic()
        report = run(server, only="".join(sys.argv[1:2]), program=Path(program) if program else None)
    for name, words in report.failed.items():
        sys.stdout.write(f"== {name}\n{words}\n")
    sys.stdout.write(f"Gerrit {version}: {report.line} in {time.monotonic() - began:.0f} s\n")
    return 1 if report.failed else 0


sys.exit(main())
