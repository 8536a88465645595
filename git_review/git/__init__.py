"""The only door to git: programs through `runner`, history through GitPython; no Gerrit and no words for people.

Plumbing that has to be quick (`merge-tree`, `push`, `config`) is one child process through
:class:`~git_review.git.runner.Runner`; walking of history uses GitPython, imported only where it is used,
because the import costs as much as a whole fast command.
"""
