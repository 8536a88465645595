#!/usr/bin/env bash
# stestr 4.2.1: a worker process that ends between two tests takes the rest of its tests with it, and the run is a success.
#
# A class whose setUpClass ends the process (as the kernel does when memory runs out) leaves exit status 0, "Passed: 1",
# "Failed: 0"; `stestr list` names three tests. What ran has to be compared with what was listed.
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
import os, unittest


class First(unittest.TestCase):
    def test_one(self):
        pass


class Second(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        os._exit(0)

    def test_two(self):
        pass

    def test_three(self):
        pass
EOF
stestr init
listed=$(stestr list | grep -c '^tests\.')
status=0
stestr run --serial > run.txt 2>&1 || status=$?
cat run.txt
echo "listed: $listed, exit status: $status"
[ "$listed" = 3 ] && [ "$status" = 0 ] && grep -q 'Passed: 1$' run.txt && grep -q 'Failed: 0$' run.txt
