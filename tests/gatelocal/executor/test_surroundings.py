"""What lines say of a build's surroundings."""

from __future__ import annotations

import pytest

from gatelocal.executor.surroundings import Around, around


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("E: Failed to fetch http://deb.debian.org/x  Hash Sum mismatch", Around.DOWNLOAD),
        (
            "fatal: unable to access 'https://opendev.org/openstack/nova/': The requested URL returned error: 503",
            Around.DOWNLOAD,
        ),
        (
            "pip._vendor.urllib3.exceptions.ReadTimeoutError: HTTPSConnectionPool(host='pypi.org', port=443)",
            Around.DOWNLOAD,
        ),
        ("curl: (56) Recv failure: Connection reset by peer", Around.DOWNLOAD),
        ("OSError: [Errno 28] No space left on device", Around.DISK),
        ("kernel: EXT4-fs error: Remounting filesystem; Read-only file system", Around.DISK),
        ("Out of memory: Killed process 123 (mysqld)", Around.MEMORY),
        ("fatal: [node]: UNREACHABLE! => {", Around.NODE),
        ("rsync: client_loop: send disconnect: Broken pipe", Around.NODE),
        ("ConnectTimeoutError: HTTPConnectionPool(host='127.0.0.1', port=9292)", None),
        ("curl: (7) Failed to connect to localhost port 80: Connection refused", None),
        ("AssertionError: 'No space left on device' != ''", None),
        ("raise Mock(side_effect=OSError('No space left on device'))", None),
        ("Retrying (Retry(total=3, connect=None)) after connection broken by ReadTimeoutError", None),
        ("ssh: connect to host 10.1.0.7 port 22: Connection refused", None),
        ("all is well", None),
    ],
)
def test_around(line: str, what: Around | None) -> None:
    assert around(line) is what
