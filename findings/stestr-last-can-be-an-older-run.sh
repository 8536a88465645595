#!/usr/bin/env bash
# stestr 4.2.1: `stestr last` after a run that failed can be an older run, with nothing that says so.
#
# A run whose modules cannot be imported (exit status not 0) stores no result: `stestr last` then shows the run before it,
# with "Passed: 1" and exit status 0. Whoever reads results with `stestr last` has to know that they are of this run.
set -euo pipefail
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
python3 -m venv "$T/venv"
"$T/venv/bin/pip" install --quiet --disable-pip-version-check stestr==4.2.1 python-subunit==1.4.6 testtools==2.9.1
PATH=$T/venv/bin:$PATH
mkdir -p "$T/p/tests"
cd "$T/p"
touch tests/__init__.py
printf '[DEFAULT]\ntest_path=./tests\n' > .stestr.conf
printf 'import unittest\n\n\nclass It(unittest.TestCase):\n    def test_it(self):\n        pass\n' > tests/test_it.py
stestr run > first.txt 2>&1
printf 'import no_such_module\n' > tests/test_it.py
second=0
stestr run > second.txt 2>&1 || second=$?
last=0
stestr last > last.txt 2>&1 || last=$?
cat last.txt
echo "the second run: $second; last: $last"
[ "$second" != 0 ] && [ "$last" = 0 ] && grep -q 'Passed: 1$' last.txt && grep -q 'test_it.It.test_it' last.txt
