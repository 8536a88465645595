"""The one sentence in which a program says why it failed, found among its lines; what no line says is not made up."""

from __future__ import annotations

import re

_Says = tuple[tuple[re.Pattern[str], str], ...]


def _compiled(*pairs: tuple[str, str]) -> _Says:
    return tuple((re.compile(pattern), sentence) for pattern, sentence in pairs)


_SAYS = _compiled(
    # stestr, testrepository
    (r"The specified regex doesn't match with anything", "the regex matches no test"),
    (r"No config file found and --test-path not specified", "stestr finds no configuration file"),
    (r"Non-zero exit code \(\d+\) from test listing", "the tests could not be listed"),
    # pytest and its plugins
    (r"ERROR: (file or directory not found: .*)", r"\1"),
    (r"ERROR: (not found: .*)", r"\1"),
    (r"ERROR: (found no collectors for .*)", r"\1"),
    (r"(ImportError while loading conftest .*)", r"\1"),
    (r"(?:FAIL |ERROR: )?(Required test coverage of .*)", r"\1"),
    (r"(?:ERROR: )?(Coverage failure: .*)", r"\1"),
    # argparse, optparse, click
    (r"(?:\S*/)?([\w.-]+: error: .*)", r"\1"),
    (r"(Error: No such (?:option|command).*)", r"\1"),
    # tox
    (r"\S+: failed with (\S+ is not allowed, use allowlist_externals to allow it)", r"\1"),
    # the shell
    (r"(?:/bin/|/usr/bin/)?(?:ba|da)?sh: (?:line )?(?:\d+: )?(\S+: (?:command )?not found)", r"\1"),
)
_SAYS_LAST = _compiled(
    (r"No tests were successful during the run", "no test was successful"),
    (r"(?:=+ )?no tests ran in ", "pytest ran no test"),
    (r"(?:=+ )?\d+ deselected(?:, \d+ warnings?)? in ", "pytest ran no test: all are deselected"),
    (r"NO TESTS RAN", "unittest ran no test"),
)
"""What programs say at their end anyway: it counts when they have said nothing better before."""
_ANY = re.compile("|".join(pattern.pattern for pattern, _ in (*_SAYS, *_SAYS_LAST)))
_DISCOVERY = "Failures during discovery"
_MODULE = re.compile(r"(?:ImportError: )?Failed to import test module: (\S+)")
_RAISED = re.compile(r"(?:[A-Za-z_][\w.]*\.)?[A-Z]\w*(?:Error|Exception|Exit|Interrupt)\b(?::.*)?$")


class Sentences:
    """Reads one command's lines. :ivar found: the sentence; empty as long as there is none."""

    def __init__(self) -> None:
        self.found = ""
        self._modules: list[str] | None = None
        self._reasons: list[str] = []

    def line(self, text: str) -> None:
        """One line of the output; of several sentences the last counts; nothing tops tests that cannot be loaded."""
        if text.startswith(_DISCOVERY):
            self._modules = []
        if self._modules is None:
            self._usual(text)
            return
        if module := _MODULE.match(text):
            self._modules.append(module[1])
        elif _RAISED.match(text):
            self._reasons.append(text)
        if self._modules or self._reasons:
            modules = ", ".join(dict.fromkeys(self._modules[:5]))
            self.found = "import errors: " + ": ".join(part for part in (modules, *self._reasons[-1:]) if part)

    def _usual(self, text: str) -> None:
        text = text.strip()
        if not _ANY.match(text):
            return
        for pattern, sentence in _SAYS if self.found else (*_SAYS, *_SAYS_LAST):
            if found := pattern.match(text):
                self.found = found.expand(sentence)[:500]
                return
