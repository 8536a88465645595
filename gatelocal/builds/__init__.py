"""Builds as processes of their own, each with a folder through which it is described, followed, found and stopped."""
