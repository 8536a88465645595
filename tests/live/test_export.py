"""A held container is written to a file by the real command, and goes on from there as another one."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from gatelocal.config.directories import directories
from gatelocal.launcher import holds, images, layers
from gatelocal.launcher.pool import launcher
from gatelocal.model.hold import Invocation, Occasion
from tests.gatelocal.launcher.test_carried import archive, member

pytestmark = [pytest.mark.live, pytest.mark.nspawn]

BIN = Path(sys.executable).parent
_DO = """
mkdir -p work; echo half >work/done; ln -s done work/link; chmod 4711 work/done
sudo rm /etc/issue; sudo rm -r /usr/share/bug 2>/dev/null || true
sudo rm -r /var/log/journal /opt/tox/share 2>/dev/null || true
sudo sh -c 'rm -r /etc/skel; echo file >/etc/skel; mkdir /etc/new; echo root >/etc/new/root; chmod 600 /etc/new/root'
sudo sh -c 'rm -r /etc/logrotate.d && mkdir /etc/logrotate.d && echo only >/etc/logrotate.d/only' || true
"""
_LOOK = """
cat done; readlink link; stat -c '%a %U' done; test ! -e /etc/issue; cat /etc/skel; sudo cat /etc/new/root
sudo stat -c '%a %U' /etc/new/root; ls /etc/logrotate.d; echo "$WORD"
"""


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[Mapping[str, str]]:
    cache = directories(os.environ).cache
    yield {**os.environ, "GATELOCAL_STATE": str(tmp_path / "state"), "GATELOCAL_CACHE": str(cache)}
    runtime = tmp_path / "state/nodes"
    kept = holds.held(runtime)
    holds.give_back(runtime, *(record.name for record in kept))
    for tree in {Path(tree) for record in kept for tree in record.trees}:
        if tree.name == layers.DISK:
            layers.remove(tree.parent)


def typed(environment: Mapping[str, str], *words: str, ok: bool = True) -> str:
    done = subprocess.run(
        [str(BIN / "gatelocal"), *words], env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert (done.returncode == 0) is ok, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout if ok else done.stderr


def held(environment: Mapping[str, str], tmp_path: Path) -> str:
    node = launcher("nspawn", Path(environment["GATELOCAL_CACHE"]), tmp_path / "state/nodes").launch(None, print)
    assert node.run(["sh", "-euc", _DO], on_line=print) == 0
    stood = Invocation(("sh", "-c", "exit 3"), "/home/zuul/work", {"WORD": "of the job"})
    node.hold(Occasion("run", "unit", "p 1,2", "FAILURE", "/logs", stood))
    return node.name


def test_a_node_goes_to_a_file_and_back(environment: Mapping[str, str], tmp_path: Path) -> None:
    name, file = held(environment, tmp_path), tmp_path / "broken.tar.gz"
    before = typed(environment, "shell", name, "--", "sh", "-euc", _LOOK)
    assert before.splitlines()[:3] == ["half", "done", "4711 zuul"]
    typed(environment, "node", "export", name, str(file))
    assert file.stat().st_size < 1 << 20
    seed = (tmp_path / "state/nodes" / name / "host_key").read_bytes().splitlines()[1]
    assert seed not in gzip.decompress(file.read_bytes()), "no key of the node's goes along"
    typed(environment, "hold", "release", name)
    again = typed(environment, "node", "import", str(file)).strip()
    assert again != name
    assert typed(environment, "shell", again, "--", "sh", "-euc", _LOOK) == before
    assert "unit" in typed(environment, "hold", "list")


def test_a_hostile_file_leaves_nothing_behind(environment: Mapping[str, str], tmp_path: Path) -> None:
    cache = images.below(Path(environment["GATELOCAL_CACHE"]))
    layer = [one.folder.name for one in images.find(cache, None, os.environ).layers]
    facts = {"format": 1, "label": "debian-bookworm", "layers": layer, "gone": [], "notes": [], "occasion": None}
    file = archive(tmp_path / "bad", member("tree/ok", content=b"x"), member("tree/../x", content=b"x"), facts=facts)
    assert "cannot be unpacked" in typed(environment, "node", "import", str(file), ok=False)
    other = archive(tmp_path / "other", facts={**facts, "layers": ["tox-bookworm-0"]})
    said = typed(environment, "node", "import", str(other), ok=False)
    assert "made from another image" in said and "--anyway" in said
    assert not list((tmp_path / "state/nodes").iterdir())


def test_snapshots_and_clones_by_the_command(environment: Mapping[str, str], tmp_path: Path) -> None:
    name, called = held(environment, tmp_path), f"test-{os.getpid()}"
    typed(environment, "node", "snapshot", name, called)
    clone = typed(environment, "node", "clone", called).strip()
    assert typed(environment, "shell", clone, "--", "cat", "work/done") == "half\n"
    said = typed(environment, "node", "export", clone, str(tmp_path / "x"), ok=False)
    assert "goes on from a snapshot" in said and not (tmp_path / "x").exists()
