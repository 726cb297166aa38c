"""Files of events come in: read, mapped to events, keyed so that nothing counts twice, and handed to the writer."""
