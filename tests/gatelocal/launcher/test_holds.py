"""Held nodes: how long and how many, who is meant, and the way in; folders are real, machines there are none."""

from __future__ import annotations

import json
import os
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from gatelocal.errors import InfrastructureError, InputError
from gatelocal.launcher import capacity, connection, entering, holds, place, sweeper
from gatelocal.launcher.lifecycle import NodeState, beyond, is_expired
from gatelocal.launcher.providers.local import LocalNode
from gatelocal.model import terms
from gatelocal.model.hold import Invocation, Occasion

DAY = 24 * 3600.0
STOOD = Invocation(("sh", "-c", "exit 3"), "/", {"FLAVOUR": "van'illa $HOME; `id`"})


def hold(
    runtime: Path, run: str = "20260101-120000-abcdef", kind: str = "local", since: float = 0, **other: float
) -> Path:
    folder, record = place.create(runtime, kind, "debian-bookworm")
    (folder / "home/src").mkdir(parents=True)
    stood = replace(STOOD, directory=str(folder / "home/src"))
    for state in (NodeState.BOOTING, NodeState.READY):
        record = place.move(folder, record, state)
    record = replace(record, variables={"PATH": os.environ["PATH"], "HOME": "/x"})
    seconds = other.get("seconds", DAY)
    place.hold(folder, record, Occasion(run, "unit", "p 1,2", "FAILURE", "/l", stood), since or time.time(), seconds)
    return folder


def read(folder: Path) -> place.Record:
    record = place.read(folder)
    assert record is not None
    return record


