"""``local.conf`` as devstack's own role writes it."""

from __future__ import annotations

import pytest

from gatelocal.errors import ConfigurationError
from gatelocal.jobs.devstack.local_conf import Asked, enabled, requirements, text


def localrc(asked: Asked) -> list[str]:
    first, _, rest = text(asked).partition("\n")
    assert first == "[[local|localrc]]"
    return rest.partition("\n\n")[0].splitlines()


def test_services_come_first_and_are_switched_one_by_one() -> None:
    asked = Asked(services={"base": False, "key": True, "horizon": False, "odd": "yes"}, localrc={"A": 1})
    assert localrc(asked) == ["disable_all_services", "enable_service key", "disable_service horizon", 'A="1"']
    assert enabled(asked) == {"key"}


def test_base_services_count_unless_base_is_false() -> None:
    base = ("key", "mysql")
    with_base = Asked(services={"mysql": False}, base_services=base)
    assert localrc(with_base) == ["ENABLED_SERVICES=key,mysql", "disable_service mysql"]
    assert enabled(with_base) == {"key"}
    without = Asked(services={"base": False, "rabbit": True}, base_services=base)
    assert (localrc(without)[0], enabled(without)) == ("disable_all_services", {"rabbit"})
    assert localrc(Asked()) == []


def test_variables_stand_after_those_that_they_use_and_are_quoted_once() -> None:
    asked = Asked(localrc={"A": "$C/x", "B": '"said"', "C": "${D}", "D": True, "E": "$E:$HOME"})
    assert localrc(asked) == ['D="True"', 'C="${D}"', 'A="$C/x"', 'B="said"', 'E="$E:$HOME"']
    with pytest.raises(ConfigurationError, match=r"no order for the variables of local\.conf: A -> B -> A"):
        text(Asked(localrc={"A": "$B", "B": "$A"}))


def test_libraries_and_tempest_plugins_follow_unless_the_job_says_them_itself() -> None:
    asked = Asked(localrc={"Z": 1}, libraries=("nova", "own", "nova"), tempest_plugins=("/s/a", "/s/b"))
    assert localrc(asked) == ['Z="1"', "LIBS_FROM_GIT=nova,own", 'TEMPEST_PLUGINS="/s/a /s/b"']
    own = {"LIBS_FROM_GIT": "x", "TEMPEST_PLUGINS": "y"}
    assert localrc(Asked(localrc=own, libraries=("nova",), tempest_plugins=("/s/a",))) == [
        'LIBS_FROM_GIT="x"',
        'TEMPEST_PLUGINS="y"',
    ]


def test_plugins_come_last_each_after_those_that_it_requires() -> None:
    found = requirements(
        [
            "define_plugin a\nplugin_requires a z\nplugin_requires b nothing\n",
            "# define_plugin no\nX=1\n",
            "define_plugin z\n",
        ]
    )
    assert found == {"a": frozenset({"z"})}
    asked = Asked(
        localrc={"A": 1}, plugins={"a": "https://h/a", "z": "https://h/z stable/1", "off": ""}, requires=found
    )
    assert localrc(asked) == ['A="1"', "enable_plugin z https://h/z stable/1", "enable_plugin a https://h/a"]
    with pytest.raises(ConfigurationError, match="plugin a requires the plugin z, which the job does not name"):
        text(Asked(plugins={"a": "https://h/a"}, requires=found))
    circle = {"a": frozenset({"z"}), "z": frozenset({"a"})}
    with pytest.raises(ConfigurationError, match=r"plugins of local\.conf: a -> z -> a"):
        text(Asked(plugins={"a": "u", "z": "u"}, requires=circle))


def test_sections_of_services_files_keep_their_order() -> None:
    conf = {"post-config": {"$NOVA_CONF": {"DEFAULT": {"b": 1, "a": True}, "api": {}}}, "test-config": {"$T": {}}}
    assert text(Asked(localrc={"A": 1}, local_conf=conf)) == (
        '[[local|localrc]]\nA="1"\n\n'
        "[[post-config|$NOVA_CONF]]\n[DEFAULT]\nb = 1\na = True\n\n[api]\n[[test-config|$T]]\n"
    )
    with pytest.raises(ConfigurationError, match=r"devstack_local_conf: post-config\.f\.DEFAULT is no mapping"):
        text(Asked(local_conf={"post-config": {"f": {"DEFAULT": "a = 1"}}}))
