"""The gate: how changes wait, are tested together and land, as pure functions; it never touches the world."""
