"""The daemon: a gate for a Gerrit that feeds the engine's loop with what that server says; it has no rule of a gate."""
