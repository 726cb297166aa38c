"""Every question and every definition over HTTP, for programs with a token."""