def entered(folder: Path, *command: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    argv = entering.argv(folder, read(folder), command, {"SHELL": "/bin/sh", "TERM": "dumb"}, terminal=False)
    return subprocess.run(argv, input=stdin, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("text", "seconds", "space"),
    [
        ("", 24 * 3600, 20 << 30),
        ("90m", 5400, 20 << 30),
        ("500M", 24 * 3600, 500 << 20),
        ("7d, 50G", 7 * 86400, 50 << 30),
        ("1T,2w", 14 * 86400, 1 << 40),
        ("25%", 24 * 3600, 20 << 30),
    ],
)
def test_limits_are_read(text: str, seconds: float, space: int) -> None:
    assert terms.of({terms.VARIABLE: text}) == terms.Terms(seconds, space, 0.25)


@pytest.mark.parametrize(
    "text", ["x", "24", "-1h", "0h", "1h,2h", "20g", "1.5h", "9999999d", "0%", "101%", "5%,6%", "1h\x1b[2J"]
)
def test_a_limit_that_is_none_is_an_error(text: str) -> None:
    with pytest.raises(InputError, match="no time, size or share") as caught:
        terms.of({terms.VARIABLE: text})
    assert "\x1b" not in caught.value.brief and "24h" in caught.value.hint


def test_the_oldest_go_first_and_the_latest_never() -> None:
    held = [(3.0, 10, "c"), (1.0, 10, "a"), (2.0, 10, "b")]
    assert [beyond(held, space) for space in (30, 29, 19, 0)] == [(), ("a",), ("a", "b"), ("a", "b")]
    assert beyond(held, 20, spared="a") == ("b",)
    assert [is_expired(NodeState.HELD, until, 5.0) for until in (0, 4.0, 5.0, 6.0)] == [False, True, True, False]
    assert not is_expired(NodeState.READY, 4.0, 5.0)


def test_a_share_of_the_memory() -> None:
    assert [terms.of({terms.VARIABLE: text}).share for text in ("", "7%,1h", "100%")] == [0.25, 0.07, 1.0]


def test_the_oldest_go_when_held_nodes_take_too_much_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = [hold(tmp_path, since=since) for since in (1e9, 2e9, 3e9)]
    for folder in folders:
        place.write(folder, replace(read(folder), until=9e9))
    monkeypatch.setattr(capacity, "taken", lambda record: 3 << 30)
    monkeypatch.setattr(capacity, "total", lambda: 32.0)
    said: list[str] = []
    sweeper.sweep(tmp_path, said.append)
    assert [folder.exists() for folder in folders] == [False, True, True], "9 GiB, of 8 that a quarter is"
    assert said == [f"returning the held node {folders[0].name}: held nodes use more than 8.0 GiB of memory"]


def test_a_held_node_is_read_as_it_was_written(tmp_path: Path) -> None:
    record = read(hold(tmp_path, since=1000.0))
    assert (record.state, record.since, record.until) == (NodeState.HELD, 1000.0, 1000.0 + DAY)
    assert record.occasion is not None and record.occasion.invocation is not None
    assert record.occasion.invocation.argv == STOOD.argv
    text = (tmp_path / record.name / "node.json").read_text()
    later = text.replace('"occasion": {', '"occasion": {"new": 1, ').replace(
        '"invocation": {', '"invocation": {"new": 2, '
    )
    (tmp_path / record.name / "node.json").write_text(later)
    assert later != text and read(tmp_path / record.name) == record


def test_a_node_that_an_earlier_version_held_has_no_end(tmp_path: Path) -> None:
    folder, record = place.create(tmp_path, "local", "debian-bookworm")
    for state in (NodeState.BOOTING, NodeState.READY, NodeState.HELD):
        record = place.move(folder, record, state)
    (folder / "home").mkdir()
    data = json.loads((folder / "node.json").read_text())
    new = ("since", "until", "occasion", "variables")
    (folder / "node.json").write_text(json.dumps({name: one for name, one in data.items() if name not in new}))
    sweeper.sweep(tmp_path, print)
    assert [one.name for one in holds.held(tmp_path)] == [record.name]
    assert entered(folder, "sh", "-c", "echo $HOME").stdout == f"{folder}/home\n"


def test_the_sweep_returns_what_has_expired_and_says_so(tmp_path: Path) -> None:
    over, busy, still = hold(tmp_path, since=1000.0), hold(tmp_path, since=1001.0), hold(tmp_path)
    said: list[str] = []
    with place.entered(busy):
        sweeper.sweep(tmp_path, said.append)
        assert [folder.exists() for folder in (over, busy, still)] == [False, True, True]
    assert said == [f"returning the held node {over.name}: its time is over"]
    sweeper.sweep(tmp_path, said.append)
    assert [folder.exists() for folder in (busy, still)] == [False, True]


def test_the_sweep_makes_room_by_the_oldest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    folders = [hold(tmp_path, since=now - 100 + at) for at in range(3)]
    for folder in folders:
        (folder / "home/big").write_bytes(b"x" * (3 << 20))
        (folder / "home/again").hardlink_to(folder / "home/big")
        assert 3 << 20 <= place.used(folder) < 4 << 20
    (folders[0] / "home/outside").symlink_to("/usr")
    said: list[str] = []
    monkeypatch.setenv("GATELOCAL_HOLD", "8M")
    sweeper.sweep(tmp_path, said.append)
    assert [folder.exists() for folder in folders] == [False, True, True]
    assert len(said) == 1 and folders[0].name in said[0] and "more than" in said[0]
    monkeypatch.setenv("GATELOCAL_HOLD", "1M")
    sweeper.sweep(tmp_path, said.append)
    assert [folder.exists() for folder in folders] == [False, False, True]


@pytest.mark.live
def test_the_guard_returns_a_held_node_when_its_time_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeper, "_LOOK", 0.05)
    folder = hold(tmp_path, seconds=0.5)
    sweeper._guard(folder, place.ProcessName(1 << 30, 1))
    assert not folder.exists()


