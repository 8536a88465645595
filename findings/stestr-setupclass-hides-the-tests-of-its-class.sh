#!/usr/bin/env bash
# stestr 4.2.1: when setUpClass fails, the tests of the class are in no count; one entry stands for all of them.
#
# Of four listed tests one passes, and three belong to a class whose setUpClass raises: the summary says "Ran: 2",
# "Passed: 1", "Failed: 1", and the one failing id is `setUpClass (tests.test_it.Broken)`, which is the name of no test
# and which no selection accepts. (Exit status 1: the failure itself is told.)
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
cat > tests/test_it.py <<'EOF'
import unittest


class Broken(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        raise RuntimeError("no server")

    def test_one(self):
        pass

    def test_two(self):
        pass

    def test_three(self):
        pass


class Good(unittest.TestCase):
    def test_it(self):
        pass
EOF
stestr init
listed=$(stestr list | grep -c '^tests\.')
status=0
stestr run --serial > run.txt 2>&1 || status=$?
cat run.txt
echo "listed: $listed, exit status: $status"
stestr failing --list > failing.txt 2>&1 || true
cat failing.txt
[ "$listed" = 4 ] && [ "$status" = 1 ]
grep -q '^Ran: 2 tests' run.txt && grep -q 'Passed: 1$' run.txt && grep -q 'Failed: 1$' run.txt
grep -qx 'setUpClass (tests.test_it.Broken)' failing.txt && ! grep -q test_one failing.txt
