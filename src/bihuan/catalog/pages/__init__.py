"""The catalog's pages: what has come in, segments, metrics, and the history of definitions."""
