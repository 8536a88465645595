"""What would run: Zuul stanzas become frozen jobs, as pure functions; nothing is read from disk here."""
