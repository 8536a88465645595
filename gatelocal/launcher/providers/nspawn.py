"""Nodes that are booted containers (systemd-nspawn) with a network of their own; for root, at native speed.

They share this machine's kernel, and root in them is this machine's root with fewer rights: no wall against malice.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gatelocal import process
from gatelocal.errors import InfrastructureError
from gatelocal.launcher import connection, images, network, place, seed, steps
from gatelocal.launcher.lifecycle import NodeState
from gatelocal.ports import Say

KIND = "container (systemd-nspawn)"
_READY_SECONDS = 60.0

# Runs as the first process of the namespaces, in the node's folder: NAME, then the control groups to move to.
_UP = """
set -eu
name=$1
shift
for group; do echo $$ >"$group/cgroup.procs"; done
ip link set lo up
layers=lowerdir=lower,upperdir=upper,workdir=work
mount -t overlay -o "$layers,volatile" overlay root 2>/dev/null ||
    mount -t overlay -o "$layers" overlay root 2>/dev/null ||
    cp -a --reflink=auto lower/. root/
tar -x --no-overwrite-dir -C root -f seed.tar
exec systemd-nspawn --quiet --boot --register=no --keep-unit --directory=root --machine="$name" \
    --network-namespace-path=/proc/self/ns/net --resolv-conf=off --link-journal=no --console=pipe
"""


def why_not() -> str:
    """Why there can be no container here; empty when there can. :raises ProgramMissing: a program is not installed."""
    for program in ("systemd-nspawn", "slirp4netns", "unshare", "ip"):
        process.find(program)
    return "" if images.is_root() else "containers need root"


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
            raise InfrastructureError(
                f"the container {record.name} ended while it started ({waited:.0f} s)", details=child.last_words()
            )

    try:
        connection.wait_for_banner(port, _READY_SECONDS, check)
    except TimeoutError as error:
        raise InfrastructureError(
            f"the container {record.name} was not ready in time: {error}", details=child.last_words()
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
