"""From the bytes of a result stream to tests with outcomes; nothing is fetched and nothing is judged here."""
