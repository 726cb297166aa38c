"""Template tags of collecting."""
