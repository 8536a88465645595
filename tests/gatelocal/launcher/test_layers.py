"""Keys of layers: another recipe is another layer, and what two images share is one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gatelocal.errors import ConfigurationError
from gatelocal.launcher import bootstrap, host, images, recipe
from gatelocal.model.label import Origin

_BOOKWORM = recipe.BUILT_IN.origins["debian-bookworm"]


def _folders(found: images.Image) -> tuple[str, str, str]:
    return (found.system.folder.name, found.packages.folder.name, found.kernel.folder.name)


def test_families_share_the_system_and_the_kernel(tmp_path: Path) -> None:
    tox = _folders(images.find(tmp_path, _BOOKWORM, {}))
    devstack = _folders(images.find(tmp_path, _BOOKWORM, {}, "devstack"))
    assert (tox[0], tox[2]) == (devstack[0], devstack[2]) and tox[1] != devstack[1]
    assert tox == _folders(images.find(tmp_path, None, {}))


def test_systems_share_nothing(tmp_path: Path) -> None:
    other = _folders(images.find(tmp_path, recipe.BUILT_IN.origins["debian-trixie"], {}))
    assert not set(other) & set(_folders(images.find(tmp_path, _BOOKWORM, {})))


@pytest.mark.parametrize(
    ("room", "name", "value", "others"),
    [
        (recipe, "SYSTEM", ("systemd",), (True, True, False)),
        (recipe, "FINISH", "other", (True, True, False)),
        (bootstrap, "SYSTEM_OPTIONS", ("--variant=other",), (True, True, False)),
        (recipe, "FAMILIES", {"tox": ("gcc",)}, (False, True, False)),
        (recipe, "TOX", "other", (False, True, False)),
        (recipe, "KERNEL_PACKAGES", ("linux-image-amd64",), (False, False, True)),
        (recipe, "REVISION", 99, (True, True, True)),
    ],
)
def test_another_recipe_is_another_layer_and_whatever_lies_on_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    room: object,
    name: str,
    value: object,
    others: tuple[bool, bool, bool],
) -> None:
    before = _folders(images.find(tmp_path, _BOOKWORM, {}))
    monkeypatch.setattr(room, name, value)
    after = _folders(images.find(tmp_path, _BOOKWORM, {}))
    assert tuple(one != other for one, other in zip(before, after, strict=True)) == others


def test_other_package_sources_are_another_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = _folders(images.find(tmp_path, _BOOKWORM, {}))
    source = host.File("/etc/apt/sources.list.d/gatelocal.list", b"deb http://other/ bookworm main\n")
    monkeypatch.setattr(host, "_apt_sources", lambda suite, root: ((source,), ()))
    assert not set(before) & set(_folders(images.find(tmp_path, _BOOKWORM, {})))


def test_an_image_of_a_file_goes_by_what_is_in_it(tmp_path: Path) -> None:
    tar = tmp_path / "noble.tar"
    tar.write_bytes(b"one")
    origin = Origin("noble", path=str(tar))
    first = _folders(images.find(tmp_path, origin, {}))
    assert first[0].startswith("os-noble-") and first[2] == _folders(images.find(tmp_path, None, {}))[2]
    assert first == _folders(images.find(tmp_path, origin, {}))
    os.utime(tar, (1, 1))
    assert first[0] != _folders(images.find(tmp_path, origin, {}))[0]


def test_an_image_of_a_folder_goes_by_all_that_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "tree/etc").mkdir(parents=True)
    origin = Origin("own", path=str(tmp_path / "tree"))
    first = _folders(images.find(tmp_path, origin, {}))
    (tmp_path / "tree/etc/new").write_text("x")
    assert first[0] != _folders(images.find(tmp_path, origin, {}))[0]


def test_an_image_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="noble cannot be made") as caught:
        images.find(tmp_path, Origin("noble", path=str(tmp_path / "none.qcow2")), {})
    assert "labels.yaml" in caught.value.hint


def test_a_given_system_keeps_its_own_package_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = host.File("/etc/apt/sources.list.d/gatelocal.list", b"deb http://one/ bookworm main\n")
    monkeypatch.setattr(host, "_apt_sources", lambda suite, root: ((source,), ()))
    (tmp_path / "x.tar").touch()
    for suite, there in (("", False), ("bookworm", True)):
        found = images.find(tmp_path, Origin("x", suite, str(tmp_path / "x.tar")), {})
        assert (source in found.settings.files, source in found.kernel_settings.files) == (there, True)
