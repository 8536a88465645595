"""git-review 2.5.0's source archive, taken from PyPI through pip, unpacked and fitted to a server that runs already.

Its test files stay as they are. Only its helper (git_review/tests/__init__.py) is told to ask `fitted.py` for what a
server of its own would have given it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path

VERSION = "2.5.0"
NAME = f"git_review-{VERSION}"

_FITTED = (
    ("from git_review.hooks import COMMIT_MSG", "import fitted\nfrom git_review.hooks import COMMIT_MSG"),
    (
        "'ssh://admin@%s:%s/test/test_project.git' % (",
        "fitted.own(self, 'ssh://admin@%s:%s/test/test_project.git') % (",
    ),
    (
        "'http://admin:secret@%s:%s/test/test_project.git' % (",
        "fitted.own(self, 'http://admin:secret@%s:%s/test/test_project.git') % (",
    ),
    ("cfg %= ", "cfg = fitted.own(self, cfg)\n        cfg %= "),
    ("HTTPBasicAuth('admin', 'secret')", "HTTPBasicAuth('admin', fitted.PASSWORD)"),
    ("'admin:secret')", "'admin:' + fitted.PASSWORD)"),
)


def archive(folder: Path) -> Path:
    """The source archive: the file that GIT_REVIEW_SDIST names, or what pip brings."""
    given = os.environ.get("GIT_REVIEW_SDIST")
    if given:
        return Path(given)
    words = ["download", "-q", "--no-deps", "--no-binary", "git-review", "-d", str(folder), f"git-review=={VERSION}"]
    subprocess.run([sys.executable, "-m", "pip", *words], check=True)
    return folder / f"{NAME}.tar.gz"


def unpack(file: Path, folder: Path) -> Path:
    """Upstream's package in `folder`, its helper fitted; gives the folder for the test process's path."""
    with tarfile.open(file) as tar:
        # The filter came with Python 3.11.4; Debian 12 has 3.11.2.
        safe = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        tar.extractall(folder, **safe)  # noqa: S202 - a pinned release, fetched and checked by pip
    helper = folder / NAME / "git_review" / "tests" / "__init__.py"
    text = helper.read_text()
    for old, new in _FITTED:
        assert old in text, f"{helper} has no {old!r}: is it {VERSION}?"
        text = text.replace(old, new)
    helper.write_text(text)
    return folder / NAME
