"""What this machine allows is tried, remembered as long as it can hold, and decides which kind of node there is."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gatelocal import process
from gatelocal.errors import InfrastructureError
from gatelocal.launcher import bootstrap, choosing, images, layers, pool, steps, trials
from gatelocal.launcher.providers import acceleration, nspawn, qemu
from gatelocal.launcher.recipe import BUILT_IN

_ORIGIN = BUILT_IN.origins["debian-bookworm"]


def test_an_answer_is_found_out_once_until_what_it_rests_on_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = tmp_path / "below" / "memory.json"
    answers = iter(["no", "yes", "perhaps"])

    def ask() -> str:
        return trials.remembered(memory, ["sh"], lambda: next(answers))

    assert (ask(), ask()) == ("no", "no")
    monkeypatch.setattr(trials, "_circumstances", lambda: ["another boot"])
    assert (ask(), ask()) == ("yes", "yes")
    memory.write_text("{broken")
    assert ask() == "perhaps"
    trials.keep(memory, ["sh"], "it failed later")
    assert ask() == "it failed later"


def test_the_rights_of_this_process_are_part_of_what_is_remembered(tmp_path: Path) -> None:
    """Root without CAP_SYS_ADMIN, or in a chroot, is asked anew though the cache is the same."""
    trials.keep(tmp_path / "memory.json", ["sh"], "x")
    key = json.loads((tmp_path / "memory.json").read_text())["key"]
    status = Path("/proc/self/status").read_text()
    capabilities = next(line.split()[1] for line in status.splitlines() if line.startswith("CapEff"))
    root = Path("/").stat()
    assert capabilities in key and f"{root.st_dev} {root.st_ino}" in key


def test_a_cache_that_cannot_be_written_only_costs_the_memory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert trials.remembered(tmp_path / "file" / "memory.json", [], lambda: "yes") == "yes"


@pytest.fixture(name="world")
def _world(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Say what the machine has: why there is none of each ("" is: there is), or a program's name that is missing."""

    def say_what_there_is(*, slow: str, container: str, machine: str = "", image: str = "") -> None:
        def answer(text: str) -> str:
            if text.startswith("program "):
                raise process.ProgramMissing(text.removeprefix("program "))
            return text

        monkeypatch.setattr(qemu, "require", lambda: answer(machine))
        monkeypatch.setattr(acceleration, "why_not", lambda *_: answer(slow))
        monkeypatch.setattr(nspawn, "why_not", lambda cache: answer(container))
        monkeypatch.setattr(bootstrap, "why_not", lambda: answer(image))

    return say_what_there_is


@pytest.mark.parametrize(
    ("there_is", "kind", "told"),
    [
        ({"slow": "", "container": ""}, "qemu", "accelerated"),
        ({"slow": "no kvm", "container": ""}, "nspawn", "container (systemd-nspawn); no kvm"),
        ({"slow": "no kvm", "container": "no CAP_SYS_ADMIN"}, "qemu", "emulated: no kvm; no CAP_SYS_ADMIN"),
        ({"slow": "no kvm", "container": "", "machine": "program qemu-img"}, "nspawn", "qemu-img is not installed"),
        ({"slow": "no kvm", "container": "program systemd-nspawn"}, "qemu", "systemd-nspawn is not installed"),
    ],
)
def test_auto_is_the_best_that_can_be_had(
    world: Callable[..., None], tmp_path: Path, there_is: dict[str, str], kind: str, told: str
) -> None:
    world(**there_is)
    choice = pool.launcher("auto", tmp_path, tmp_path)._choose(_ORIGIN, print)
    assert choice.kind == kind and told in choice.description


@pytest.mark.parametrize(
    "there_is",
    [
        {"slow": "no kvm", "container": "no CAP_SYS_ADMIN", "machine": "program qemu-system-x86_64"},
        {"slow": "no kvm", "container": "containers need root", "image": "no range in /etc/subuid"},
        {"slow": "", "container": "", "image": "program mmdebstrap"},
    ],
)
def test_what_cannot_be_had_is_told_with_every_reason_and_the_way_out(
    world: Callable[..., None], tmp_path: Path, there_is: dict[str, str]
) -> None:
    world(**there_is)
    with pytest.raises(InfrastructureError, match="no isolated node") as caught:
        pool.launcher("auto", tmp_path, tmp_path)._choose(_ORIGIN, print)
    assert "--node local" in caught.value.hint
    for reason in (there_is["container"], there_is.get("image", ""), there_is.get("machine", "")):
        assert reason.removeprefix("program ") in caught.value.details


