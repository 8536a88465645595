"""Modules that run on the node."""
