"""Makes trees: a Debian system from the archive, one that is given as a file, and packages on top of one; keeps none.

Nothing that is secret stays in a tree: this machine's settings go in before packages are fetched, and out again.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from gatelocal import process
from gatelocal.errors import InfrastructureError
from gatelocal.launcher import host, layers, partitions, place, recipe, seed, steps, trials
from gatelocal.ports import Say

SYSTEM_OPTIONS = ("--variant=apt", "--verbose", f"--include={','.join(recipe.SYSTEM)}")

_CARRY_OUT = """
cd "$1"
rm -f etc/pip.conf etc/environment etc/apt/apt.conf.d/90host etc/apt/auth.conf.d/90host.conf
"""
_WITHOUT_SOURCES = "rm -f etc/apt/sources.list etc/apt/sources.list.d/*\n"
"""A node gets this machine's sources and settings, which may hold passwords, at each start; an image has none.

Only where this machine has no sources for the suite do those that mmdebstrap itself chose stay.
"""

# Puts packages on the tree `below` in the folder $1, where `carried.tar` and the scripts are, too. $2: that tree is
# shared (a folder that stays as it is), own (one that may be changed) or an archive; $3: where the new one is to be, in
# `rootfs.tar` or a folder: `delta` where it can be laid on a shared one, else `rootfs`. Further words: packages.
PACKAGES = """set -eu
cd "$1"
kind=$2 wanted=$3
shift 3
tree=rootfs
case $kind in
shared)
    mkdir delta work tree
    if mount -t overlay -o lowerdir=below,upperdir=delta,workdir=work overlay tree 2>mount.log; then tree=tree
    else
        rm -rf delta work tree
        mkdir rootfs
        cp -a --reflink=auto below/. rootfs/
    fi ;;
own) mv below rootfs ;;
archive)
    mkdir rootfs
    tar -x -C rootfs --exclude='./dev/*' -f below ;;