def test_a_container_that_does_not_start_is_not_tried_again_in_this_boot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(qemu, "require", lambda: "")
    monkeypatch.setattr(acceleration, "why_not", lambda *_: "no kvm")
    monkeypatch.setattr(bootstrap, "why_not", lambda: "")
    monkeypatch.setattr(nspawn.walls, "why_not", lambda script: "")
    monkeypatch.setattr(nspawn.network, "why_not", lambda: "")
    monkeypatch.setattr(nspawn.process, "find", lambda name: "/bin/sh")
    monkeypatch.setattr(trials, "is_root", lambda: True)
    tried: list[str] = []

    def start(self: object, choice: choosing.Choice, wanted: object, made: object, port: object, say: object) -> str:
        tried.append(choice.kind)
        if choice.kind == "nspawn":
            raise nspawn.DidNotStart("the container x ended while it started")
        return choice.description

    monkeypatch.setattr(pool.Pool, "_start", start)
    monkeypatch.setattr(pool.sweeper, "guard_argv", lambda folder, owner: ("true",))
    said: list[str] = []
    launcher = pool.launcher("auto", tmp_path / "cache", tmp_path / "nodes")
    for _ in range(2):
        assert "was tried and did not start" in str(launcher.launch(None, said.append))
    assert tried == ["nspawn", "qemu", "qemu"]
    with pytest.raises(InfrastructureError, match="did not start"):
        pool.launcher("nspawn", tmp_path / "cache", tmp_path / "nodes").launch(None, said.append)


@pytest.mark.parametrize(
    ("fault", "told", "hint"),
    [
        (InfrastructureError("the kernel holds none"), "the kernel holds none", "--node local"),
        (InfrastructureError("full", hint="make room"), "full", "make room"),
        (OSError(28, "No space left on device", "/x"), "No space left on device: /x", "make room"),
        (PermissionError(13, "Permission denied", "/x"), "Permission denied: /x", "GATELOCAL_CACHE"),
    ],
)
def test_every_error_of_the_image_step_has_a_hint(tmp_path: Path, fault: Exception, told: str, hint: str) -> None:
    image = images.find(tmp_path, None, {})
    with pytest.raises(InfrastructureError) as caught, layers.building(image.kernel, "kernel"):
        raise fault
    assert told in caught.value.brief + caught.value.details and hint in caught.value.hint
    assert [each.name for each in image.kernel.folder.iterdir()] == ["lock"]


def test_a_cache_that_is_no_folder_is_an_error_with_a_hint(tmp_path: Path) -> None:
    (tmp_path / "images").touch()
    image = images.find(tmp_path / "images", None, {})
    with pytest.raises(InfrastructureError) as caught, layers.building(image.kernel, "kernel"):
        pass
    assert "GATELOCAL_CACHE" in caught.value.hint


def test_the_progress_of_a_bootstrap_is_told_while_it_goes_on() -> None:
    said: list[str] = []
    now = iter(range(0, 1000, 4))
    tell = steps.Bootstrap(said.append, "building", lambda: float(next(now)))
    for line in ("I: extracting archives...", "I: other", "Unpacking a (1) ...", "noise", "Setting up a (1) ...", "x"):
        tell(line)
    assert said[0] == "building: extracting archives..."
    assert said[1] == "building: 1 packages unpacked, 1 set up ..."
    tell("I: running --customize-hook in shell: sh -c 'set -eu")
    assert "finishing" in said[-1]


@pytest.mark.parametrize(
    ("forbidden", "told", "hint"),
    [
        (["--map-root-user -- true", "--map-auto"], "no user namespaces (not permitted)", "allows them"),
        (["--map-auto"], "no range of users (not permitted)", "usermod --add-subuids"),
    ],
)
def test_a_user_who_can_make_no_image_is_told_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, forbidden: list[str], told: str, hint: str
) -> None:
    asked: list[str] = []

    def complaint(*argv: str) -> str:
        asked.append(" ".join(argv))
        return "not permitted" if any(one in asked[-1] for one in forbidden) else ""

    monkeypatch.setattr(trials, "_complaint", complaint)
    monkeypatch.setattr(trials, "is_root", lambda: False)
    why, help_ = trials.why_no_tree()
    assert told in why and hint in help_ and "--node local" in help_
    assert trials.before_mmdebstrap() is None
    assert len(asked) in (2, 4) and "--map-auto" not in asked[0], "a helper of unshare's would wait for ever"


@pytest.mark.skipif(os.geteuid() != 0, reason="root's rights are dropped for a trial")
def test_root_who_may_not_mount_makes_images_without_mounts() -> None:
    script = "from gatelocal.launcher import trials; print(trials.before_mmdebstrap()[0])"
    argv = ("setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin", "--", sys.executable, "-c", script)
    assert process.run(argv).stdout == "setpriv\n"
