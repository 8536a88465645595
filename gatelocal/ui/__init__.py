"""What a person sees: every sentence of gatelocal, and the terminal."""
