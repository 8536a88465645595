"""From changes to the order in which they are merged: footers and the dependency graph, as pure functions."""
