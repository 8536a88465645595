# Sourced by tools/try and tools/test: system packages, then a virtual environment with this project in it.
#
# Nothing outside the checkout is changed but by apt, and by apt only with packages that bindep.txt names.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=${GATELOCAL_VENV:-$root/.venv}

# What is to be done when the script ends, whichever way.
at_exit=()
trap 'for undo in ${at_exit[@]+"${at_exit[@]}"}; do eval "$undo"; done' EXIT

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

# foresee_node KIND: say at once what kind of node there will be and why, before anything is installed. What comes out
# in the end is found out by trying (gatelocal/launcher) and said again when it is known.
foresee_node() {
    local kind=container why= first=
    if [ "$1" != auto ]; then
        say "nodes: $1, as asked for"
        return
    fi
    if [ -r /dev/kvm ] && [ -w /dev/kvm ]; then
        first="an accelerated virtual machine if /dev/kvm boots one (that is tried); else "
    fi
    if [ "$(id -u)" != 0 ]; then
        kind=machine why="containers need root"
    elif ! unshare --mount --net --pid --fork --mount-proc --propagation private true 2>/dev/null; then
        kind=machine why="this root may not make the namespaces and mounts of a container"
    fi
    # In this order: where no user namespace is allowed, --map-auto leaves a helper that waits for ever.
    if [ $kind = machine ] && [ "$(id -u)" != 0 ] &&
        ! { unshare --map-root-user true && unshare --map-root-user --map-auto true; } 2>/dev/null; then
        kind=local why="$why, and this user may make no image (no user namespaces, or no range in /etc/subuid)"
    elif missing_packages | grep -qxE "$NODE_PACKAGES" && ! { command -v apt-get >/dev/null && as_root true; }; then
        kind=local why="${why:+$why, and }packages are missing that this user cannot install"
    fi
    case $kind in
    container) say "nodes: ${first}containers (systemd-nspawn): this root may make them" ;;
    machine) say "nodes: ${first}an emulated virtual machine, which is slow: $why" ;;
    local)
        say "nodes: THIS MACHINE ITSELF, WITHOUT ANY ISOLATION (--node local), because nothing else can be had: $why"
        ;;
    esac
}

NODE_PACKAGES='mmdebstrap|qemu-system-x86|qemu-utils|uidmap|e2fsprogs|debian-archive-keyring'

# Programs without /proc know neither themselves nor each other: a plain chroot may lack it.
see_to_proc() {
    [ ! -e /proc/self/stat ] || return 0
    if [ "$(id -u)" = 0 ] && mkdir -p /proc && mount -t proc proc /proc 2>/dev/null; then
        say "/proc was not mounted: it is for as long as this runs"
        at_exit+=("umount /proc")
        return 0
    fi
    say "/proc is not mounted, and cannot be by this user: mount -t proc proc /proc"
    return 1
}

# missing_packages [test]: the packages of bindep.txt that this system does not have; those of the profile `test` only
# where they are asked for.
missing_packages() {
    local wanted=${1:-} system package marks
    system=$(. /etc/os-release 2>/dev/null && printf '%s' "${ID:-}")
    sed -nE 's/^([a-z0-9][a-z0-9.+-]*) +\[(.*)\]$/\1 \2/p' "$root/bindep.txt" | while read -r package marks; do
        case " $marks " in
        *" platform:dpkg "* | *" platform:${system:-none} "*) ;;
        *) continue ;;
        esac
        [[ " $marks " != *" test "* || $wanted = test ]] || continue
        dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q '^install ok installed' || printf '%s\n' "$package"
    done
}

# install_system_packages [test]: what is missing, as far as we may; else it is told.
install_system_packages() {
    if ! command -v apt-get >/dev/null; then
        say "this is no Debian or Ubuntu: see bindep.txt for what has to be there"
        return
    fi
    local packages
    packages=$(missing_packages "${1:-}")
    [ -n "$packages" ] || return 0
    if as_root true && say "system packages: installing" $packages && as_root apt-get -qq update &&
        as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install $packages >/dev/null; then
        return 0
    fi
    say "system packages: these are missing and could not be installed here (it needs root or sudo); going on without:"
    say "    apt-get install" $packages
}

# A Python to make the virtual environment with: never the one in it, which may be first on PATH and is about to go.
find_python() {
    local name PATH=:$PATH:
    PATH=${PATH//:"$venv/bin":/:}
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

# make_environment EXTRAS [newest]: the virtual environment with these extras, in the versions of constraints.txt or in
# the newest that there are; made anew when what it is made from has changed.
make_environment() {
    local python made stamp=$venv/made-from
    python=$(find_python) || return 1
    made="$root $("$python" --version) $(cd "$root" &&
        cat setup.cfg requirements.txt pyproject.toml constraints.txt | sha256sum) ${2:-}"
    if [ "$(head -n 1 "$stamp" 2>/dev/null)" != "$made" ] || [ -n "${2:-}" ]; then
        rm -rf "$venv"
        "$python" -m venv "$venv" || return 1
        printf '%s\n' "$made" > "$stamp"
    fi
    if ! grep -qxF "$1" "$stamp"; then
        say "virtual environment: installing this project and what it needs into ${venv#"$root"/}"
        install_project "$1" "${2:-}" || return 1
        printf '%s\n' "$1" >> "$stamp"
    fi
    PATH="$venv/bin:$PATH"
    export PATH
}

# install_project EXTRAS [newest]: what builds the project (setuptools, pbr) is bound by the constraints as well, which
# pip takes from variables: an older one from the first, a newer one from the second. A relative path has no blanks.
install_project() (
    cd "$root" || exit 1
    [ "${2:-}" = newest ] || export PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --editable ".[$1]"
)

# Resolve anew what constraints.txt holds: every direct and indirect dependency of every extra, for each Python that is
# supported. The package index is the one that pip uses here; nothing of it is written down.
refresh_constraints() (
    cd "$root" || exit 1
    local index
    index=$(pip_setting index-url)
    [ -z "$index" ] || export UV_DEFAULT_INDEX=$index
    index=$(pip_setting extra-index-url)
    [ -z "$index" ] || export UV_INDEX=$index
    {
        printf '%s\n' "# What was tested is what is installed: every dependency of every extra, for each supported Python." \
            "# Made by tools/test --refresh, which then runs every test."
        uv --quiet pip compile setup.cfg --all-extras --universal --python-version 3.11 --upgrade --no-header --no-annotate
    } > constraints.new && mv constraints.new constraints.txt
)

# pip_setting NAME: an option of pip's, from its variables or files.
pip_setting() {
    "$venv/bin/python" -m pip config list 2>/dev/null |
        sed -n "s/^\(global\|install\|:env:\)\.$1='\(.*\)'\$/\2/p" | tail -n 1
}
