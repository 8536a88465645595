"""The settings of this machine that a node must share to reach package archives: apt, pip, certificates, proxies.

It reads configuration only; nothing that it finds is shown, logged or put on a command line.
"""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from gatelocal import process
from gatelocal.launcher.seed import File

BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
_LOCAL_AUTHORITIES = Path("/usr/local/share/ca-certificates")
_BUNDLE_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "NODE_EXTRA_CA_CERTS")
_PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy")
_PIP_OPTIONS = frozenset(
    "index-url extra-index-url trusted-host timeout retries proxy find-links no-index cert "
    "disable-pip-version-check prefer-binary no-binary only-binary".split()
)
_APT_OPTION = re.compile(
    r'^Acquire::(https?(::[^ ]*)?|Retries|ForceIPv[46]|Check-Valid-Until|Max-ValidTime|Queue-Mode)[^ ]* "'
)
_RELEASES = ("trixie", "bookworm", "forky")
DEFAULT_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


@dataclass(frozen=True, slots=True)
class HostSettings:
    """What to carry.

    :ivar files: everything, as files of a node. :ivar sources: those of `files` that name package sources.
    """

    files: tuple[File, ...]
    sources: tuple[File, ...]


def read(environment: Mapping[str, str], suite: str, root: Path = Path("/")) -> HostSettings:
    """Read what this machine has configured.

    :param environment: this process's variables. :param suite: the Debian release that sources are wanted for.
    :param root: where the file system of the machine is (another one in tests).
    """
    pip = _pip(environment, root)
    named = {environment.get(each, "") for each in _BUNDLE_VARIABLES} | {environment.get("PIP_CERT", "")}
    named |= {pip.get("cert", "")}
    sources, keyrings = _apt_sources(suite, root)
    bundle = _bundle(named, root)
    files = (
        *_authorities(root),
        *([File(BUNDLE, bundle)] if bundle else []),
        *sources,
        *keyrings,
        *_apt_options(root),
        *_apt_passwords(root),
        File("/etc/pip.conf", _pip_conf(pip, bool(bundle))),
        File("/etc/environment", _variables(environment, bool(bundle))),
    )
    return HostSettings(files, sources)


def without_sources(settings: HostSettings) -> tuple[File, ...]:
    """The files of a node that has package sources of its own."""
    apt = ("/etc/apt/sources.list", "/etc/apt/auth.conf")
    return tuple(file for file in settings.files if file not in settings.sources and not file.path.startswith(apt))


def _authorities(root: Path) -> list[File]:
    folder = root / _LOCAL_AUTHORITIES.relative_to("/")
    found = sorted(each for each in folder.glob("**/*.crt") if each.is_file())
    return [File(f"{_LOCAL_AUTHORITIES}/{each.relative_to(folder)}", each.read_bytes()) for each in found]


def _bundle(named: Iterable[str], root: Path) -> bytes:
    """The machine's bundle, with those that variables and settings name appended."""
    wanted = [BUNDLE, *sorted(each for each in named if each.startswith("/") and each != BUNDLE)]
    parts = [(root / each.lstrip("/")) for each in wanted]
    return b"\n".join(part.read_bytes() for part in parts if part.is_file())


def _variables(environment: Mapping[str, str], bundle: bool) -> bytes:
    lines = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
    if bundle:
        lines |= dict.fromkeys(_BUNDLE_VARIABLES, BUNDLE)
    for name in (each for proxy in _PROXIES for each in (proxy, proxy.upper())):
        if environment.get(name):
            lines[name] = environment[name]
    return "".join(f"{name}={value}\n" for name, value in lines.items() if "\n" not in value).encode()


def _pip(environment: Mapping[str, str], root: Path) -> dict[str, str]:
    """pip's options by their long names, in pip's order of precedence (pip's user guide, "Configuration")."""
    home = environment.get("HOME", "/root").lstrip("/")
    places = [root / "etc/xdg/pip/pip.conf", root / "etc/pip.conf", root / home / ".pip/pip.conf"]
    configured = environment.get("XDG_CONFIG_HOME", "").lstrip("/") or f"{home}/.config"
    places.append(root / configured / "pip/pip.conf")
    if environment.get("PIP_CONFIG_FILE"):
        places.append(root / environment["PIP_CONFIG_FILE"].lstrip("/"))
    options: dict[str, str] = {}
    for file in places:
        parser = configparser.RawConfigParser(strict=False)
        try:
            parser.read(file)
        except (configparser.Error, OSError, UnicodeDecodeError):
            continue
        for section in ("global", "download", "install"):
            if parser.has_section(section):
                options.update({name.replace("_", "-"): value for name, value in parser.items(section)})
    for name, value in environment.items():
        if name.startswith("PIP_"):
            options[name[4:].lower().replace("_", "-")] = value
    if "default-timeout" in options:
        options["timeout"] = options.pop("default-timeout")
    return options


def _pip_conf(options: Mapping[str, str], bundle: bool) -> bytes:
    kept = {name: value for name, value in options.items() if name in _PIP_OPTIONS}
    kept.pop("cert", None)
    links = kept.pop("find-links", "").split()
    remote = [each for each in links if urlsplit(each).scheme in ("http", "https")]
    if remote:
        kept["find-links"] = "\n    ".join(remote)
    elif links:
        kept.pop("no-index", None)  # folders of this machine are not on the node: the index must do
    if bundle:
        kept["cert"] = BUNDLE
    lines = (f"{name} = {value.strip()}".replace("\n", "\n    ") for name, value in sorted(kept.items()))
    return ("[global]\n" + "".join(f"{line}\n" for line in lines)).encode()


