"""A statistical load on the gate: read it, play it under several policies, count, draw; it has no rule of its own."""
