"""The wordings of tools, each as the tool printed it, and what a whole output comes to.

Printed by pip 23.2, setuptools 65.5, setuptools-rust 1.13, gcc 12.2, ld 2.40, make 4.3, bash 5.2, dash, meson 1.12,
cmake 3.25, scikit-build-core 1.1, pkgconf 1.8, cargo 1.95, uv 0.13, git 2.39, curl 7.88, apt 2.6, Node 20, tox 4.67,
psycopg2, mysqlclient, python-ldap, lxml 6.1 and pycurl here; by tox 3, maturin, clang, autoconf, apt without room, and
where there is a quota or no name server, elsewhere.
"""

from __future__ import annotations

import re
import time

import pytest

from gatelocal.executor.heard import Heard
from gatelocal.executor.signs import TABLE, Sign, signs

RETRY = (
    "WARNING: Retrying (Retry(total={}, connect=None, read=None, redirect=None, status=None)) after connection broken"
    " by 'NewConnectionError('<pip._vendor.urllib3.connection.HTTPConnection object at 0x7f89fe6d7890>: Failed to"
    " establish a new connection: [Errno {}')': /simple/six/"
)
REFUSED, UNKNOWN = "111] Connection refused", "-2] Name or service not known"

SAMPLES = [
    (Sign.NO_ENVIRONMENT, "ROOT: HandledError| provided environments not found in configuration file:"),
    (Sign.NO_ENVIRONMENT, "ERROR: unknown environment 'nowhere'"),
    (Sign.NO_INTERPRETER, "py27: failed with could not find python interpreter matching any of the specs py27"),
    (Sign.NO_INTERPRETER, "ERROR: InterpreterNotFound: python3.99"),
    (Sign.NO_SPACE, "OSError: [Errno 28] No space left on device"),
    (Sign.NO_SPACE, "/tmp/ccrzKdrh.s: Fatal error: can't write 3720 bytes to section .data: 'No space left on device'"),
    (Sign.NO_SPACE, "cp: error writing 'tiny/big.c': Disk quota exceeded"),
    (Sign.NO_SPACE, "E: You don't have enough free space in /var/cache/apt/archives/."),
    (Sign.NO_HOST, "socket.gaierror: [Errno -3] Temporary failure in name resolution"),
    (Sign.NO_HOST, "urllib.error.URLError: <urlopen error [Errno -2] Name or service not known>"),
    (Sign.NO_HOST, "  failed to resolve address for index.invalid: Name or service not known; class=Net (12)"),
    (Sign.NO_HOST, RETRY.format(0, UNKNOWN)),
    (Sign.NO_HOST, "curl: (6) Could not resolve host: index.invalid"),
    (Sign.NO_HOST, "fatal: unable to access 'https://index.invalid/x/': Could not resolve host: index.invalid"),
    (Sign.NO_HOST, "  Could not resolve 'index.invalid'"),
    (Sign.NO_HOST, "  Temporary failure resolving 'deb.debian.org'"),
    (Sign.NO_HOST, "  cause: failed to lookup address information: Name or service not known"),
    (Sign.NO_HOST, "Error: getaddrinfo ENOTFOUND index.invalid"),
    (Sign.NO_NETWORK, RETRY.format(0, REFUSED)),
    (
        Sign.NO_NETWORK,
        "pip._vendor.requests.exceptions.RetryError: HTTPConnectionPool(host='127.0.0.1', port=80): Max retries"
        " exceeded with url: /six-1.0.tar.gz (Caused by ResponseError('too many 503 error responses'))",
    ),
    (Sign.NO_NETWORK, "ReadTimeoutError: HTTPSConnectionPool(host='pypi.org', port=443): Read timed out."),
    (Sign.NO_NETWORK, "curl: (7) Failed to connect to 127.0.0.1 port 9 after 0 ms: Couldn't connect to server"),
    (Sign.NO_NETWORK, "fatal: unable to access 'http://127.0.0.1/x/': The requested URL returned error: 503"),
    (Sign.NO_NETWORK, "  Could not connect to 127.0.0.1:9 (127.0.0.1). - connect (111: Connection refused)"),
    (Sign.NO_NETWORK, "E: Failed to fetch http://127.0.0.1/pool/x.deb  404  Not Found [IP: 127.0.0.1 80]"),
    (Sign.NO_NETWORK, "  cause: client error (Connect)"),
    (Sign.NO_NETWORK, "  cause: HTTP status server error (503 Service Unavailable) for url (http://127.0.0.1/six/)"),
    (Sign.NO_NETWORK, "  cause: HTTP status client error (429 Too Many Requests) for url (http://127.0.0.1/six/)"),
    (Sign.NO_NETWORK, "ERROR: HTTP error 503 while getting http://127.0.0.1/six-1.0.tar.gz"),
    (Sign.NO_NETWORK, "requests.exceptions.HTTPError: 502 Server Error: Bad Gateway for url: http://127.0.0.1/"),
    (
        Sign.NO_NETWORK,
        "Could not fetch URL https://127.0.0.1:18998/simple/six/: There was a problem confirming the ssl certificate: ",
    ),
    (Sign.NO_NETWORK, "OSError: [Errno 101] Network is unreachable"),
    (Sign.NO_COMPILER, "      error: command 'gcc' failed: No such file or directory"),
    (Sign.NO_COMPILER, "error: command 'x86_64-linux-gnu-gcc' failed: No such file or directory"),
    (Sign.NO_COMPILER, "      error: [Errno 2] No such file or directory: 'gcc'"),
    (Sign.NO_COMPILER, "/bin/bash: line 1: gcc: command not found"),
    (Sign.NO_COMPILER, "sh: 1: gcc: not found"),
    (Sign.NO_COMPILER, "make: cc: No such file or directory"),
    (Sign.NO_COMPILER, "../meson.build:1:0: ERROR: Unknown compiler(s): [['cc'], ['gcc'], ['clang'], ['nvc']]"),
    (Sign.NO_COMPILER, "  No CMAKE_C_COMPILER could be found."),
    (Sign.NO_COMPILER, "configure: error: no acceptable C compiler found in $PATH"),
    (Sign.NO_RUST, "      error: can't find Rust compiler"),
    (Sign.NO_RUST, "Cargo, the Rust package manager, is not installed or is not on PATH."),
    (Sign.NO_RUST, "error: rustc 1.95.0 is not supported by the following package:"),
    (Sign.NO_RUST, "error: rustup could not choose a version of cargo to run, because one wasn't specified explicitly"),
    (Sign.NO_HEADER, "      Modules/common.h:15:10: fatal error: lber.h: No such file or directory"),
    (Sign.NO_HEADER, "a.c:1:10: fatal error: Python.h: No such file or directory"),
    (Sign.NO_HEADER, "a.c:2:10: fatal error: 'openssl/ssl.h' file not found"),
    (Sign.NO_LIBRARY, "      /usr/bin/ld: cannot find -lnope: No such file or directory"),
    (
        Sign.NO_LIBRARY,
        "./uf: error while loading shared libraries: libf.so: cannot open shared object file: No such file",
    ),
    (Sign.NO_LIBRARY, "OSError: libnope.so.5: cannot open shared object file: No such file or directory"),
    (Sign.NO_LIBRARY, "Package nope was not found in the pkg-config search path."),
    (Sign.NO_LIBRARY, "Package 'nope', required by 'virtual:world', not found"),
    (Sign.NO_LIBRARY, '../meson.build:2:0: ERROR: Dependency "nope-lib" not found (tried pkg-config and cmake)'),
    (Sign.NO_LIBRARY, '  Could not find a package configuration file provided by "ZLIBX" with any of'),
    (Sign.NO_LIBRARY, "Error: Please make sure the libxml2 and libxslt development packages are installed."),
    (Sign.NO_PROGRAM, "      Error: pg_config executable not found."),
    (Sign.NO_PROGRAM, "      Exception: Can not find valid pkg-config name."),
    (
        Sign.NO_PROGRAM,
        "ConfigurationError: Could not run curl-config: [Errno 2] No such file or directory: 'curl-config'",
    ),
    (Sign.NO_PROGRAM, "error: command 'swig' failed: No such file or directory"),
    (Sign.NO_PROGRAM, "/bin/sh: 1: pkg-config: not found"),
    (Sign.NO_PROGRAM, "ERROR: Cannot find command 'git' - do you have 'git' installed and in your PATH?"),
    (Sign.NO_PROGRAM, "scikit_build_core.errors.CMakeNotFoundError: Could not find CMake with version >=3.15"),
    (Sign.NO_MEMORY, "gcc: fatal error: Killed signal terminated program cc1"),
    (Sign.NO_LOOP, "mount: /mnt: failed to setup loop device for /img."),
    (Sign.NO_LOOP, "losetup: /img: failed to set up loop device: No such file or directory"),
    (Sign.NO_LOOP, "losetup: cannot find an unused loop device"),
    (Sign.NO_MEMORY, "virtual memory exhausted: Cannot allocate memory"),
    (Sign.UNSATISFIABLE, "ERROR: ResolutionImpossible: for help visit https://pip.pypa.io/en/latest/topics/..."),
    (Sign.UNSATISFIABLE, "ERROR: No matching distribution found for gatelocal-no-such-package"),
    (Sign.UNSATISFIABLE, "ERROR: Package 'pyreq' requires a different Python: 3.11.7 not in '>=3.99'"),
    (Sign.UNSATISFIABLE, "ERROR: Invalid requirement: 'six=1.0'"),
    (Sign.UNSATISFIABLE, "ERROR: Could not open requirements file: [Errno 2] No such file or directory: 'nothing.txt'"),
    (Sign.UNSATISFIABLE, "error: No solution found when resolving dependencies"),
    (
        Sign.NOTHING_OFFERED,
        "ERROR: Could not find a version that satisfies the requirement no-such-package (from versions: none)",
    ),
    (Sign.STARTED, "py3: commands[0]> nonesuch x"),
    (Sign.STARTED, "py3 run-test: commands[0] | stestr run"),
    (Sign.ERROR, "fatal: repository '/srv/mirror' does not exist"),
    (Sign.ERROR, "  ModuleNotFoundError: No module named 'puccinialin'"),
    (Sign.ERROR, "a.c:3:1: error: expected ';' before '}' token"),
]


