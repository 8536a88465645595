"""Words that leave the house: summaries for people and machines."""
