"""Gerrit's files: what is found is used only when it is right, what cannot be had is told, nothing half is left."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import pytest

from gatelocal.errors import InfrastructureError, InputError
from gatelocal.sandbox import parts
from gatelocal.sandbox.versions import DEFAULT, RELEASES, Part, Release

CONTENT = b"a jar"
PART = Part("org.example", "thing", "1.0", "jar", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
RELEASE = Release("1.0", (17, 0, 0), (PART,))


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that refuses: what a machine without a network sees, and at once."""
    for name in ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


def quiet(_: str) -> None:
    pass


def test_the_default_is_a_known_release() -> None:
    assert parts.release(DEFAULT) in RELEASES


def test_an_unknown_version_names_the_known_ones() -> None:
    with pytest.raises(InputError) as caught:
        parts.release("2.16")
    assert all(release.version in caught.value.hint for release in RELEASES)


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.version)
def test_every_part_can_be_checked(release: Release) -> None:
    assert all(len(bytes.fromhex(part.sha256)) == 32 and part.size > 100_000 for part in release.parts)


def test_a_local_maven_repository_is_used_and_not_written_to(tmp_path: Path) -> None:
    place = tmp_path / "m2" / "org" / "example" / "thing" / "1.0"
    place.mkdir(parents=True)
    (place / "thing-1.0.jar").write_bytes(CONTENT)
    before = sorted((tmp_path / "m2").rglob("*"))
    found = parts.obtain(RELEASE, tmp_path / "parts", [tmp_path / "m2"], quiet)
    assert found.files == (place / "thing-1.0.jar",)
    assert found.launch == ("-cp", str(place / "thing-1.0.jar"), "com.google.gerrit.launcher.GerritLauncher")
    assert sorted((tmp_path / "m2").rglob("*")) == before


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("damaged", [CONTENT[:-1], CONTENT[:-1] + b"!"])
def test_a_damaged_file_is_not_used(tmp_path: Path, damaged: bytes) -> None:
    (tmp_path / "thing-1.0.jar").write_bytes(damaged)
    with pytest.raises(InfrastructureError):
        parts.obtain(RELEASE, tmp_path, [], quiet)


@pytest.mark.usefixtures("no_network")
def test_without_a_network_a_clear_error_and_no_half_file(tmp_path: Path) -> None:
    said: list[str] = []
    (tmp_path / ".fetch-left").mkdir()
    with pytest.raises(InfrastructureError) as caught:
        parts.obtain(RELEASE, tmp_path, [], said.append)
    assert "thing-1.0.jar cannot be fetched from Maven Central" in caught.value.brief
    assert "network" in caught.value.hint
    assert said == ["fetching thing-1.0.jar (0 MB) from Maven Central"]
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


def test_without_jgo_the_hint_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "jgo.maven", None)
    with pytest.raises(InfrastructureError) as caught:
        parts.obtain(RELEASE, tmp_path, [], quiet)
    assert "pip install 'gatelocal[sandbox]'" in caught.value.hint


def war(path: Path, version: bytes, class_file: int, *plugins: str) -> Path:
    jar = io.BytesIO()
    with zipfile.ZipFile(jar, "w") as inner:
        inner.writestr("com/google/gerrit/common/Version", version)
        inner.writestr(
            "com/google/gerrit/common/Version.class", b"\xca\xfe\xba\xbe\0\0" + class_file.to_bytes(2, "big")
        )
    with zipfile.ZipFile(path, "w") as outer:
        outer.writestr("WEB-INF/lib/com_google_gerrit_common_libserver.jar", jar.getvalue())
        for plugin in plugins:
            outer.writestr(f"WEB-INF/plugins/{plugin}.jar", b"")
    return path


def test_a_war_of_ones_own_says_its_version_java_and_plugins(tmp_path: Path) -> None:
    found = parts.own_war(war(tmp_path / "gerrit.war", b"v3.12.1\n", 65, "download-commands", "hooks"))
    assert found.name.startswith("3.12.1-")
    assert found.java == (21, 0, 0)
    assert found.plugins == ("download-commands",)
    assert found.launch == ("-jar", str(tmp_path / "gerrit.war"))


def test_what_is_no_gerrit_is_refused(tmp_path: Path) -> None:
    text, other, evil = tmp_path / "a.war", tmp_path / "b.war", tmp_path / "c.war"
    text.write_text("no archive")
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("index.html", "hello")
    war(evil, b"../../etc", 61)
    for path in (tmp_path / "missing.war", text, other, evil):
        with pytest.raises(InputError, match=path.name):
            parts.own_war(path)
