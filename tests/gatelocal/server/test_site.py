"""What a daemon needs before it can begin, and how it says that something is not there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gatelocal.config import gate_file
from gatelocal.errors import CONFIGURATION, ConfigurationError
from gatelocal.server.site import Site, site


def made(folder: Path, state: str = "state", **gerrit: str) -> Site:
    server = {"url": "http://127.0.0.1:9/", "username": "ci", **gerrit}
    path = folder / "gate.yaml"
    (folder / "tenant.yaml").write_text("- tenant: {name: t, source: {gerrit: {untrusted-projects: [a]}}}\n")
    path.write_text(
        f"# a gate\nstate: {json.dumps(state)}\ngerrit:\n" + "".join(f"  {k}: {v}\n" for k, v in server.items())
    )
    return site(gate_file.load(path), {"GATELOCAL_CACHE": str(folder / "cache")}, print)


@pytest.mark.parametrize(
    ("gerrit", "said"),
    [
        ({"password-file": "secret"}, ":6: gerrit.password-file: {folder}/secret cannot be read: No such file"),
        ({"password-env": "NOBODY_SETS_THIS"}, ":6: gerrit.password-env: NOBODY_SETS_THIS is not set"),
    ],
)
def test_a_password_that_is_not_there_is_told_with_its_line(tmp_path: Path, gerrit: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        made(tmp_path, **gerrit)
    assert raised.value.brief.startswith(f"{tmp_path}/gate.yaml{said.format(folder=tmp_path)}")


@pytest.mark.parametrize("word", ["short", "0123456789/abcdef", "é" * 20])
def test_a_word_that_is_too_easy_to_guess_is_refused(tmp_path: Path, word: str) -> None:
    (tmp_path / "secret").write_text("x")
    (tmp_path / "word").write_text(word)
    with pytest.raises(ConfigurationError, match=r"gate.yaml:7: gerrit.webhook-file: that is too easy") as raised:
        made(tmp_path, **{"password-file": "secret", "webhook-file": "word"})
    assert word not in f"{raised.value.brief} {raised.value.hint}"
    (tmp_path / "word").write_text("0123456789abcdef\n")
    assert made(tmp_path, **{"password-file": "secret", "webhook-file": "word"}).webhook == "0123456789abcdef"


@pytest.mark.parametrize("state", ["file", "file/below", "/proc/nowhere"])
def test_a_state_that_cannot_be_used_is_told_with_its_line_and_a_hint(tmp_path: Path, state: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError) as raised:
        made(tmp_path, state)
    assert raised.value.brief.startswith(f"{tmp_path}/gate.yaml:2: state: ")
    assert " cannot be used: " in raised.value.brief
    assert "that this user may write to" in raised.value.hint
    assert raised.value.exit_code == CONFIGURATION


@pytest.mark.parametrize(
    ("content", "problem"), [("", "is empty"), (" \n", "is empty"), ("a\nb\n", "has more than one line")]
)
def test_a_file_that_is_no_password_is_refused(tmp_path: Path, content: str, problem: str) -> None:
    (tmp_path / "secret").write_text(content)
    with pytest.raises(ConfigurationError) as raised:
        made(tmp_path, **{"password-file": "secret"})
    assert raised.value.brief == f"{tmp_path}/gate.yaml:6: gerrit.password-file: {tmp_path}/secret {problem}"


def test_all_that_is_not_there_is_told_at_one_start(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "gate.yaml"
    path.write_text(
        "state: file\ntenant: nowhere.yaml\ngerrit:\n  url: http://127.0.0.1:9/\n  username: ci\n"
        "  password-file: secret\n  webhook-file: word\n  ssh: no.such.host.invalid:1\n  ssh-options: [-v, -i, key]\n"
    )
    with pytest.raises(ConfigurationError) as raised:
        site(gate_file.load(path), {"GATELOCAL_CACHE": str(tmp_path / "cache")}, print)
    assert raised.value.brief.startswith(f"{path}:1: state: {tmp_path}/file cannot be used")
    lines = raised.value.details.splitlines()
    assert [line.partition(tmp_path.name)[2].partition(": ")[0] for line in lines] == [
        "/gate.yaml:6",
        "/gate.yaml:7",
        "/gate.yaml:9",
        "/gate.yaml:2",
        "/gate.yaml:8",
    ], lines
    assert "gerrit.ssh: no.such.host.invalid cannot be found" in lines[4]
    assert lines[2].endswith(f"{tmp_path}/key is not there")


def test_a_server_that_cannot_be_found_yet_is_waited_for(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    made(tmp_path, **{"password-file": "secret", "ssh": "no.such.host.invalid:1"})
