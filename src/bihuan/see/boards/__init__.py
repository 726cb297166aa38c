"""Boards: tiles made of any question, kept as definitions."""
