"""Whether a node that stands ready for a job can take other trees in; it looks at names of files alone.

What comes before a job's tests is made from some files: those that say what is installed, and scripts. Where one of
these differs, what an earlier tree has left on the node might be what a test stands on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_MADE_FROM = re.compile(
    r"(?:^|/)(?:[^/]*(?:requirements|constraints|requires)[^/]*\.(?:txt|in|toml|yaml|yml|lock|cfg)"
    r"|setup\.(?:cfg|py)|pyproject\.toml|tox\.(?:ini|toml)|noxfile\.py|MANIFEST\.in|environment\.ya?ml|Pipfile"
    r"|package(?:-lock)?\.json|go\.(?:mod|sum)|Cargo\.toml|Gemfile|GNUmakefile|[Mm]akefile|CMakeLists\.txt"
    r"|Dockerfile[^/]*|bindep\.txt|other-requirements\.txt|\.gitmodules|\.?zuul\.yaml|\.?gatelocal\.ya?ml"
    r"|[^/]*\.(?:sh|bash|lock|mk|pyx|c|h|cc|cpp|rs))$"
    r"|^(?:tools|ci|\.ci|scripts|bin|playbooks|roles|\.?zuul\.d|\.gatelocal|requirements)/"
)


def why_not(changed: Iterable[str]) -> str:
    """The first of the files that differ which the preparation may be made from; empty where none is."""
    return next((path for path in sorted(changed) if _MADE_FROM.search(path)), "")
