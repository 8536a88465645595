"""What a job hands back by `zuul_return`: Zuul's forms, and what of it means something to whom."""

from __future__ import annotations

import pytest

from gatelocal.executor.ansible.returned import Words
from gatelocal.model.returned import Artifact, Remark, Returned


def words(**zuul: object) -> Words:
    return Words({"zuul": zuul})


def test_variables_are_all_but_the_names_of_the_gates_own() -> None:
    told = Words({"zuul": {"pause": True}, "nodepool": {}, "unsafe_vars": {}, "version": {"deep": 1}})
    assert told.returned == Returned(data={"version": {"deep": 1}}) and told.pause


@pytest.mark.parametrize(
    ("said", "children"),
    [({}, None), ({"child_jobs": []}, ()), ({"child_jobs": None}, ()), ({"child_jobs": ["a", "b"]}, ("a", "b"))],
)
def test_the_children_that_it_chooses(said: dict[str, object], children: tuple[str, ...] | None) -> None:
    assert words(**said).returned.children == children


@pytest.mark.parametrize(
    ("log_url", "url", "expected"),
    [
        ("", "images/a.img", "images/a.img"),
        ("https://logs/1", "images/a.img", "https://logs/1/images/a.img"),
        ("https://logs/1/", "https://elsewhere/a", "https://elsewhere/a"),
    ],
)
def test_the_address_of_an_artifact_is_within_the_logs(log_url: str, url: str, expected: str) -> None:
    artifact = {"name": "image", "url": url, "metadata": {"type": "disk"}}
    found = words(artifacts=[artifact], log_url=log_url).returned.artifacts
    assert found == (Artifact({**artifact, "url": expected}),)


@pytest.mark.parametrize(
    "bad",
    [
        "nonsense",
        [{"name": "image"}],
        [{"name": "image", "url": 1}],
        [{"name": "image", "url": "u", "other": 1}],
        [{"name": "image", "url": "u", "metadata": []}],
        [{"name": "image", "url": "u"}, "nonsense"],
    ],
)
def test_what_is_of_another_form_counts_for_nothing(bad: object) -> None:
    assert words(artifacts=bad).returned == Returned()
    assert words(artifacts=[{"name": "image", "url": "u"}], log_url=1).returned == Returned()
    assert list(words(warnings=bad, file_comments=bad).notes()) in ([], ["the job warns: nonsense"])
    assert Words({"zuul": bad}).returned == Returned()


def test_what_a_person_is_told() -> None:
    comments = {"a/b.py": [{"line": 3, "message": "too\nlong"}, {"message": "all of it"}, {"line": 1}]}
    told = words(warnings=["old"], file_comments=comments, artifacts=[{"name": "n", "url": "u"}], log_url="http://x")
    assert list(told.notes()) == ["the job warns: old", "a/b.py:3: too long", "a/b.py: all of it"]
    assert list(told.lines()) == ["the job says where its logs are: http://x", "the job has made n: http://x/u"]
    assert told.returned.remarks == (Remark("a/b.py", 3, "too\nlong"), Remark("a/b.py", 0, "all of it"))
    many = words(file_comments={"a": [{"line": 1, "message": "m"}] * 102})
    assert list(many.notes())[-1] == "and 2 more comments on lines of the change"


def test_another_attempt_is_forgone_by_a_plain_no_alone() -> None:
    assert words(retry=False).once and not words(retry=None).once and not words().once and not words(retry=0).once
