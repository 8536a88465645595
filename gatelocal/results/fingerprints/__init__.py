"""Fingerprints of known bugs: their language, and what lines of logs they know again; no file is opened here."""
