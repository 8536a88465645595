"""Switches of a policy that are more than a line in a rule: a module each, readable alone; classic needs none."""
