"""What lines of a build's output mean: the tools' own wordings, as a table; whose fault it is, is decided elsewhere.

Each pattern is kept to what a tool prints when it gives up, not to what it tries on the way.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum

_READ = 2000  # characters of a line: tools say what they have to say at once


class Sign(Enum):
    """What a line of output can mean; those that something is missing on the node are in :data:`LACKS`."""

    NO_ENVIRONMENT = "no environment"
    NO_INTERPRETER = "no interpreter"
    NO_SPACE = "no space"
    NO_HOST = "no host name"
    NO_NETWORK = "no network"
    NO_RUST = "no Rust compiler"
    NO_COMPILER = "no compiler"
    NO_HEADER = "no header"
    NO_LIBRARY = "no library"
    NO_PROGRAM = "no program"
    NO_MEMORY = "no memory"
    NO_LOOP = "no loop device"
    UNSATISFIABLE = "unsatisfiable"
    NOTHING_OFFERED = "nothing offered"
    STARTED = "started"
    ERROR = "error"


LACKS: Mapping[Sign, str] = {
    Sign.NO_HOST: "a host name could not be resolved, which says nothing about the change",
    Sign.NO_NETWORK: "what the job needs could not be downloaded, which says nothing about the change",
    Sign.NO_RUST: "the node has no Rust compiler that will do",
    Sign.NO_COMPILER: "the node has no compiler",
    Sign.NO_PROGRAM: "the node lacks a program that a package needs to be built",
    Sign.NO_HEADER: "the node lacks a header file",
    Sign.NO_LIBRARY: "the node lacks a library",
    Sign.NO_MEMORY: "the node's memory is too small",
    Sign.NO_LOOP: "a container has no loop devices; a machine has them (--node qemu)",
}
"""What a node can lack, in the order in which it explains the rest, each with a sentence."""

_CC = r"(?:[\w.-]*-)?(?:gcc|g\+\+|cc|c\+\+|clang|clang\+\+|gfortran)(?:-\d+)?"
_ASKED = r"(?:pg_config|mysql_config|mariadb_config|pkg-config|(?:krb5|xml2|xslt|curl|pcap|llvm|gdal|sdl2?|icu)-config)"
_TOOL = rf"(?:swig|make|cmake|ninja|meson|bison|flex|nasm|git|patchelf|{_ASKED})"

TABLE: tuple[tuple[Sign, str], ...] = (
    # tox 4; tox 3
    (Sign.NO_ENVIRONMENT, r"provided environments not found in configuration file"),
    (Sign.NO_ENVIRONMENT, r"ERROR: unknown environment"),
    (Sign.NO_INTERPRETER, r"could not find python interpreter"),
    (Sign.NO_INTERPRETER, r"InterpreterNotFound"),
    # the C library's words, of whichever program; a quota's; apt
    (Sign.NO_SPACE, r"No space left on device"),
    (Sign.NO_SPACE, r"Disk quota exceeded"),
    (Sign.NO_SPACE, r"You don't have enough free space in"),
    # the C library's words, by way of Python, cargo, uv; curl and git; apt; Node
    (Sign.NO_HOST, r"Temporary failure in name resolution"),
    (Sign.NO_HOST, r"Name or service not known|No address associated with hostname"),
    (Sign.NO_HOST, r"Could not resolve (?:host|proxy): "),
    (Sign.NO_HOST, r"(?:Temporary failure resolving|Could not resolve) '"),
    (Sign.NO_HOST, r"failed to lookup address information|dns error"),
    (Sign.NO_HOST, r"getaddrinfo (?:ENOTFOUND|EAI_AGAIN)"),
    # pip's last try; requests; curl and git; apt; uv
    (Sign.NO_NETWORK, r"Retry\(total=0,"),
    (Sign.NO_NETWORK, r"Max retries exceeded with url"),
    (Sign.NO_NETWORK, r"Failed to establish a new connection|(?:Connect|Read)TimeoutError|ProxyError"),
    (Sign.NO_NETWORK, r"Failed to connect to \S+ port"),
    (Sign.NO_NETWORK, r"The requested URL returned error: (?:5\d\d|429)"),
    (Sign.NO_NETWORK, r"Could not connect to \S+:\d+ \("),
    (Sign.NO_NETWORK, r"^E: Failed to fetch "),
    (Sign.NO_NETWORK, r"client error \(Connect\)"),
    (Sign.NO_NETWORK, r"HTTP status (?:server error \(5\d\d|client error \(429)"),
    (Sign.NO_NETWORK, r"HTTP error (?:5\d\d|429)|\b(?:5\d\d Server|429 Client) Error"),
    (Sign.NO_NETWORK, r"problem confirming the ssl certificate"),
    (Sign.NO_NETWORK, r"Network is unreachable|No route to host"),
    # setuptools; setuptools called by a package's own code; a shell; make; meson; cmake; autoconf
    (Sign.NO_COMPILER, rf"error: command '(?:[\w./-]*/)?{_CC}' failed: (?:No such file|Permission denied)"),
    (Sign.NO_COMPILER, rf"No such file or directory: '(?:[\w./-]*/)?{_CC}'"),
    (Sign.NO_COMPILER, rf"(?:^|\s){_CC}: (?:command )?not found"),
    (Sign.NO_COMPILER, rf"^make(?:\[\d+\])?: {_CC}: No such file or directory"),
    (Sign.NO_COMPILER, r"Unknown compiler\(s\): \["),
    (Sign.NO_COMPILER, r"No CMAKE_C(?:XX)?_COMPILER could be found"),
    (Sign.NO_COMPILER, r"no acceptable C compiler found"),
    # setuptools-rust; maturin; cargo; rustup
    (Sign.NO_RUST, r"can't find Rust compiler"),
    (Sign.NO_RUST, r"Cargo, the Rust package manager, is not installed"),
    (Sign.NO_RUST, r"rustc [\d.]+ is not supported by the following package"),
    (Sign.NO_RUST, r"^error: rustup could not choose a version of \w+ to run"),
    # gcc; clang
    (Sign.NO_HEADER, r"fatal error: [\w./+-]+\.(?:h|hh|hpp|hxx): No such file or directory"),
    (Sign.NO_HEADER, r"fatal error: '[\w./+-]+\.(?:h|hh|hpp|hxx)' file not found"),
    # GNU ld; the dynamic loader, for a program and for a module; pkg-config; pkgconf; meson; cmake; lxml
    (Sign.NO_LIBRARY, r"ld: cannot find (?:-l|lib)"),
    (Sign.NO_LIBRARY, r"error while loading shared libraries: "),
    (Sign.NO_LIBRARY, r"\.so[\d.]*: cannot open shared object file"),
    (Sign.NO_LIBRARY, r"Package \S+ was not found in the pkg-config search path"),
    (Sign.NO_LIBRARY, r"Package '[^']+', required by '[^']+', not found"),
    (Sign.NO_LIBRARY, r"ERROR: Dependency \"[^\"]+\" not found"),
    (Sign.NO_LIBRARY, r"Could not find a package configuration file provided by"),
    (Sign.NO_LIBRARY, r"Please make sure the \S+ and \S+ development packages are installed"),
    # psycopg2; mysqlclient; pycurl; setuptools; a shell; pip; scikit-build-core
    (Sign.NO_PROGRAM, r"pg_config executable not found"),
    (Sign.NO_PROGRAM, r"Can not find valid pkg-config name"),
    (Sign.NO_PROGRAM, rf"No such file or directory: '{_TOOL}'"),
    (Sign.NO_PROGRAM, rf"error: command '{_TOOL}' failed: No such file"),
    (Sign.NO_PROGRAM, rf"(?:^|\s){_TOOL}: (?:command )?not found"),
    (Sign.NO_PROGRAM, r"Cannot find command 'git'"),
    (Sign.NO_PROGRAM, r"Could not find CMake with version"),
    # gcc
    (Sign.NO_MEMORY, r"Killed signal terminated program"),
    (Sign.NO_MEMORY, r"virtual memory exhausted: Cannot allocate memory"),
    # mount and losetup of util-linux
    (
        Sign.NO_LOOP,
        r"failed to set ?up loop device|(?:cannot|could not) find (?:a free|an unused|any free) loop device",
    ),
    # pip; uv
    (Sign.UNSATISFIABLE, r"ResolutionImpossible"),
    (Sign.UNSATISFIABLE, r"No matching distribution found for"),
    (Sign.UNSATISFIABLE, r"requires a different Python"),
    (Sign.UNSATISFIABLE, r"Invalid requirement"),
    (Sign.UNSATISFIABLE, r"Could not open requirements file"),
    (Sign.UNSATISFIABLE, r"No solution found when resolving dependencies"),
    # pip: what it says of a name that the index does not have, and of an index that it cannot reach
    (Sign.NOTHING_OFFERED, r"\(from versions: none\)"),
    # tox 4; tox 3
    (Sign.STARTED, r"^\S+:? (?:commands\[\d+\]|run-test: commands\[\d+\])"),
    # pip, setuptools, apt, git, cmake; Python; gcc and meson
    (Sign.ERROR, r"^(?:ERROR|Error|error|E|fatal): "),
    (Sign.ERROR, r"^(?:[\w.]*(?:Error|Exception)): "),
    (Sign.ERROR, r"^\S+:\d+(?::\d+)?: (?:fatal error|error|ERROR): "),
)
"""Which words mean what."""

_PATTERNS = tuple((sign, re.compile(pattern)) for sign, pattern in TABLE)
# What may still succeed; and the frame that pip puts around another program's error, which says nothing.
_NOTHING = re.compile(
    r"Retrying \(Retry\(total=[1-9]"
    r"|^error: (?:subprocess-exited-with-error|metadata-generation-failed|legacy-install-failure)"
    r"|^ERROR: Failed (?:building wheel|to build)"
)


def signs(line: str) -> tuple[Sign, ...]:
    """What one line of output means, if anything."""
    words = line[:_READ].strip()
    found = () if _NOTHING.search(words) else tuple(sign for sign, pattern in _PATTERNS if pattern.search(words))
    return tuple(dict.fromkeys(found))
