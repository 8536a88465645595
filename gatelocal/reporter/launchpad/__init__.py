"""Bugs and blueprints on Launchpad: which ones messages name, what that means for them, and the door to Launchpad."""
