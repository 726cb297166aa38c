"""The benchmark: Bihuan's questions beside the plain SQL that one would write without it, on the same events, in one run."""
