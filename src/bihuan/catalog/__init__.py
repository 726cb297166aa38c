"""Words: events, properties, metrics, segments; saved definitions and their revisions."""
