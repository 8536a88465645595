"""Words that leave the house: summaries for people and machines; it decides nothing and prints nothing."""