esac
tar -x --no-overwrite-dir -C $tree -f carried.tar
rm -f $tree/etc/resolv.conf
cp -L /etc/resolv.conf $tree/etc/resolv.conf
mkdir -p $tree/usr/sbin
printf '#!/bin/sh\\nexit 101\\n' >$tree/usr/sbin/policy-rc.d
chmod 755 $tree/usr/sbin/policy-rc.d
for each in proc sys dev; do mount --rbind /$each $tree/$each 2>/dev/null || :; done
inside() { chroot $tree env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 HOME=/root TMPDIR=/tmp "$@"; }
if [ $# -gt 0 ] && [ -x $tree/usr/bin/apt-get ]; then
    inside apt-get -q update
    inside apt-get -q -y --no-install-recommends install "$@"
    inside apt-get clean
    rm -rf $tree/var/lib/apt/lists
    mkdir -p $tree/var/lib/apt/lists/partial
fi
for script in ./script-*; do sh "$script" "$PWD/$tree"; done
rm -f $tree/usr/sbin/policy-rc.d $tree/etc/resolv.conf
sh ./carry-out $tree
for each in dev sys proc; do umount -R -l $tree/$each 2>/dev/null || :; done
if [ $tree = tree ]; then umount tree; fi
if [ "$wanted" = rootfs.tar ]; then tar -c --numeric-owner --exclude='./dev/*' -C rootfs -f rootfs.tar .; fi
"""

# Takes the system out of the raw disk $1 into the folder $2: from the first of the offsets after them that holds one.
_FROM_DISK = """
disk=$1 into=$2
shift 2
mkdir mounted
for offset; do
    how="ro,loop,offset=$offset"
    if mount -o "$how,noload" "$disk" mounted || mount -o "$how" "$disk" mounted; then
        if [ -d mounted/etc ] && [ -d mounted/usr ]; then
            set -e
            cp -a mounted/. "$into/"
            umount mounted
            exit 0
        fi
        umount mounted
    fi
done
echo "E: no partition of this disk holds a system" >&2
exit 1
"""


def debian(
    layer: layers.Layer, suite: str, settings: host.HostSettings, target: Path, options: Sequence[str], say: Say | None
) -> None:
    """Run mmdebstrap to make `target` (a folder, or an archive for who is not root), beside which it may write.

    :param say: told of the progress. :raises InfrastructureError: it failed.
    """
    before, folder, part = _require(settings), target.parent, target.name.partition(".")[0]
    log = folder.parent / f"{part}.log"
    common = [
        process.find("mmdebstrap"),
        f"--mode={'root' if trials.is_root() else 'unshare'}",
        *(f"--aptopt={option}" for option in recipe.APT_OPTIONS),
        *(f"--dpkgopt={option}" for option in recipe.DPKG_OPTIONS),
        _carry_in(settings, folder),
    ]
    last = [suite, str(target), *_write_sources(settings, folder)]
    told = steps.Bootstrap(say, f"building the image {layer.name}") if say else (lambda line: None)
    with _scratch() as scratch:
        argv = [*before, *common, *options, *last]
        what = f"making {part} of the image {layer.name}"
        steps.watched(argv, log, what, on_line=told, environment={"TMPDIR": str(scratch)})


def system(layer: layers.Layer, suite: str, settings: host.HostSettings, target: Path, say: Say) -> None:
    """Make a node's system from the archive. :raises InfrastructureError: it failed."""
    finish = f"--customize-hook={recipe.FINISH}{recipe.CLEAN}{carry_out(settings)}"
    debian(layer, suite, settings, target, (*SYSTEM_OPTIONS, finish), say)


def carry_out(settings: host.HostSettings) -> str:
    """The shell script that takes this machine's settings out of a tree, whose path is its argument."""
    return _CARRY_OUT + (_WITHOUT_SOURCES if settings.sources else "")


def given(layer: layers.Layer, path: Path, settings: host.HostSettings, folder: Path, say: Say) -> None:
    """Make a node's system in `folder` of a disk, an archive or a folder of this machine.

    :raises InfrastructureError: it is none, or lacks what a node needs and has no apt to fetch it with.
    """
    what = f"taking the image {layer.name} from {path}"
    source, log = folder / "below", folder.parent / "given.log"
    source.mkdir(mode=0o755)
    if path.is_dir():
        argv = ["cp", "-a", "--reflink=auto", f"{path}/.", f"{source}/"]
    elif _is_archive(path):
        argv = ["tar", "-x", "--numeric-owner", "-C", str(source), "--exclude=./dev/*", "--exclude=dev/*"]
        argv += ["-f", str(path)]
    elif trials.is_root():
        raw = folder / "disk.raw"
        steps.watched(["qemu-img", "convert", "-O", "raw", str(path), str(raw)], log, what)
        argv = [*trials.PRIVATE, "sh", "-c", f'cd "$0"; {_FROM_DISK}', str(folder), str(raw), str(source)]
        argv += map(str, partitions.offsets(raw))
    else:
        raise InfrastructureError(f"{what} needs root: it is a disk", hint="give its system as a tar archive")
    steps.watched([*as_root(), *argv], log, what)
    lacking = [name for name in ("sshd", "sudo", "python3", "git", "rsync", "useradd") if not _has(source, name)]
    if lacking and not _has(source, "apt-get"):
        wanted = ", ".join(lacking)
        raise InfrastructureError(f"{path} lacks {wanted}", hint="install them in it; only apt could be used for that")
    packages_on(layer, source, settings, folder, (recipe.SYSTEM if lacking else (), (recipe.FINISH, recipe.CLEAN)), say)


def packages_on(
    layer: layers.Layer,
    below: Path,
    settings: host.HostSettings,
    folder: Path,
    what: tuple[Sequence[str], Sequence[str]],
    say: Say,
) -> None:
    """Make a tree in `folder` that is the one `below` with more in it; as what, see :data:`PACKAGES`.

    :param what: packages, and scripts that are run afterwards with the tree's path.
    :raises InfrastructureError: it failed.
    """
    packages, scripts = what
    before = _require(settings)
    own = below.parent == folder
    kind = "own" if own else "archive" if below.suffix == ".tar" else "shared"
    if not own:
        (folder / "below").symlink_to(below)
    for number, script in enumerate(scripts):
        (folder / f"script-{number}").write_text(script)
    (folder / "carry-out").write_text(carry_out(settings))
    seed.write_tar(folder / "carried.tar", settings.files)
    wanted = layers.WHOLE if trials.is_root() else layers.ARCHIVE
    argv = [*before, *_mapped_with_mounts(), "sh", "-c", PACKAGES, "sh", str(folder), kind, wanted, *packages]
    told = steps.Bootstrap(say, f"building the image {layer.name}")
    log = folder.parent / "packages.log"
    steps.watched(argv, log, f"installing what the image {layer.name} has", on_line=told, environment=PATH)


PATH = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
"""The folders of programs in a tree; this user's own may lack some."""


def why_not() -> str:
    """Why no image can be made on this machine; empty when one can. :raises ProgramMissing: a program is missing."""
    process.find("mmdebstrap")
    if not trials.is_root():
        process.find("newuidmap")
    return "" if trials.before_mmdebstrap() is not None else trials.why_no_tree()[0]


def as_root() -> tuple[str, ...]:
    """What to put before a program that must see itself as root over files: nothing for root itself."""
    return () if trials.is_root() else trials.MAPPED


def _mapped_with_mounts() -> tuple[str, ...]:
    if trials.is_root():
        return ()
    return (*trials.MAPPED[:-1], *trials.PRIVATE[1:])


def _has(tree: Path, program: str) -> bool:
    folders = ("usr/bin", "usr/sbin", "bin", "sbin", "usr/local/bin")
    return any((tree / folder / program).exists() or (tree / folder / program).is_symlink() for folder in folders)


def _is_archive(path: Path) -> bool:
    return ".tar" in path.name or path.suffix in (".tgz", ".txz", ".tzst")


def _require(settings: host.HostSettings) -> tuple[str, ...]:
    """What has to stand before mmdebstrap here. :raises InfrastructureError: it cannot work; says what helps."""
    if not trials.is_root():
        process.find("newuidmap")
    before = trials.before_mmdebstrap()
    if before is None:
        brief, hint = trials.why_no_tree()
        raise InfrastructureError(brief, hint=hint)
    signed_by = host.DEFAULT_KEYRING
    if not Path(signed_by).exists() and any(signed_by.encode() in file.content for file in settings.sources):
        raise InfrastructureError(
            "the keys of the Debian archive are not on this machine",
            details=f"{signed_by} is not there",
            hint="install the package debian-archive-keyring and try again",
        )
    return before


@contextmanager
def _scratch() -> Iterator[Path]:
    """A folder for mmdebstrap's temporary files, which it cannot remove itself when it is killed."""
    with place.scratch() as folder:
        folder.chmod(0o711)  # without being root, it works as another user
        inner = folder / "mmdebstrap"
        inner.mkdir(mode=0o755)
        inner.chmod(0o755 if trials.is_root() else 0o1777)
        try:
            yield inner
        finally:
            layers.remove_tree(inner)


def _write_sources(settings: host.HostSettings, folder: Path) -> list[str]:
    """Write the package sources for mmdebstrap and give their paths."""
    written = []
    for file in settings.sources:
        path = folder / file.path.rpartition("/")[2]
        path.touch(mode=0o600)
        path.write_bytes(file.content)
        written.append(str(path))
    return written


def _carry_in(settings: host.HostSettings, folder: Path) -> str:
    """Pack this machine's settings and give the hook that puts them into a tree before its first package."""
    files = [each for each in settings.files if each not in settings.sources]
    seed.write_tar(folder / "carried.tar", files)
    return f"--setup-hook=tar-in {shlex.quote(str(folder / 'carried.tar'))} /"
