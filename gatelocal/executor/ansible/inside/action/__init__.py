"""Action plugins: what only an executor of Zuul has."""
