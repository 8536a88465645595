"""The nouns of the gate as frozen values: changes, jobs, nodes, results; they do nothing."""
