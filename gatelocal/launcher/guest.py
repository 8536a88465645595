"""What a server of a cloud is told at its first boot, and what makes a stock system of it a node; texts alone.

The first is for cloud-init, which any image that is made for clouds has. It carries the server's own host key, so that
nobody has to be trusted on first use. Whoever is on the server can read it: it opens nothing else.
"""

from __future__ import annotations

import json

from gatelocal.launcher import recipe
from gatelocal.launcher.seed import HOME, USER

_SSHD = "PermitRootLogin prohibit-password\nPasswordAuthentication no\nUseDNS no\nMaxSessions 64\n"


def user_data(name: str, key: str, host_key: str, host_key_public: str) -> str:
    """What the server is told. :param key: the public key that opens it, of root too."""
    told = {
        "hostname": name,
        "preserve_hostname": False,
        "manage_etc_hosts": "localhost",
        "users": [
            {
                "name": USER,
                "homedir": HOME,
                "shell": "/bin/bash",
                "sudo": "ALL=(ALL) NOPASSWD:ALL",
                "lock_passwd": True,
                "ssh_authorized_keys": [key.strip()],
            }
        ],
        "disable_root": False,
        "ssh_pwauth": False,
        "ssh_authorized_keys": [key.strip()],
        "ssh_deletekeys": True,
        "ssh_keys": {"ed25519_private": host_key, "ed25519_public": host_key_public.strip()},
        "write_files": [{"path": "/etc/ssh/sshd_config.d/00-gatelocal.conf", "content": _SSHD}],
    }
    return f"#cloud-config\n{json.dumps(told, indent=1)}\n"


def packages(family: str) -> tuple[str, ...]:
    """What a job of that family takes for granted, by Debian's names."""
    return ("git", "rsync", "bzip2", "xz-utils", "python3", "python3-venv", *recipe.FAMILIES[family])


FURNISH = f"""set -eu
if command -v cloud-init >/dev/null; then cloud-init status --wait >/dev/null || :; fi
if command -v apt-get >/dev/null; then
    lacking=
    for package; do
        case $(dpkg-query -W -f '${{db:Status-Status}}' "$package" 2>/dev/null) in
        installed) ;; *) lacking="$lacking $package" ;;
        esac
    done
    if [ -n "$lacking" ]; then
        export DEBIAN_FRONTEND=noninteractive
        apt-get -q -o DPkg::Lock::Timeout=300 update
        apt-get -q -y -o DPkg::Lock::Timeout=300 --no-install-recommends install $lacking
    fi
elif command -v dnf >/dev/null; then
    dnf -q -y install git rsync bzip2 xz python3 python3-devel gcc gcc-c++ make pkgconf libffi-devel openssl-devel
fi
if ! command -v tox >/dev/null; then
    sh -c "$(cat <<'END'
{recipe.TOX}END
)" sh /
fi
"""
"""Installs what a system lacks of a node, as root; its arguments are packages. One that has it all is left alone."""
