"""Nodes that are booted containers (systemd-nspawn) with a network of their own; for root, at native speed.

They share this machine's kernel, and root in them is this machine's root with fewer rights: no wall against malice.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gatelocal import process
from gatelocal.errors import InfrastructureError
from gatelocal.launcher import connection, images, network, place, seed, steps, trials
from gatelocal.launcher.lifecycle import NodeState
from gatelocal.ports import Say

KIND = "container (systemd-nspawn)"
_READY_SECONDS = 120.0
_TRIAL_SECONDS = 60.0
_MEMORY = "containers.json"

# Runs as the first process of the namespaces, in the node's folder: NAME, then the control groups to move to.
_UP = """
set -eu
name=$1
shift
for group; do echo $$ >"$group/cgroup.procs"; done
ip link set lo up
# systemd-nspawn keeps a folder for each container there and leaves it behind when it is killed: not on this machine.
if [ -d /run/systemd ]; then mount -t tmpfs -o mode=755 tmpfs /run/systemd; else mount -t tmpfs tmpfs /run; fi
layers=lowerdir=lower,upperdir=upper,workdir=work
mount -t overlay -o "$layers,volatile" overlay root 2>/dev/null ||
    mount -t overlay -o "$layers" overlay root 2>/dev/null ||
    cp -a --reflink=auto lower/. root/
tar -x --no-overwrite-dir -C root -f seed.tar
exec systemd-nspawn --quiet --boot --register=no --keep-unit --directory=root --machine="$name" \
    --network-namespace-path=/proc/self/ns/net --resolv-conf=off --link-journal=no --console=pipe
"""


# Starts `true` in a container of this machine's own /usr, in the very way in which a node is started.
_TRIAL = """
if [ -d /run/systemd ]; then mount -t tmpfs -o mode=755 tmpfs /run/systemd; else mount -t tmpfs tmpfs /run; fi || exit 1
exec systemd-nspawn --quiet --register=no --keep-unit --volatile=yes --directory=/ --machine=gatelocal-trial \
    --network-namespace-path=/proc/self/ns/net --resolv-conf=off --link-journal=no --console=pipe true
"""


class DidNotStart(InfrastructureError):
    """A container ended while it started: this machine may not be fit for any."""


def why_not(cache: Path) -> str:
    """Why there can be no container here; empty when there can. It is tried, not guessed.

    :param cache: where the answer is remembered. :raises ProgramMissing: a program is not installed.
    """
    process.find("systemd-nspawn")
    if not trials.is_root():
        return "containers need root"
    return network.why_not() or trials.remembered(cache / _MEMORY, ["systemd-nspawn"], _try)


def does_not_work(cache: Path, error: DidNotStart) -> None:
    """Remember that a container did not start here, although the trial did."""
    trials.keep(cache / _MEMORY, ["systemd-nspawn"], f"a container was tried and did not start ({error.brief})")


def _try() -> str:
    spaces = trials.spaces()
    if not spaces or "--map-root-user" in spaces:
        return "this root may make no namespaces or mounts (CAP_SYS_ADMIN is missing, or this is a plain chroot)"
    try:
        done = process.run((*spaces, "sh", "-c", _TRIAL), timeout=_TRIAL_SECONDS, check=False)
    except TimeoutError as error:
        return f"a small container was tried and did not end ({error})"
    said = (done.stderr or done.stdout).strip().splitlines()
    return "" if done.status == 0 else f"a small container was tried and did not start ({said[-1] if said else ''})"


def launch(image: images.Image, folder: Path, record: place.Record, say: Say) -> connection.SshNode:
    """Boot a container of the image in the node's folder.

    :raises InfrastructureError: it does not come up; its console's last lines are in the details.
    """
    lower = images.ensure_rootfs(image, say)
    for part in ("upper", "work", "root"):
        (folder / part).mkdir(mode=0o755)
    (folder / "lower").symlink_to(lower)
    files = (*seed.identity(folder, record.name, network.ADDRESS), *image.settings.files, _resolver())
    seed.write_tar(folder / "seed.tar", files)
    groups = _control_groups(record.name)
    record = place.move(folder, replace(record, cgroups=tuple(map(str, groups)), home=seed.HOME), NodeState.BOOTING)
    with steps.step(say, f"starting the {KIND} {record.name}", "its ssh server"):
        return _boot(folder, record, groups)


def _boot(folder: Path, record: place.Record, groups: tuple[Path, ...]) -> connection.SshNode:
    argv = ("sh", "-c", _UP, "sh", record.name, *map(str, groups))
    # Without this variable systemd-nspawn makes /tmp a tenth of the memory.
    child, record = network.start(folder, record, argv, {"SYSTEMD_NSPAWN_TMPFS_TMP": "0"})
    port, record = network.connect(folder, record, record.processes[-1].pid, 22)

    def check(waited: float) -> None:
        if child.ended() is not None:
            raise DidNotStart(
                f"the container {record.name} ended while it started ({waited:.0f} s)",
                details=child.last_words(),
                hint="choose another kind of node: --node qemu, or --node local",
            )

    try:
        connection.wait_for_banner(port, _READY_SECONDS, check)
    except TimeoutError as error:
        raise InfrastructureError(
            f"the container {record.name} was not ready in time: {error}",
            details=child.last_words(),
            hint="is the machine overloaded? another kind of node: --node qemu, or --node local",
        ) from error
    connection.write_configuration(folder, record.name, port)
    record = place.move(folder, record, NodeState.READY)
    node = connection.SshNode(folder, record)
    node.connect(_READY_SECONDS)
    return node


def _resolver() -> seed.File:
    return seed.File("/etc/resolv.conf", f"nameserver {network.RESOLVER}\n".encode())


def _control_groups(name: str) -> tuple[Path, ...]:
    """Make a control group of the node's own below this process's, in the hierarchies that systemd uses."""
    made = []
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        number, controllers, path = line.split(":", 2)
        for mounted in _mounts(number == "0", controllers):
            group = mounted / path.lstrip("/") / f"gatelocal-{name}"
            try:
                group.mkdir()
            except OSError:
                continue
            made.append(group)
    return tuple(made)


def _mounts(unified: bool, controllers: str) -> list[Path]:
    wanted = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(" ", 2)
        if (unified and kind == "cgroup2") or (
            controllers == "name=systemd" and kind == "cgroup" and "name=systemd" in options
        ):
            wanted.append(Path(before.split()[4]))
    return wanted[:1]
