"""The shared jobs of the devstack family, as far as a project's own jobs lean on them; see `gatelocal.jobs.families`.

Values: devstack and tempest of July 2026. What only says which logs are kept, or hurries a machine, is left out.
"""

from __future__ import annotations

from collections.abc import Mapping

STACK_PLAYBOOK, TEMPEST_PLAYBOOK = "playbooks/devstack.yaml", "playbooks/devstack-tempest.yaml"
"""The main playbooks of jobs that end when everything stands, and of those that run tempest then."""

ROOT = "devstack-base"
"""Whose children all of them are."""

TEMPEST_JOB = "gatelocal-tempest"
"""The parent of profiles: that root, with tempest at its end; its name is nobody else's."""

_OPENSTACK = "openstack"
_TIMEOUT = 7200
_NOT_FOR_A_STACK = (
    r"^.*\.rst$",
    r"^api-ref/.*$",
    r"^doc/.*$",
    r"^releasenotes/.*$",
    r"^.*/locale/.*po$",
    r"^\.pre-commit-config\.yaml$",
    r"^\.gitignore$",
    r"^\.gitreview$",
)
_SHARED = ("memory_tracker", "file_tracker", "mysql", "rabbit", "etcd3", "openstack-cli-server")
_SERVICES = (
    *("tls-proxy", "key", "g-api", "n-api", "n-api-meta", "n-cond", "n-cpu", "n-novnc", "n-sch", "placement-api"),
    *("ovn-controller", "ovn-northd", "ovs-vswitchd", "ovsdb-server", "q-svc", "q-ovn-agent"),
    *("s-account", "s-container", "s-object", "s-proxy", "c-api", "c-bak", "c-sch", "c-vol"),
)
_ADDRESS = "{{ hostvars['controller']['nodepool']['private_ipv4'] }}"
_IMAGE = "http://download.cirros-cloud.net/{0}/cirros-{0}-x86_64-disk.img"

JOBS: Mapping[str, Mapping[str, object]] = {
    ROOT: {
        "parent": None,
        "abstract": True,
        "required-projects": [f"{_OPENSTACK}/devstack"],
        "vars": {
            "devstack_localrc": {
                "DATABASE_PASSWORD": "secretdatabase",
                "RABBIT_PASSWORD": "secretrabbit",
                "ADMIN_PASSWORD": "secretadmin",
                "SERVICE_PASSWORD": "secretservice",
                "NETWORK_GATEWAY": "10.1.0.1",
                "FIXED_RANGE": "10.1.0.0/20",
                "IPV4_ADDRS_SAFE_TO_USE": "10.1.0.0/20",
                "FLOATING_RANGE": "172.24.5.0/24",
                "PUBLIC_NETWORK_GATEWAY": "172.24.5.1",
                "LOGFILE": "/opt/stack/logs/devstacklog.txt",
                "LOG_COLOR": False,
                "VERBOSE": True,
                "VERBOSE_NO_TIMESTAMP": True,
                "ERROR_ON_CLONE": True,
                "LIBVIRT_TYPE": '{{ devstack_libvirt_type | default("qemu") }}',
            },
            "devstack_services": {"base": False},
        },
        "run": STACK_PLAYBOOK,
        "irrelevant-files": list(_NOT_FOR_A_STACK),
    },
    TEMPEST_JOB: {
        "parent": ROOT,
        "abstract": True,
        "timeout": _TIMEOUT,
        "required-projects": [f"{_OPENSTACK}/requirements", f"{_OPENSTACK}/tempest"],
        "vars": {"devstack_services": {"tempest": True}, "tox_envlist": "all"},
        "run": TEMPEST_PLAYBOOK,
    },
    "devstack-minimal": {
        "parent": ROOT,
        "required-projects": [f"{_OPENSTACK}/requirements"],
        "vars": {
            "devstack_localrc": {
                "SERVICE_HOST": _ADDRESS,
                "HOST_IP": _ADDRESS,
                "PUBLIC_BRIDGE_MTU": "{{ external_bridge_mtu }}",
            },
            "devstack_services": {"dstat": False, **dict.fromkeys(_SHARED, True)},
        },
    },
    "devstack": {
        "parent": "devstack-minimal",
        "timeout": _TIMEOUT,
        "required-projects": [
            *(f"{_OPENSTACK}/{name}" for name in ("cinder", "glance", "keystone", "neutron", "nova", "placement")),
            *(f"{_OPENSTACK}/{name}" for name in ("swift", "os-test-images")),
            "novnc/novnc",
        ],
        "vars": {
            "devstack_localrc": {
                "SWIFT_REPLICAS": 1,
                "SWIFT_START_ALL_SERVICES": False,
                "SWIFT_HASH": 1234123412341234,
                "DEBUG_LIBVIRT_COREDUMPS": True,
                "NOVA_VNC_ENABLED": True,
                "OVN_DBS_LOG_LEVEL": "dbg",
                "NOVA_LIBVIRT_TB_CACHE_SIZE": 128,
            },
            "devstack_local_conf": {
                "post-config": {"$NEUTRON_CONF": {"DEFAULT": {"global_physnet_mtu": "{{ external_bridge_mtu }}"}}}
            },
            "devstack_services": {**dict.fromkeys(_SERVICES, True), "horizon": False, "tempest": False},
        },
    },
    "devstack-tempest": {
        "parent": "devstack",
        "timeout": _TIMEOUT,
        "required-projects": [f"{_OPENSTACK}/tempest"],
        "vars": {
            "devstack_localrc": {"IMAGE_URLS": f"{_IMAGE.format('0.6.2')}, {_IMAGE.format('0.6.1')}"},
            "devstack_services": {"tempest": True},
            "devstack_local_conf": {
                "test-config": {
                    "$TEMPEST_CONFIG": {
                        "compute": {"min_compute_nodes": "{{ groups['compute'] | default(['controller']) | length }}"},
                        "service-clients": {"http_timeout": 90},
                    }
                }
            },
        },
        "run": TEMPEST_PLAYBOOK,
    },
    "tempest-all": {
        "parent": "devstack-tempest",
        "timeout": 10800,
        "vars": {
            "tox_envlist": "all",
            "tempest_test_regex": "tempest",
            "devstack_localrc": {"MYSQL_REDUCE_MEMORY": True},
        },
    },
    "tempest-full-py3": {
        "parent": "devstack-tempest",
        "timeout": 9000,
        "vars": {
            "tempest_concurrency": 4,
            "tox_envlist": "integrated-full",
            "devstack_localrc": {
                "FORCE_CONFIG_DRIVE": True,
                "ENABLE_VOLUME_MULTIATTACH": True,
                "GLANCE_USE_IMPORT_WORKFLOW": True,
            },
            "devstack_plugins": {"neutron": "https://opendev.org/openstack/neutron"},
            "devstack_services": {"horizon": False},
        },
    },
}
"""Name → definition, as it stands in Zuul's language."""