def _apt_options(root: Path) -> list[File]:
    """apt's options about fetching, as apt itself understands this machine's files."""
    if root != Path("/"):
        return []
    try:
        dump = process.run(["apt-config", "dump"], timeout=30).stdout
    except (process.ProgramMissing, process.ProgramFailed, TimeoutError):
        return []
    kept = [line for line in dump.splitlines() if _APT_OPTION.match(line) and '""' not in line]
    kept = [line for line in kept if "Proxy-Auto-Detect" not in line and "ProxyAutoDetect" not in line]
    kept = [re.sub(r'(::CaInfo )"[^"]*"', rf'\1"{BUNDLE}"', line, flags=re.IGNORECASE) for line in kept]
    return [File("/etc/apt/apt.conf.d/90host", "".join(f"{line}\n" for line in kept).encode())]


def _apt_passwords(root: Path) -> list[File]:
    places = [root / "etc/apt/auth.conf", *sorted((root / "etc/apt/auth.conf.d").glob("*.conf"))]
    content = b""
    for file in places:
        try:
            content += file.read_bytes() + b"\n"
        except (FileNotFoundError, PermissionError):
            continue
    return [File("/etc/apt/auth.conf.d/90host.conf", content, 0o600)] if content.strip() else []


def _apt_sources(suite: str, root: Path) -> tuple[tuple[File, ...], tuple[File, ...]]:
    """This machine's sources for the suite, and the keys they are signed by.

    A machine that is another release of Debian gets its packages from somewhere that has this release, too. Without
    either (the machine is no Debian), mmdebstrap takes its own default for the suite.
    """
    folder = root / "etc/apt"
    texts = [file.read_text(errors="replace") for file in _files(folder, ".list", folder / "sources.list")]
    lines = [line for text in texts for line in text.splitlines()]
    texts = [file.read_text(errors="replace") for file in _files(folder, ".sources")]
    all_stanzas = [each for text in texts for each in _stanzas(text)]
    one_line: list[str] = []
    stanzas: list[str] = []
    for other in (suite, *(each for each in _RELEASES if each != suite)):
        one_line = [_of_suite(line, other, suite) for line in lines if _is_wanted_line(line, other)]
        stanzas = [_of_suite(each, other, suite) for each in all_stanzas if _is_wanted_stanza(each, other)]
        if one_line or stanzas:
            break
    keys = set(re.findall(r"signed-by[=:]\s*(/[^\s\]]+)", "\n".join([*one_line, *stanzas]), re.IGNORECASE))
    keyrings = [root / key.lstrip("/") for key in sorted(keys - {DEFAULT_KEYRING})]
    files = []
    if one_line:
        files.append(File("/etc/apt/sources.list.d/gatelocal.list", "".join(f"{line}\n" for line in one_line).encode()))
    if stanzas:
        files.append(File("/etc/apt/sources.list.d/gatelocal.sources", "\n\n".join([*stanzas, ""]).encode()))
    keyed = [File(f"/{key.relative_to(root)}", key.read_bytes()) for key in keyrings if key.is_file()]
    return tuple(files), tuple(keyed)


def _of_suite(source: str, other: str, suite: str) -> str:
    """The source for another release of the same archive: the names of its suites, and nothing else, change."""
    return re.sub(rf"(?m)(?<=[\s]){other}(?=$|\s|-(updates|security|proposed-updates)\b)", suite, source)


def _files(folder: Path, suffix: str, *more: Path) -> list[Path]:
    return [each for each in (*more, *sorted((folder / "sources.list.d").glob(f"*{suffix}"))) if each.is_file()]


def _suites(suite: str) -> frozenset[str]:
    return frozenset({suite, f"{suite}-updates", f"{suite}-security", f"{suite}-proposed-updates"})


def _is_wanted_line(line: str, suite: str) -> bool:
    match = re.match(r"deb\s+(?:\[[^]]*\]\s+)?(\S+)\s+(\S+)\s+(.*)", line)
    if not match or match[1].startswith(("cdrom:", "file:", "copy:")):
        return False
    return match[2] in _suites(suite) and "main" in match[3].split()


def _stanzas(text: str) -> list[str]:
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    return [each.strip("\n") for each in re.split(r"\n\s*\n", lines) if each.strip()]


def _is_wanted_stanza(stanza: str, suite: str) -> bool:
    fields = dict(re.findall(r"^([A-Za-z-]+):[ \t]*(.*)$", stanza, re.MULTILINE))
    named = {name.lower(): value.split() for name, value in fields.items()}
    suites = named.get("suites", [])
    return (
        "deb" in named.get("types", [])
        and named.get("enabled", ["yes"])[0].lower() not in ("no", "false", "0")
        and bool(suites)
        and set(suites) <= _suites(suite)
        and "main" in named.get("components", [])
        and not any(uri.startswith(("cdrom:", "file:", "copy:")) for uri in named.get("uris", []))
    )
