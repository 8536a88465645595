"""Which Gerrit versions the sandbox can run: their parts on Maven Central, checksums and the Java they need.

Facts only; nothing is fetched or started here. The checksums were computed from the files on Maven Central.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

DEFAULT: Final = "3.9.4"

_GERRIT: Final = "com.google.gerrit"
_BOUNCY_CASTLE: Final = "org.bouncycastle"


@dataclass(frozen=True, slots=True)
class Part:
    """One file on Maven Central.

    :ivar sha256: of the file, in hex.
    :ivar size: bytes, for people who wait.
    """

    group: str
    artifact: str
    version: str
    packaging: str
    size: int
    sha256: str

    @property
    def filename(self) -> str:
        """Its name in a Maven repository."""
        return f"{self.artifact}-{self.version}.{self.packaging}"


@dataclass(frozen=True, slots=True)
class Release:
    """One Gerrit version.

    :ivar java: the oldest Java that runs it, as (major, minor, patch).
    :ivar parts: a WAR alone, or the jars of one class path, in its order.
    :ivar plugins: the WAR's own plugins that a site gets; a class path has none to give.
    """

    version: str
    java: tuple[int, int, int]
    parts: tuple[Part, ...]
    plugins: tuple[str, ...] = ()


# bcpkix and its siblings are what Gerrit's WAR carries and its plugin API leaves out.
_CRYPTOGRAPHY: Final = (
    Part(
        _BOUNCY_CASTLE,
        "bcprov-jdk18on",
        "1.78.1",
        "jar",
        8_324_412,
        "add5915e6acfc6ab5836e1fd8a5e21c6488536a8c1f21f386eeb3bf280b702d7",
    ),
    Part(
        _BOUNCY_CASTLE,
        "bcpkix-jdk18on",
        "1.78.1",
        "jar",
        1_125_173,
        "4b48ea084e5232b9d79ebca1887b9de037b124931807cd60710748c2aee08cc9",
    ),
    Part(
        _BOUNCY_CASTLE,
        "bcutil-jdk18on",
        "1.78.1",
        "jar",
        705_135,
        "d9fa56f97b0f761ce3bc8d9d74c5d7137a987bf5bd3abfe1003f9bafa45a1d2f",
    ),
    Part(
        _BOUNCY_CASTLE,
        "bcpg-jdk18on",
        "1.78.1",
        "jar",
        476_853,
        "1463bb2cb8737e9ae34f5bd93f48e27711365bb277f4918f44608ed89b68792d",
    ),
)

RELEASES: Final = (
    Release(
        version="3.9.4",
        java=(17, 0, 0),
        parts=(
            Part(
                _GERRIT,
                "gerrit-war",
                "3.9.4",
                "war",
                87_778_826,
                "a63ad65df69ed66a262514df7483da96c2f29c01b0aa9d55b57f4cf6eab32703",
            ),
        ),
        plugins=("download-commands",),
    ),
    Release(
        version="3.10.2",
        java=(17, 0, 5),
        parts=(
            Part(
                _GERRIT,
                "gerrit-plugin-api",
                "3.10.2",
                "jar",
                62_562_000,
                "3ee733da1bd1379c61005cde3ac4bced480ab211dc51f62ad7821a7f35b15c43",
            ),
            Part(
                _GERRIT,
                "gerrit-acceptance-framework",
                "3.10.2",
                "jar",
                16_889_314,
                "29fd6bf05585ba57490d13e28fd4c5f9f859d3b55f5e1217ca437aa4f8f84c13",
            ),
            *_CRYPTOGRAPHY,
        ),
    ),
    Release(
        version="3.13.0",
        java=(21, 0, 0),
        parts=(
            Part(
                _GERRIT,
                "gerrit-plugin-api",
                "3.13.0",
                "jar",
                65_195_672,
                "ecebd0f8b887aefb1ae97de7708229308a003fbb2aa5e2c1ad557e0e95525567",
            ),
            Part(
                _GERRIT,
                "gerrit-acceptance-framework",
                "3.13.0",
                "jar",
                18_047_004,
                "c301a154e777eb69c9b8904c3dbac1e70b4924ab7aeecf1f874d3cfd45bb5961",
            ),
            *_CRYPTOGRAPHY,
        ),
    ),
)