@pytest.mark.parametrize(("sign", "line"), SAMPLES)
def test_a_tools_words_are_understood(sign: Sign, line: str) -> None:
    assert sign in signs(line)


@pytest.mark.parametrize(("sign", "pattern"), TABLE)
def test_each_pattern_has_a_tools_words(sign: Sign, pattern: str) -> None:
    assert any(re.search(pattern, line.strip()) for known, line in SAMPLES if known is sign)


@pytest.mark.parametrize(
    "line",
    [
        RETRY.format(4, REFUSED),
        "  error: subprocess-exited-with-error",
        "error: metadata-generation-failed",
        "  ERROR: Failed building wheel for cext",
        "Running `cc --version` gave \"[Errno 2] No such file or directory: 'ccache'\"",
        "checking for gcc... gcc",
        "  gcc -Wsign-compare -DNDEBUG -g -fwrapv -O3 -Wall -fPIC -c a.c -o a.o",
        "Run-time dependency nope-lib found: NO  (tried pkg-config and cmake)",
        "HTTP error 404 while getting http://127.0.0.1/",
        "py3: commands_pre[0]> python -m pip install -r more.txt",
        "py3 run-test-pre: commands[0] | pip install -r more.txt",
        "py3: install_deps> python -I -m pip install stestr",
    ],
)
def test_what_a_tool_says_on_its_way_means_nothing(line: str) -> None:
    assert signs(line) == ()


def test_the_first_lack_is_told_and_the_last_errors() -> None:
    heard = Heard()
    for line in (
        "      \x1b[31merror: command 'gcc' failed: No such file or directory\x1b[0m",
        "      error: [Errno 2] No such file or directory: 'gcc'",
        "note: This error originates from a subprocess, and is likely not a problem with pip.",
        "ERROR: one",
        "ERROR: two",
        "ERROR: two",
        "ERROR: three",
        "",
        "hint: See above for details.",
    ):
        heard.line(line)
    assert heard.seen[Sign.NO_COMPILER] == "error: command 'gcc' failed: No such file or directory"
    assert heard.last_words == "ERROR: one / ERROR: two / ERROR: three"


def test_without_an_error_the_last_lines_are_told() -> None:
    heard = Heard()
    for number in range(5):
        heard.line(f"line {number}")
    assert heard.last_words == "line 2 / line 3 / line 4"


def test_a_very_long_line_is_looked_at_in_no_time() -> None:
    heard = Heard()
    began = time.process_time()
    for words in ("Failed to connect to ", "ld: cannot find ", "Package '", "fatal error: a", "x" * 20, "E: " * 7):
        heard.line(words * 5_000)
    assert time.process_time() - began < 3
