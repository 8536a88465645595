"""A job that is a list of commands, run one after the other on a ready node."""
