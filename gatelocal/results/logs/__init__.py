"""Logs understood: lines with their stamps and levels, events of several lines, what is new in them; none is opened."""
