"""Events come in: the endpoint, the protocols, identity, the writer, imports, the live view."""
