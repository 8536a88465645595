"""Ways to hosts: one that leads to the node, one that leads nowhere."""
