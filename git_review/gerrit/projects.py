"""Projects over REST: make them, their branches, access rules, labels and submit requirements; deletes nothing.

Names may have slashes. Bodies whose shape is Gerrit's own (access rules, labels) are passed on as they are. Every
method raises :class:`git_review.gerrit.errors.GerritError`. Source: Gerrit's REST documentation, "/projects/".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from git_review.gerrit import decode
from git_review.gerrit.model import Branch, Json, Project, mapping
from git_review.gerrit.transport import Transport, url_path


class Projects:
    """The projects of one server."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def get(self, name: str) -> Project:
        """One project."""
        return decode.project(mapping(self._transport.get(url_path("projects", name))))

    def create(
        self,
        name: str,
        *,
        create_empty_commit: bool = True,
        branches: Sequence[str] = (),
        submit_type: str | None = None,
        parent: str | None = None,
        description: str | None = None,
    ) -> Project:
        """Make a project.

        :param branches: the first is what HEAD points at; Gerrit's own default when there are none.
        :param submit_type: ``MERGE_IF_NECESSARY``, ``FAST_FORWARD_ONLY``, ``CHERRY_PICK`` ...
        :raises Conflict: there is one of that name.
        """
        body = {
            "create_empty_commit": create_empty_commit,
            "branches": list(branches) or None,
            "submit_type": submit_type,
            "parent": parent,
            "description": description,
        }
        return decode.project(mapping(self._transport.put(url_path("projects", name), _given(body))))

    def branches(self, name: str) -> tuple[Branch, ...]:
        """All branches that the account sees, HEAD and ``refs/meta/config`` too."""
        answer = self._transport.get(url_path("projects", name, "branches") + "/")
        return tuple(decode.branch(mapping(entry)) for entry in answer) if isinstance(answer, list) else ()

    def tags(self, name: str) -> tuple[Branch, ...]:
        """All tags that the account sees; the revision of one with a message is the tag's own object."""
        answer = self._transport.get(url_path("projects", name, "tags") + "/")
        return tuple(decode.branch(mapping(entry)) for entry in answer) if isinstance(answer, list) else ()

    def create_branch(self, name: str, branch: str, revision: str) -> Branch:
        """Make a branch. :param revision: a commit id or a branch that it starts from."""
        body = {"revision": revision}
        return decode.branch(mapping(self._transport.put(url_path("projects", name, "branches", branch), body)))

    def access(self, name: str) -> Json:
        """The access rules, as Gerrit's ProjectAccessInfo."""
        return mapping(self._transport.get(url_path("projects", name, "access")))

    def set_access(self, name: str, add: Json | None = None, remove: Json | None = None) -> Json:
        """Change the access rules; gives them back as they are then.

        :param add: and `remove`: ref pattern → AccessSectionInfo.
        """
        body = _given({"add": add or None, "remove": remove or None})
        return mapping(self._transport.post(url_path("projects", name, "access"), body))

    def set_label(self, name: str, label: str, body: Json) -> None:
        """Make or change a label. :param body: a LabelDefinitionInput; its values' keys are like ``"-1"``, ``" 0"``."""
        self._transport.put(url_path("projects", name, "labels", label), dict(body))

    def set_submit_requirement(self, name: str, requirement: str, body: Json) -> None:
        """Make or change a submit requirement. :param body: a SubmitRequirementInput, such as
        ``{"submittability_expression": "label:Verified=MAX"}``.
        """
        path = url_path("projects", name, "submit_requirements", requirement)
        self._transport.put(path, {"name": requirement, **body})

    def set_config(self, name: str, **values: object) -> None:
        """Change settings. :param values: the fields of a ConfigInput, such as ``submit_type="CHERRY_PICK"``."""
        self._transport.put(url_path("projects", name, "config"), values)

    def set_head(self, name: str, branch: str) -> None:
        """Point HEAD at a branch."""
        ref = branch if branch.startswith("refs/") else f"refs/heads/{branch}"
        self._transport.put(url_path("projects", name, "HEAD"), {"ref": ref})


def _given(body: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in body.items() if value is not None}
