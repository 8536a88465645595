"""From patchset to verdict: the project's whole merge gate as a library, on the developer's own machine.

Importing the package costs nothing; its rooms are imported where they are used.
"""
