"""What is in an image: packages and the shell scripts that finish a tree, and the keys of its layers; it builds none.

An image has layers: the system with what any node needs; on it the packages of a family of jobs; beside them a kernel.
A key is made of all that goes into a layer, so that another recipe is another layer.
"""

from __future__ import annotations

import hashlib

from gatelocal.launcher.seed import HOME, UID, USER
from gatelocal.model.label import Labels, Meaning, Origin

REVISION = 4
"""Raised when a recipe changes in a way that its texts do not show."""

SYSTEM = (
    *("systemd", "systemd-sysv", "dbus", "kmod", "openssh-server", "sudo", "iproute2", "iputils-ping", "netbase"),
    *("ca-certificates", "curl", "wget", "gnupg", "lsb-release", "file", "lsof", "procps", "gettext-base", "locales"),
    *("python3", "python3-venv", "git", "rsync", "bzip2", "xz-utils", "tzdata"),
)
"""What any node has."""

_COMPILER = ("build-essential", "pkg-config", "python3-dev", "libffi-dev", "libssl-dev")
FAMILIES = {
    # What packages without wheels are built with: the gate's own nodes have that much.
    "tox": _COMPILER,
    # What devstack takes for granted beside it, and what its services need from the start.
    "devstack": (
        *_COMPILER,
        *("apache2", "apache2-dev", "apparmor-utils", "bc", "bridge-utils", "bsdmainutils", "conntrack"),
        *("dnsmasq-base", "ebtables", "gawk", "gettext", "graphviz", "iptables", "jq", "ksmtuned", "libjpeg-dev"),
        *("libkrb5-dev", "libldap2-dev", "libpcre2-dev", "libpq-dev", "libsasl2-dev", "libsystemd-dev"),
        *("libxml2-dev", "libxslt1-dev", "libyaml-dev", "mariadb-server", "memcached", "net-tools", "openssl", "pcp"),
        *("psmisc", "python3-mysqldb", "python3-pip", "python3-systemd", "rabbitmq-server", "screen", "sqlite3"),
        *("tcpdump", "unzip", "uuid-runtime", "uwsgi", "uwsgi-plugin-python3", "zlib1g-dev"),
    ),
}
"""Family of jobs → the packages that they want beside the system's."""
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


DEFAULT = "debian-bookworm"
_TRIXIE = "debian-trixie"
BUILT_IN = Labels(
    DEFAULT,
    {name: Origin(name, name.removeprefix("debian-")) for name in (DEFAULT, _TRIXIE)},
    (Meaning((DEFAULT,), DEFAULT), Meaning((_TRIXIE,), _TRIXIE)),
)
"""The table of labels where nobody gives another one."""


def key(*parts: object) -> str:
    """A name for what is made of these parts; other parts have another name."""
    return hashlib.sha256(repr((REVISION, *parts)).encode()).hexdigest()[:16]


FINISH = f"""set -eu
root=$1
inside() {{ chroot "$root" env LC_ALL=C.UTF-8 HOME=/root "$@"; }}
other=$(inside getent passwd {UID} | cut -d: -f1)
[ -z "$other" ] || inside userdel --remove "$other" 2>/dev/null
inside useradd --uid {UID} --user-group --create-home --home-dir {HOME} --shell /bin/bash --password '*' {USER}
echo '{USER} ALL=(ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/{USER}"
chmod 0440 "$root/etc/sudoers.d/{USER}"
echo 'Defaults !fqdn' >"$root/etc/sudoers.d/names"
chmod 0440 "$root/etc/sudoers.d/names"
for each in ssh/sshd_config.d gatelocal systemd/journald.conf.d sysctl.d default; do mkdir -p "$root/etc/$each"; done
cat >"$root/etc/ssh/sshd_config.d/00-gatelocal.conf" <<'END'
HostKey /etc/gatelocal/host_key
AuthorizedKeysFile /etc/gatelocal/authorized_keys
PasswordAuthentication no
PermitRootLogin prohibit-password
UseDNS no
PrintMotd no
MaxSessions 64
END
rm -f "$root"/etc/ssh/ssh_host_* "$root"/etc/machine-id "$root"/var/lib/dbus/machine-id
: >"$root/etc/machine-id"
printf '[Journal]\\nStorage=volatile\\nForwardToConsole=no\\n' >"$root/etc/systemd/journald.conf.d/gatelocal.conf"
echo 'net.ipv4.ping_group_range = 0 65535' >"$root/etc/sysctl.d/gatelocal.conf"
for unit in {" ".join(_MASKED)}; do ln -sf /dev/null "$root/etc/systemd/system/$unit"; done
ln -sf /lib/systemd/system/multi-user.target "$root/etc/systemd/system/default.target"
[ ! -d "$root/etc/cloud" ] || touch "$root/etc/cloud/cloud-init.disabled"
rm -f "$root"/etc/cron.daily/*
echo 'LANG=C.UTF-8' >"$root/etc/default/locale"
: >"$root/etc/fstab"
"""
"""Turns a system into a node's: its user, ssh, no services that nobody waits for. Its argument is the tree's path."""

TOX = """set -eu
root=$1
for name in $(env | sed -n 's/^\\(PIP_[A-Za-z_]*\\|[A-Z_]*CA_[A-Z]*\\|SSL_CERT_[A-Z]*\\)=.*/\\1/p'); do
    unset "$name"
done
inside() { chroot "$root" env LC_ALL=C.UTF-8 HOME=/root "$@"; }
inside python3 -m venv /opt/tox
inside /opt/tox/bin/pip --no-cache-dir --quiet --disable-pip-version-check install 'tox>=4' bindep
ln -sf /opt/tox/bin/tox /opt/tox/bin/bindep "$root/usr/local/bin/"
"""
"""Puts tox and bindep into a tree. Its argument is the tree's path."""

CLEAN = """set -eu
cd "$1"
rm -rf root/.cache usr/share/locale/* var/cache/debconf/*-old var/lib/dpkg/*-old var/cache/apt/*.bin
"""
"""Takes away what no node looks at. Its argument is the tree's path."""
