"""What a message's Change-Id is to the server: each row was pushed to a Gerrit 3.9.4, or is what a person may write."""

from __future__ import annotations

import pytest

from git_review.git.trailers import Naming, Place, change_id, naming, trailers, with_change_id, without_change_id

ID = "I" + "a1" * 20
NEW = "I" + "b2" * 20

IN_PLACE = {
    "alone": "S\n\nb\n\nChange-Id: @\n",
    "in the subject's paragraph": "S\nChange-Id: @\n",
    "another case": "S\n\nchange-ID: @\n",
    "no blank": "S\n\nChange-Id:@\n",
    "a tab": "S\n\nChange-Id:\t@\n",
    "between sign-offs": "S\n\nSigned-off-by: A\nChange-Id: @\nAcked-by: C\n",
    "in prose": "S\n\nsome prose\nChange-Id: @\nmore prose\n",
    "in a code block": "S\n\n```\nChange-Id: @\n```\n",
    "another one above": "S\n\n> Change-Id: I1234567\n\nChange-Id: @\n",
    "two paragraphs with one": "S\n\nChange-Id: I1234567\n\nb\n\nChange-Id: @\n",
    "a line of blanks is no end of a paragraph": "S\n\nChange-Id: @\n \nmore\n",
    "lines of blanks below": "S\n\nChange-Id: @\n\n  \n",
    "carriage returns": "S\r\n\r\nb\r\n\r\nChange-Id: @\r\n",
    "carriage returns, and above": "S\r\n\r\nChange-Id: @\r\n\r\nmore\r\n",
    "empty lines first": "\n\nS\n\nChange-Id: @\n",
    "a link": "S\n\nLink: https://review.example.org/x/id/@\n",
    "a link of another case": "S\n\nlink: https://review.example.org/id/@\n",
    "a link beside it": "S\n\nLink: https://other.example.org/id/I" + "c" * 40 + "\nChange-Id: @\n",
}
MISPLACED = {
    "above the last paragraph": ("S\n\nChange-Id: @\n\nmore\n", 3),
    "the subject": ("Change-Id: @\n", 1),
    "indented": ("S\n\n    Change-Id: @\n", 3),
    "indented, above": ("S\n\n\tChange-Id: @\n\nmore\n", 3),
    "quoted": ("S\n\nb\n> Change-Id: @\n\nmore\n", 4),
    "in a list": ("S\n\n* Change-Id: @\n\nmore\n", 3),
    "in a numbered list": ("S\n\n 2. Change-Id: @\n", 3),
    "another bullet": ("S\n\n\u2022 Change-Id: @\n", 3),
    "bold": ("S\n\n**Change-Id:** @\n", 3),
    "a comment": ("S\n\n# Change-Id: @\n", 3),
    "a blank before the colon": ("S\n\nChange-Id : @\n", 3),
    "something behind it": ("S\n\nChange-Id: @ # mine\n", 3),
    "in brackets": ("S\n\nChange-Id: <@>\n", 3),
    "goes on": ("S\n\nChange-Id: @\n  more\n", 3),
    "no id": ("S\n\nChange-Id: none yet\n", 3),
    "nothing": ("S\n\nChange-Id:\nSigned-off-by: A\n", 3),
    "too short": ("S\n\nChange-Id: Iabc\n", 3),
    "capital digits": ("S\n\nChange-Id: IABCDEF0123\n", 3),
    "below it a conflict's files": ("S\n\nChange-Id: @\n\n# Conflicts:\n#\tfile\n", 3),
    "a link, above": ("S\n\nLink: https://review.example.org/id/@\n\nmore\n", 3),
}
SEVERAL = {
    "two": "S\n\nChange-Id: I1234567\nChange-Id: @\n",
    "the same twice": "S\n\nChange-Id: @\nChange-Id: @\n",
    "two links": "S\n\nLink: https://r.example.org/id/I" + "c" * 40 + "\nLink: https://r.example.org/id/@\n",
}
NOWHERE = {
    "nothing": "S\n\nb\n",
    "no text": "",
    "in a sentence": "S\n\nSee Change-Id: @, which was wrong.\n",
    "in the subject's words": "Fix Change-Id: @ parsing\n",
    "a sentence on it": "S\n\nChange-Id: is what it needs\n\nmore\n",
    "another link": "S\n\nLink: https://bugs.example.org/show?id=12\n",
}
PLACES = {
    "S": "S\n\n+\n",
    "fix: a thing: really": "fix: a thing: really\n\n+\n",
    "S\n\nb": "S\n\nb\n\n+\n",
    "S\n\nSigned-off-by: A\nAcked-by: C": "S\n\n+\nSigned-off-by: A\nAcked-by: C\n",
    "S\n\nCloses-Bug: #1\n  and more": "S\n\nCloses-Bug: #1\n  and more\n+\n",
    "S\n\ntext\nCloses-Bug: #1": "S\n\ntext\nCloses-Bug: #1\n\n+\n",
    "S\n\ntext\nSigned-off-by: A": "S\n\ntext\n+\nSigned-off-by: A\n",
    "S\n\na\nb\nc\nd\nSigned-off-by: A": "S\n\na\nb\nc\nd\nSigned-off-by: A\n\n+\n",
    "S\n\nb\n(cherry picked from commit 1)": "S\n\nb\n(cherry picked from commit 1)\n+\n",
    "S\r\n\r\nSigned-off-by: A\r\n": "S\r\n\r\n+\r\nSigned-off-by: A\r\n",
    "S\nChange-Id: @\n": "S\n\n+\n",
}


