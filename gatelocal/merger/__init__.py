"""From changes in order to speculative commits, in bare caches; a person's work tree is never touched."""
