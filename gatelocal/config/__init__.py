"""Files and flags become validated settings and stanzas; errors carry file, line and a hint; it decides nothing."""
