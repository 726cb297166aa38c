"""The event store and how it is asked: store, schema, filters, periods, ask, Question. No Django."""
