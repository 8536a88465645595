"""Files and flags become validated settings; errors carry file, line and a hint."""
