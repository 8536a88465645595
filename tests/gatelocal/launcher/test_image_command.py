"""`gatelocal image`: what is there, what goes, and what it is told when it cannot."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from gatelocal.cli.image import image
from gatelocal.errors import ConfigurationError
from gatelocal.launcher import images, layers, recipe, stock

_DAY = 86400.0
_MIB = 1 << 20


def _layer(cache: Path, name: str, *, days: float = 0, below: str = "", part: str = "rootfs", mib: int = 4) -> Path:
    """A layer that was used so many days ago, of that size."""
    folder = cache / name
    (folder / part).mkdir(parents=True)
    (folder / part / "file").write_bytes(b"x" * mib * _MIB)
    (folder / "lock").touch()
    (folder / "used").touch()
    then = time.time() - days * _DAY
    os.utime(folder / "used", (then, then))
    if below:
        (folder / "below").symlink_to(cache / below / "rootfs")
    return folder


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GATELOCAL_CACHE", str(tmp_path))
    monkeypatch.setenv("GATELOCAL_CONFIG", str(tmp_path / "configuration"))
    monkeypatch.delenv("GATELOCAL_IMAGES_KEEP", raising=False)
    cache = tmp_path / "images"
    _layer(cache, "os-bookworm-0123", days=3)
    _layer(cache, "tox-bookworm-89ab", days=3, below="os-bookworm-0123", part="delta")
    _layer(cache, "kernel-bookworm-cdef", days=9, part="kernel-01")
    _layer(cache, "os-trixie-4567", days=1)
    return cache


def _left(cache: Path) -> set[str]:
    return {each.name for each in cache.iterdir()}


def _node(tmp_path: Path, *folders: Path) -> Path:
    """A node that has started from the layers in these folders."""
    node = tmp_path / "nodes/debian-bookworm-00000001"
    node.mkdir(parents=True)
    used = tuple(layers.Layer(each.parent, *_parted(each.name)) for each in folders)
    assert layers.use(used, node)
    return node


def _parted(name: str) -> tuple[str, str]:
    begin, _, key = name.rpartition("-")
    return begin, key


def test_list_names_layers_their_size_last_use_and_parts(cache: Path) -> None:
    lines = CliRunner().invoke(image, ["list"]).output.splitlines()
    day = time.strftime("%Y-%m-%d %H:%M", time.localtime(time.time() - _DAY))
    assert lines[2][:22] == "os-trixie-4567  4 MiB " and day[:10] in lines[2] and lines[2].endswith("  rootfs")
    assert lines[-1] == "16 MiB in all"
    assert [line.split()[0] for line in lines[:-1]] == sorted(_left(cache))


def test_list_of_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATELOCAL_CACHE", str(tmp_path))
    assert CliRunner().invoke(image, ["list"]).output == "no image is built\n"


def test_show_says_what_stands_in_and_which_layers_there_are(cache: Path) -> None:
    found = images.find(cache, recipe.BUILT_IN.origins["debian-trixie"], os.environ)
    _layer(cache, found.system.folder.name, mib=7)
    lines = CliRunner().invoke(image, ["show", "ubuntu-noble-8GB"]).output.splitlines()
    assert lines[:4] == [
        "label: ubuntu-noble-8GB",
        "image: debian-trixie: Debian trixie, from the archive",
        "substitution: debian-trixie stands in for ubuntu-noble-8GB",
        "size: 8 processors, 8192 MiB of memory, 80 GiB of disk",
    ]
    assert lines[4].startswith(f"system: {found.system.folder.name}  7 MiB")
    assert lines[5] == f"packages for tox: {found.packages.folder.name}  not built"


def test_prune_by_age(cache: Path) -> None:
    result = CliRunner().invoke(image, ["prune", "--older", "2d"])
    assert _left(cache) == {"os-trixie-4567"}
    assert result.output.splitlines()[-1] == "4 MiB stay" and result.output.count("removed ") == 3


def test_prune_by_budget_takes_what_was_used_longest_ago(cache: Path) -> None:
    CliRunner().invoke(image, ["prune", "--keep", "13M"])
    assert _left(cache) == {"os-bookworm-0123", "tox-bookworm-89ab", "os-trixie-4567"}
    CliRunner().invoke(image, ["prune", "--keep", "9M"])
    assert _left(cache) == {"os-bookworm-0123", "os-trixie-4567"}, "what a layer lies on goes after it"


def test_prune_without_options_has_a_budget(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert CliRunner().invoke(image, ["prune"]).output == "16 MiB stay\n"
    monkeypatch.setattr(stock, "BUDGET", 5 * _MIB)
    assert CliRunner().invoke(image, ["prune"]).output.splitlines()[-1] == "4 MiB stay"
    monkeypatch.setenv("GATELOCAL_IMAGES_KEEP", "0")
    CliRunner().invoke(image, ["prune"])
    assert _left(cache) == set()


def test_prune_that_only_says_it_removes_nothing(cache: Path) -> None:
    before = _left(cache)
    result = CliRunner().invoke(image, ["prune", "-n", "--keep", "0"])
    assert _left(cache) == before and result.output.count("would remove") == 4
    assert result.output.splitlines()[-1] == "0 MiB stay"


def test_what_a_node_has_started_from_stays_until_it_is_returned(cache: Path, tmp_path: Path) -> None:
    node = _node(tmp_path, cache / "tox-bookworm-89ab", cache / "os-bookworm-0123")
    result = CliRunner().invoke(image, ["prune", "--keep", "0"])
    assert _left(cache) == {"tox-bookworm-89ab", "os-bookworm-0123"}
    assert "nodes have started from what stays" in result.output
    kept = CliRunner().invoke(image, ["delete", "--all"]).output
    assert _left(cache) == {"tox-bookworm-89ab", "os-bookworm-0123"} and node.name in kept
    node.rmdir()
    CliRunner().invoke(image, ["prune", "--keep", "0"])
    assert _left(cache) == set()


def test_what_is_being_built_stays(cache: Path) -> None:
    with layers.locked(cache / "os-trixie-4567"):
        CliRunner().invoke(image, ["prune", "--keep", "0"])
    assert _left(cache) == {"os-trixie-4567"}


def test_a_node_starts_from_no_layer_that_is_gone(cache: Path, tmp_path: Path) -> None:
    gone = layers.Layer(cache, "os-trixie", "4567")
    stock.prune(cache, budget=0)
    assert not layers.use((gone,), tmp_path / "node")


def test_parts_that_another_recipe_made_go_unless_a_node_may_need_them(cache: Path, tmp_path: Path) -> None:
    folder = cache / "tox-bookworm-89ab"
    for name in ("disk-24-old", "disk-24-new", "disk-2-other"):
        (folder / name).touch()
    layer = layers.Layer(cache, "tox-bookworm", "89ab")
    node = _node(tmp_path, folder)
    layers.forget(layer, "disk-24", "disk-24-new")
    assert len(list(folder.glob("disk-*"))) == 3
    node.rmdir()
    layers.forget(layer, "disk-24", "disk-24-new")
    assert {each.name for each in folder.glob("disk-*")} == {"disk-24-new", "disk-2-other"}


def test_who_waited_for_a_layer_that_was_removed_makes_it_anew(cache: Path) -> None:
    layer = layers.Layer(cache, "os-trixie", "4567")
    layers.remove(layer.folder)
    with layers.building(layer, "rootfs") as folder:
        assert folder is not None
        (folder / "rootfs").mkdir()
    assert layer.folder.joinpath("rootfs").is_dir()


@pytest.mark.parametrize("arguments", [["--keep", "many"], ["--keep", "-1G"], ["--older", "30"], ["--older", "d"]])
def test_prune_says_what_it_takes(cache: Path, arguments: list[str]) -> None:
    result = CliRunner().invoke(image, ["prune", *arguments])
    assert result.exit_code == 2 and "such as" in result.output and len(_left(cache)) == 4


def test_delete_takes_the_images_of_one_label(cache: Path) -> None:
    result = CliRunner().invoke(image, ["delete", "debian-bookworm"])
    assert result.output.splitlines() == [
        "removed kernel-bookworm-cdef",
        "removed os-bookworm-0123",
        "removed tox-bookworm-89ab",
    ]
    assert _left(cache) == {"os-trixie-4567"}


def test_delete_all(cache: Path) -> None:
    assert CliRunner().invoke(image, ["delete", "--all"]).exit_code == 0
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("arguments", [["delete"], ["delete", "debian-bookworm", "--all"]])
def test_delete_wants_one_choice(cache: Path, arguments: list[str]) -> None:
    assert CliRunner().invoke(image, arguments).exit_code == 2
    assert len(list(cache.iterdir())) == 4


def test_build_of_an_unknown_label_names_the_known_ones(cache: Path) -> None:
    error = CliRunner().invoke(image, ["build", "windows-95"]).exception
    assert isinstance(error, ConfigurationError)
    assert "debian-bookworm" in error.hint
