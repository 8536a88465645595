"""What the gate must not forget: events, the state, actions that are not done; it understands none of them."""
