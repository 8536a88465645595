"""Runs some of upstream's functional tests in a process of its own and writes a line of JSON for each.

`python child.py UPSTREAM list`, or `python child.py UPSTREAM TEST...`; UPSTREAM is the unpacked source archive.
"""

from __future__ import annotations

import json
import sys
import unittest
from pathlib import Path
from typing import Any


def tests(suite: Any) -> dict[str, Any]:
    """All tests of a suite by their ids."""
    if not hasattr(suite, "__iter__"):
        return {suite.id(): suite}
    return {name: test for part in suite for name, test in tests(part).items()}


def told(*, test: Any, status: str, start_time: Any, stop_time: Any, details: Any, **_: Any) -> None:
    """One test's end, as a line on standard output."""
    words = {name: content.as_text()[-6000:] for name, content in (details or {}).items()}
    seconds = (stop_time - start_time).total_seconds()
    line = {"test": test.id().rpartition("test_git_review.")[2], "status": status, "seconds": seconds, "details": words}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Load upstream's tests, and list or run them."""
    upstream, *wanted = sys.argv[1:]
    sys.path[:0] = [upstream]
    import fitted
    import testtools
    from git_review.tests import test_git_review

    from git_review import tests as helper

    fitted.fit(helper.GerritHelpers, helper.BaseGitReviewTestCase)
    found = tests(unittest.defaultTestLoader.loadTestsFromModule(test_git_review))
    if wanted == ["list"]:
        sys.stdout.write(json.dumps(sorted(found)))
        return
    fitted.keys(Path.cwd())
    result = testtools.TestByTestResult(told)
    for name in wanted:
        found[name].run(result)


main()