@pytest.mark.parametrize("message", IN_PLACE.values(), ids=IN_PLACE)
def test_in_place(message: str) -> None:
    found = naming(message.replace("@", ID))
    assert (found.place, found.id, change_id(message.replace("@", ID))) == (Place.IN_PLACE, ID, ID)


@pytest.mark.parametrize(("message", "line"), MISPLACED.values(), ids=MISPLACED)
def test_misplaced(message: str, line: int) -> None:
    text = message.replace("@", ID)
    found = naming(text)
    assert (found.place, found.id) == (Place.MISPLACED, None)
    assert found.lines == ((line, text.split("\n")[line - 1].strip()),)


@pytest.mark.parametrize("message", SEVERAL.values(), ids=SEVERAL)
def test_several_of_which_the_last_counts(message: str) -> None:
    found = naming(message.replace("@", ID))
    assert (found.place, found.id) == (Place.SEVERAL, ID)
    assert [number for number, _ in found.lines] == [3, 4]


@pytest.mark.parametrize("message", NOWHERE.values(), ids=NOWHERE)
def test_nowhere(message: str) -> None:
    assert naming(message.replace("@", ID)) == Naming(Place.NOWHERE)


@pytest.mark.parametrize("message", [*IN_PLACE.values(), *SEVERAL.values(), *NOWHERE.values()])
def test_a_new_one_is_in_place_and_the_only_one(message: str) -> None:
    text = with_change_id(message.replace("@", ID), NEW)
    assert (naming(text).place, naming(text).id) == (Place.IN_PLACE, NEW)
    assert with_change_id(text, NEW) == text
    assert naming(without_change_id(text)).id is None
    linked = with_change_id(text, ID, "https://review.example.org/")
    assert f"\nLink: https://review.example.org/id/{ID}" in linked and change_id(linked) == ID and NEW not in linked


@pytest.mark.parametrize(("message", "wanted"), PLACES.items())
def test_where_a_new_one_stands(message: str, wanted: str) -> None:
    assert with_change_id(message.replace("@", ID), NEW) == wanted.replace("+", f"Change-Id: {NEW}")


def test_trailers_are_the_last_paragraphs() -> None:
    text = "S: no trailer\n\nA: no trailer\n\nB: 1\n  and 2\n(a note)\nC:3\n"
    assert trailers(text) == (("B", "1 and 2"), ("C", "3"))
    assert trailers("S: no trailer") == ()
