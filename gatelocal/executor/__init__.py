"""From a job on a ready node to an outcome, with logs fetched; it neither makes nodes nor reports."""
