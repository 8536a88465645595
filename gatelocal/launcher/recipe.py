"""What is in an image: packages and the shell script that finishes the tree; it builds nothing."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from gatelocal.launcher.seed import HOME, UID, USER

REVISION = 3
"""Raised when the recipe changes in a way that its texts do not show."""

_PACKAGES = (
    *("systemd", "systemd-sysv", "dbus", "kmod", "openssh-server", "sudo", "iproute2", "iputils-ping", "netbase"),
    *("ca-certificates", "curl", "wget", "gnupg", "lsb-release", "file", "lsof", "procps", "gettext-base", "locales"),
    *("python3", "python3-venv", "git", "rsync", "bzip2", "xz-utils", "tzdata"),
    # What packages without wheels are built with: the gate's own nodes have that much.
    *("build-essential", "pkg-config", "python3-dev", "libffi-dev", "libssl-dev"),
)
KERNEL_PACKAGES = ("linux-image-cloud-amd64", "busybox-static", "kmod")

# What apt and dpkg leave out or hurry: a node lives for minutes and nobody reads manuals on it.
DPKG_OPTIONS = (
    "force-unsafe-io",
    "path-exclude=/usr/share/doc/*",
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/info/*",
    "path-exclude=/usr/share/locale/*",
    "path-exclude=/usr/share/i18n/locales/*_*",
    "path-include=/usr/share/i18n/locales/en_US",
    "path-include=/usr/share/i18n/locales/en_GB",
    "path-include=/usr/share/i18n/locales/translit_*",
    "path-exclude=/usr/share/git-core/contrib/*",
)
APT_OPTIONS = ('Acquire::Languages "none"', 'APT::Install-Recommends "false"')

_MASKED = (
    *("apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "fstrim.timer"),
    *("e2scrub_reap.service", "getty.target", "systemd-networkd.service", "systemd-resolved.service"),
    *("tmp.mount", "systemd-timesyncd.service", "systemd-logind.service", "systemd-update-utmp.service"),
    *("systemd-update-utmp-runlevel.service", "systemd-machine-id-commit.service", "systemd-firstboot.service"),
    *("systemd-pstore.service", "systemd-ask-password-wall.path", "systemd-ask-password-console.path"),
    *("systemd-binfmt.service", "proc-sys-fs-binfmt_misc.automount", "systemd-boot-system-token.service"),
    *("dev-hugepages.mount", "sys-kernel-debug.mount", "sys-kernel-tracing.mount", "dev-mqueue.mount"),
    *("sys-fs-fuse-connections.mount", "sys-kernel-config.mount"),
)


@dataclass(frozen=True, slots=True)
class Recipe:
    """An image's label and what it is made from. :ivar suite: the Debian release's code name."""

    label: str
    suite: str
    packages: tuple[str, ...] = _PACKAGES


DEFAULT_LABEL = "debian-bookworm"
RECIPES = {label: Recipe(label, label.removeprefix("debian-")) for label in (DEFAULT_LABEL, "debian-trixie")}

# The image whose Python and libraries come nearest: Debian 12 has Python 3.11, Debian 13 has 3.13.
_NEAREST = (
    (
        re.compile(r"trixie|debian-?13|noble|ubuntu-?24|resolute|ubuntu-?26|(centos|rocky|alma|rhel)\D*10"),
        "debian-trixie",
    ),
    (re.compile(r""), DEFAULT_LABEL),
)


def nearest(label: str | None) -> str:
    """The label of an image that is that label's own, or stands in for it (None: the job names none)."""
    wanted = label or DEFAULT_LABEL
    return wanted if wanted in RECIPES else next(image for pattern, image in _NEAREST if pattern.search(wanted))


def key(recipe: Recipe, sources: bytes) -> str:
    """A name for the tree that this recipe gives with those package sources; another recipe has another name."""
    parts = (REVISION, recipe, KERNEL_PACKAGES, DPKG_OPTIONS, APT_OPTIONS, finish_script(recipe), sources)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def finish_script(recipe: Recipe) -> str:
    """The lines of shell that turn installed packages into a node's tree; their argument is the tree's path."""
    masks = " ".join(_MASKED)
    return f"""set -eu
root=$1
for name in $(env | sed -n 's/^\\(PIP_[A-Za-z_]*\\|[A-Z_]*CA_[A-Z]*\\|SSL_CERT_[A-Z]*\\)=.*/\\1/p'); do
    unset "$name"
done
inside() {{ chroot "$root" env LC_ALL=C.UTF-8 HOME=/root "$@"; }}
inside useradd --uid {UID} --user-group --create-home --home-dir {HOME} --shell /bin/bash --password '*' {USER}
echo '{USER} ALL=(ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/{USER}"
chmod 0440 "$root/etc/sudoers.d/{USER}"
echo 'Defaults !fqdn' >"$root/etc/sudoers.d/names"
chmod 0440 "$root/etc/sudoers.d/names"
cat >"$root/etc/ssh/sshd_config.d/gatelocal.conf" <<'END'
HostKey /etc/gatelocal/host_key
AuthorizedKeysFile /etc/gatelocal/authorized_keys
PasswordAuthentication no
PermitRootLogin prohibit-password
UseDNS no
PrintMotd no
MaxSessions 64
END
rm -f "$root"/etc/ssh/ssh_host_*
mkdir -p "$root/etc/gatelocal" "$root/etc/systemd/journald.conf.d"
printf '[Journal]\\nStorage=volatile\\nForwardToConsole=no\\n' >"$root/etc/systemd/journald.conf.d/gatelocal.conf"
for unit in {masks}; do ln -sf /dev/null "$root/etc/systemd/system/$unit"; done
ln -sf /lib/systemd/system/multi-user.target "$root/etc/systemd/system/default.target"
rm -f "$root"/etc/cron.daily/*
echo 'LANG=C.UTF-8' >"$root/etc/default/locale"
inside python3 -m venv /opt/tox
inside /opt/tox/bin/pip --no-cache-dir --quiet --disable-pip-version-check install 'tox>=4' bindep
ln -s /opt/tox/bin/tox /opt/tox/bin/bindep "$root/usr/local/bin/"
rm -rf "$root"/root/.cache "$root"/usr/share/locale/* "$root"/var/cache/debconf/*-old "$root"/var/lib/dpkg/*-old
: >"$root/etc/fstab"
"""
