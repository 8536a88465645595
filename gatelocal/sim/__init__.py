"""The same engine in a make-believe world on a virtual clock: scenarios and random worlds; nothing real is touched."""
