"""Zuul's language: what stanzas mean, how definitions add up to a job; it knows no change and plans nothing."""
