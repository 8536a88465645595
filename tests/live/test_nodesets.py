"""Jobs of several nodes, in containers: they reach each other by name, nobody else does, and none is left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from gatelocal.config.directories import directories
from gatelocal.executor.ansible import environment as ansible
from gatelocal.launcher import holds, images, layers, snapshots
from gatelocal.launcher.nodeset import Gathered
from gatelocal.launcher.pool import launcher
from gatelocal.model.plan import Group, Nodeset, NodeWanted
from gatelocal.ports import Node
from tests.fakes.project import small_project
from tests.live.test_nodes import _traces
from tests.patience import until

pytestmark = [pytest.mark.live, pytest.mark.nspawn]

BIN = Path(sys.executable).parent
TWO = Nodeset(
    "two", (NodeWanted(("controller",), ""), NodeWanted(("compute1", "subnode"), "")), (Group("all-of-them", ()),)
)
_SERVE = 'echo "$1" >served; setsid python3 -m http.server 8099 >/dev/null 2>&1 & sleep 1'
_ASK = "import urllib.request, sys; print(urllib.request.urlopen(sys.argv[1], timeout=5).read().decode())"
_OWNER = """
import sys
from pathlib import Path
from gatelocal.launcher.pool import launcher
from gatelocal.model.plan import Nodeset, NodeWanted
two = Nodeset("two", (NodeWanted(("a",), ""), NodeWanted(("b",), "")))
both = launcher("nspawn", Path(sys.argv[1]), Path(sys.argv[2])).gather((two,), lambda line: None)
print(*(node.name for node in both.each), flush=True)
both.each[0].run(["sleep", "1000"])
"""


@pytest.fixture
def cache() -> Path:
    return directories(os.environ).cache


@pytest.fixture
def pairs(cache: Path, tmp_path: Path) -> Iterator[tuple[Gathered, Gathered]]:
    """Two nodesets of two runs, at the same time."""
    with ExitStack() as stack:
        found = []
        for run in ("a", "b"):
            found.append(launcher("nspawn", cache, tmp_path / run).gather((TWO,), print))
            stack.callback(found[-1].close)
        yield found[0], found[1]


def asked(node: Node, url: str) -> str:
    """What is served there, or nothing."""
    lines: list[str] = []
    status = node.run(["python3", "-c", _ASK, url], on_line=lines.append, timeout=60)
    return lines[0] if status == 0 else ""


def test_nodes_of_one_job_reach_each_other_by_name_and_nobody_else(
    pairs: tuple[Gathered, Gathered], cache: Path
) -> None:
    served = []
    for name, pair in zip("ab", pairs, strict=True):
        assert pair.each[1].run(["sh", "-c", _SERVE, "sh", name]) == 0
        served.append([asked(pair.each[0], f"http://{host}:8099/served") for host in ("compute1", "subnode")])
    assert served == [["a", "a"], ["b", "b"]]
    first, other = pairs
    assert first.addresses == other.addresses, "so that the next line says something"
    assert first.each[1].run(["pkill", "-f", "[h]ttp.server"]) == 0
    assert asked(first.each[0], f"http://{first.addresses[1]}:8099/served") == ""
    assert asked(other.each[0], f"http://{other.addresses[1]}:8099/served") == "b"
    alone = launcher("nspawn", cache, Path(str(first.each[0]._folder.parent))).launch(None, print)  # type: ignore[attr-defined]
    try:
        assert asked(alone, f"http://{other.addresses[1]}:8099/served") == ""
    finally:
        alone.close()


@pytest.mark.qemu
def test_so_do_virtual_machines(cache: Path, tmp_path: Path) -> None:
    pair = launcher("qemu", cache, tmp_path / "nodes").gather((TWO,), print)
    try:
        assert pair.each[1].run(["sh", "-c", _SERVE, "sh", "machine"]) == 0
        assert [asked(pair.each[0], f"http://{host}:8099/served") for host in ("compute1", "subnode")] == [
            "machine"
        ] * 2
        assert pair.each[0].run(["curl", "-sSf", "-o", "/dev/null", "http://10.0.2.2:22"]) != 0
    finally:
        pair.close()


def test_the_first_of_several_can_be_kept_as_it_is(pairs: tuple[Gathered, Gathered], cache: Path) -> None:
    pair, name = pairs[0], f"test-set-{os.getpid()}"
    pool = launcher("nspawn", cache, pair.each[0]._folder.parent)  # type: ignore[attr-defined]
    assert pair.each[0].run(["touch", "here"]) == 0
    pool.snapshot(pair.each[0].name, name)
    try:
        clone = pool.clone(name, print)
        assert clone.run(["test", "-e", "here"]) == 0
        clone.close()
    finally:
        layers.remove(snapshots.found(images.below(cache))[name].folder)


def test_nothing_is_left_of_several_whose_owner_was_killed(cache: Path, tmp_path: Path) -> None:
    argv = [sys.executable, "-c", _OWNER, str(cache), str(tmp_path / "nodes")]
    owner = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    names = owner.stdout.readline().split()
    assert len(names) == 2 and _traces(*names)
    owner.kill()
    owner.wait()
    assert until(lambda: not _traces(*names) and not list((tmp_path / "nodes").iterdir()))


PROJECT = {
    ".zuul.yaml": """
