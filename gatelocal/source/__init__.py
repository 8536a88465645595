"""Where changes come from: a Gerrit or the commits of a work tree; it reads and never decides what runs."""
