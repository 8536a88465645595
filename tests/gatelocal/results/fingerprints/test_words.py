"""Words as Lucene's standard analysis parts them; each expectation was seen with Lucene itself."""

from __future__ import annotations

import pytest

from gatelocal.results.fingerprints.words import follow, words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Timed out (after 30s)", "timed out after 30s"),
        ("nova.compute.manager Timeout: x", "nova.compute.manager timeout x"),
        ("testtools.matchers._impl.MismatchError", "testtools.matchers _impl.mismatcherror"),
        ("127.0.0.1:9292 1,5 a.1 1.a a:b 1:2", "127.0.0.1 9292 1,5 a 1 1 a a:b 1 2"),
        ("don't 'quoted' u'x' [Errno 111]", "don't quoted u'x errno 111"),
        ("__tmp__test __ _ _a_", "__tmp__test _a_"),
        ("/opt/stack/new-devstack/lib", "opt stack new devstack lib"),
        ("naïve Größe 100%", "naïve größe 100"),
        ("東京 ひら", "東 京 ひ ら"),
        ("\x00a\x1bb\ufffdc", "a b c"),
    ],
)
def test_words(text: str, found: str) -> None:
    assert words(text) == tuple(found.split())


def test_a_long_word_is_several() -> None:
    assert [len(one) for one in words("a" * 600)] == [255, 255, 90]


def test_words_follow_one_another() -> None:
    text = words("a a b c a b d")
    assert follow(text, ("a", "b", "d"))
    assert follow(text, ("a",))
    assert not follow(text, ("a", "d"))
    assert not follow(text, ())
    assert not follow((), ("a",))