def test_who_is_meant(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no node is held"):
        holds.meant(tmp_path, "")
    now = time.time()
    first, second = hold(tmp_path, "20260101-1", since=now - 9), hold(tmp_path, "20260102-2", since=now - 5)
    place.create(tmp_path, "local", "debian-bookworm")  # runs, and is not held
    for name, folder in {
        "": second,
        first.name: first,
        first.name[-8:]: first,
        "20260101": first,
        "20260102-2": second,
    }.items():
        assert holds.meant(tmp_path, name).name == folder.name
    for name in ("2026", "debian", "nonesuch\x1b[2J"):
        with pytest.raises(InputError, match="no single held node or run") as caught:
            holds.meant(tmp_path, name)
        assert "\x1b" not in caught.value.brief and first.name in caught.value.hint


def test_a_hold_is_extended_from_now_on(tmp_path: Path) -> None:
    folder = hold(tmp_path, since=1000.0)
    assert holds.extend(tmp_path, "", 5000.0, 60.0).until == 5060.0
    assert (read(folder).until, read(folder).since) == (5060.0, 1000.0)


def test_a_command_runs_where_the_build_stood_with_its_variables(tmp_path: Path) -> None:
    folder = hold(tmp_path)
    done = entered(folder, "sh", "-c", 'pwd; echo "$FLAVOUR|$HOME|$GIT_AUTHOR_NAME|$1"; exit 7', "sh", "a 'b'  $HOME")
    assert done.stdout == f"{folder}/home/src\n{STOOD.environment['FLAVOUR']}|/x||a 'b'  $HOME\n"
    assert done.returncode == 7


def test_a_shell_opens_where_the_build_stood(tmp_path: Path) -> None:
    folder = hold(tmp_path)
    done = entered(folder, stdin='pwd; echo "$FLAVOUR"; exit 5\n')
    assert (done.stdout, done.returncode) == (f"{folder}/home/src\n{STOOD.environment['FLAVOUR']}\n", 5)
    (folder / "home/src").rmdir()
    assert entered(folder, stdin="echo in\n").stdout == "in\n"
    assert entered(folder, "echo", "in").returncode == 127


def test_the_way_into_a_machine_quotes_what_a_shell_reads_again(tmp_path: Path) -> None:
    record = replace(read(hold(tmp_path)), kind="nspawn", variables={})
    way = entering.argv(tmp_path, record, ("echo", "$(id)", "a b"), {}, terminal=False)
    assert way[:6] == ("ssh", "-F", f"{tmp_path}/ssh_config", "-T", "node", "--") and len(way) == 7
    done = subprocess.run(["sh", "-c", way[6]], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("$(id) a b\n", 0)
    assert entering.argv(tmp_path, record, (), {}, terminal=True)[3] == "-t"


def test_the_last_command_is_repeated_by_what_is_shown(tmp_path: Path) -> None:
    record = read(hold(tmp_path))
    assert entering.repeat(record) == "sh -c 'exit 3'"
    own = replace(STOOD, own=True)
    assert record.occasion is not None
    assert entering.repeat(replace(record, occasion=replace(record.occasion, invocation=own))) == (
        f"gatelocal shell {record.name} --repeat"
    )
    assert entering.repeat(replace(record, occasion=Occasion())) == ""


@pytest.mark.parametrize(
    "word", ["plain", "a b", "it's", "\x1b]0;title\x07", "new\nline", "\u202eback\\slash's", "\x9b2J"]
)
def test_what_is_shown_is_harmless_and_means_the_same(word: str) -> None:
    shown = entering.quoted(("printf", "%s", word))
    assert shown.isprintable()
    done = subprocess.run(["bash", "-c", shown], capture_output=True, text=True, check=True, env={"LC_ALL": "C.UTF-8"})
    assert done.stdout == word


def test_a_local_node_keeps_the_variables_of_its_programs(tmp_path: Path) -> None:
    folder, record = place.create(tmp_path, "local", "debian-bookworm")
    for state in (NodeState.BOOTING, NodeState.READY):
        record = place.move(folder, record, state)
    before = time.time()
    until = LocalNode(folder, record, {"PATH": "/a"}).hold(Occasion("r"))
    assert before + DAY <= until <= time.time() + DAY
    assert (read(folder).variables, read(folder).occasion, read(folder).until) == ({"PATH": "/a"}, Occasion("r"), until)


def test_nobody_is_let_in_to_a_folder_and_a_machine_that_is_gone_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = hold(tmp_path)
    entering.check(folder, read(folder))
    with pytest.raises(InputError, match="there is no ssh to it") as caught:
        entering.let_in(folder, read(folder), ("ssh-ed25519 AAAA",))
    assert f"gatelocal shell {folder.name}" in caught.value.hint
    connection.write_configuration(folder, folder.name, connection.free_port())
    (folder / "console").write_text("Kernel panic\n")
    monkeypatch.setattr(entering, "_SECONDS", 0.3)
    with pytest.raises(InfrastructureError, match="does not answer") as gone:
        entering.check(folder, replace(read(folder), kind="qemu"))
    assert gone.value.details == "Kernel panic" and f"hold release {folder.name}" in gone.value.hint


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no public key"),
        ("# only a word\n", "no public key"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n", "private key"),
        ('command="x" ssh-ed25519 AAAAC3 me\n', "a line that is no public key"),
        ("ssh-ed25519 AAAAC3 me\nroot:x:0\n", "a line that is no public key"),
        ("ssh-ed25519 AAAAC3 a\x00b\n", "a line that is no public key"),
    ],
)
def test_what_is_no_public_key_is_refused(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        entering.keys_in(text, "a file")


def test_public_keys_of_a_file() -> None:
    keys = ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 me@here", "sk-ssh-ed25519@openssh.com AAAAGn/+x==", "ssh-rsa AAAAB3 a b")
    assert entering.keys_in("# mine\n\n" + "\n".join(keys) + "\n", "f") == keys
