"""From speculative commits to the source trees that a job expects, ready to be delivered to a node."""
