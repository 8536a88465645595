"""Which collections playbooks use, and that each is unpacked once, whole."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from gatelocal import process
from gatelocal.errors import InfrastructureError
from gatelocal.executor.ansible import collections

RUNTIME = """
plugin_routing:
  connection:
    docker:
      redirect: community.docker.docker
  modules:
    ini_file:
      redirect: community.general.ini_file
    sysctl:
      deprecation:
        removal_date: 2099-01-01
      redirect: ansible.posix.sysctl
  module_utils:
    formerly:
      redirect: other.words.formerly
"""


def asked(folder: Path, text: str, where: str = "roles/own/tasks/main.yaml") -> frozenset[str]:
    (folder / "package/config").mkdir(parents=True)
    (folder / "package/config/ansible_builtin_runtime.yml").write_text(RUNTIME)
    path = folder / "tree" / where
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return collections.asked([folder / "tree"], [folder / "tree/elsewhere/run.yaml"], folder / "package")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("- command: echo ansible.builtin.command and review.example.org\n", set()),
        ("- name: Say\n  ini_file: {path: /x}\n", {"community.general"}),
        ("- block:\n    - sysctl:\n        name: x\n", {"ansible.posix"}),
        ("- community.general.parted: {}\n- debug: {msg: '{{ 1 | ansible.utils.ipwrap }}'}\n", None),
    ],
)
def test_they_are_found_by_their_names_and_by_old_names_of_their_modules(
    tmp_path: Path, text: str, found: set[str] | None
) -> None:
    assert asked(tmp_path, text) == ({"community.general", "ansible.utils"} if found is None else found)


def test_they_are_found_beside_the_playbook_and_not_in_all_of_a_repository(tmp_path: Path) -> None:
    assert asked(tmp_path / "a", "- ini_file: {}\n", "elsewhere/deep/tasks.yml") == {"community.general"}
    assert asked(tmp_path / "b", "- ini_file: {}\n", "src/data.yaml") == frozenset()


def test_each_is_unpacked_once_when_it_is_first_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Sequence[str]] = []

    def pip(argv: Sequence[str], **_: object) -> None:
        calls.append(argv)
        folder = Path(argv[argv.index("--dest") + 1])
        folder.mkdir()
        with zipfile.ZipFile(folder / "ansible-11.0.0-py3-none-any.whl", "w") as wheel:
            for name in ("ansible/posix/MANIFEST.json", "community/general/plugins/modules/ini_file.py"):
                wheel.writestr(f"ansible_collections/{name}", "x")

    monkeypatch.setattr(process, "run", pip)
    for names in ({"ansible.posix"}, {"ansible.posix"}, {"community.general", "no.such"}, {"no.such"}):
        kept = collections.provide(tmp_path / "cache", frozenset(names), Path("/python"), lambda _: None)
    files = sorted(path.relative_to(kept).as_posix() for path in kept.rglob("*") if path.is_file())
    assert files == [
        "ansible-11.0.0-py3-none-any.whl",
        "ansible_collections/ansible/posix/MANIFEST.json",
        "ansible_collections/community/general/plugins/modules/ini_file.py",
        "no-no.such",
    ]
    assert len(calls) == 1 and calls[0][0] == "/python"


def test_that_they_cannot_be_had_is_the_machinerys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def pip(argv: Sequence[str], **_: object) -> None:
        raise process.ProgramFailed(argv, 1, "no network")

    monkeypatch.setattr(process, "run", pip)
    with pytest.raises(InfrastructureError, match="cannot be had"):
        collections.provide(tmp_path, frozenset(("ansible.posix",)), Path("/python"), lambda _: None)
    assert collections.provide(tmp_path, frozenset(), Path("/python"), lambda _: None).name == "ansible-collections-11"
