# Sourced by tools/try and tools/test: system packages, then a virtual environment with this project in it.
#
# Nothing outside the checkout is changed but by apt, and by apt only with packages that bindep.txt names.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=${GATELOCAL_VENV:-$root/.venv}

say() { printf '%s\n' "$*" >&2; }

# Run a command with the rights to change the system; fails when we may not.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        sudo -n -- "$@"
    else
        return 1
    fi
}

# The packages of bindep.txt that this system does not have.
missing_packages() {
    sed -n 's/^\([a-z0-9][a-z0-9.+-]*\) .*platform:dpkg.*/\1/p' "$root/bindep.txt" | while read -r package; do
        dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q '^install ok installed' || printf '%s\n' "$package"
    done
}

install_system_packages() {
    if ! command -v apt-get >/dev/null; then
        say "this is no Debian or Ubuntu: see bindep.txt for what has to be there"
        return
    fi
    local packages
    packages=$(missing_packages)
    [ -n "$packages" ] || return 0
    say "system packages: installing" $packages
    if as_root apt-get -qq update &&
        as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install $packages >/dev/null; then
        return 0
    fi
    say "system packages: these are missing and could not be installed here (it needs root or sudo); going on without:"
    say "    apt-get install" $packages
}

find_python() {
    local name
    for name in python3 python3.13 python3.12 python3.11; do
        if command -v "$name" >/dev/null &&
            "$name" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return 0
        fi
    done
    say "Python 3.11 or newer with its venv module is needed (packages python3 and python3-venv)"
    return 1
}

# make_environment EXTRAS: the virtual environment with these extras; made anew when what it is made from has changed.
make_environment() {
    local python made stamp=$venv/made-from
    python=$(find_python) || return 1
    made="$root $("$python" --version) $(cat "$root/setup.cfg" "$root/requirements.txt" "$root/pyproject.toml" | sha256sum)"
    if [ "$(head -n 1 "$stamp" 2>/dev/null)" != "$made" ]; then
        rm -rf "$venv"
        "$python" -m venv "$venv" || return 1
        printf '%s\n' "$made" > "$stamp"
    fi
    if ! grep -qxF "$1" "$stamp"; then
        say "virtual environment: installing this project and what it needs into ${venv#"$root"/}"
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --editable "$root[$1]" || return 1
        printf '%s\n' "$1" >> "$stamp"
    fi
    PATH="$venv/bin:$PATH"
    export PATH
}