- nodeset:
    name: two
    nodes: [{name: controller, label: debian-bookworm}, {name: compute1, label: debian-bookworm}]
    groups: [{name: subnode, nodes: [compute1]}, {name: tempest, nodes: [controller]}]
- job:
    name: pair
    nodeset: two
    run: run.yaml
    host-vars: {compute1: {port: 8099}}
    group-vars: {subnode: {word: of the group}}
- project: {gate: {jobs: [pair]}}
""",
    "run.yaml": """
- hosts: subnode
  tasks:
    - shell: |
        set -e
        test -d "{{ zuul.project.src_dir }}/.git"
        echo "{{ word }}" >served
        setsid python3 -m http.server {{ port }} >/dev/null 2>&1 & sleep 1
        echo "of {{ inventory_hostname }}" >zuul-output/logs/who
- hosts: tempest
  tasks:
    - shell: |
        set -e
        test -d "{{ zuul.project.src_dir }}/.git"
        echo "of {{ inventory_hostname }}" >zuul-output/logs/who
        python3 -c 'import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=9).read().decode())' \
            "http://compute1:{{ hostvars['compute1'].port }}/served"
        ping -c 1 -W 3 "{{ hostvars['compute1'].nodepool.private_ipv4 }}"
    - command: cat served
      delegate_to: compute1
- hosts: all
  tasks: [{command: "echo I am {{ inventory_hostname }} at {{ ansible_host }}"}]
""",
}


def test_a_job_of_two_nodes_runs_to_its_verdict_and_both_are_kept_and_returned(cache: Path, tmp_path: Path) -> None:
    environment = {**small_project(tmp_path, "true"), "GATELOCAL_CACHE": str(cache)}
    ansible.python(cache, print)
    for name, text in PROJECT.items():
        (tmp_path / "tree" / name).write_text(text)
    for args in (["add", "-A"], ["commit", "-q", "--amend", "-m", "Two\n\nChange-Id: I" + "0123456789" * 4]):
        subprocess.run(["git", *args], cwd=tmp_path / "tree", env=environment, check=True)

    def typed(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(BIN / "gatelocal"), *words],
            cwd=tmp_path / "tree",
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )

    done = typed("run", "-q", "--json", "--node", "nspawn", "--hold", "always")
    nodes = tmp_path / "state/nodes"
    try:
        (build,) = json.loads(done.stdout)["builds"]
        output = Path(str(build["job_output"])).read_text()
        assert (done.returncode, build["outcome"]) == (0, "SUCCESS"), output
        for line in ("| of the group", "| I am controller at 172.31.231.11", "| I am compute1 at 172.31.231.12"):
            assert line in output, output
        logs = Path(str(build["logs"])) / "work/logs"
        assert [(logs / name / "who").read_text() for name in ("controller", "compute1")] == [
            "of controller\n",
            "of compute1\n",
        ]
        kept = holds.held(nodes)
        assert sorted(record.names for record in kept) == [("compute1",), ("controller",)]
        listed = typed("hold", "list").stdout
        assert "(compute1)" in listed and "(controller)" in listed
        other = next(record.name for record in kept if record.names == ("compute1",))
        assert "of the group" in typed("shell", other, "--", "cat", "served").stdout
        assert typed("hold", "release", other).stdout.count("is returned") == 2
    finally:
        holds.give_back(nodes, *(record.name for record in holds.held(nodes)))
    assert not _traces(*(record.name for record in kept))
