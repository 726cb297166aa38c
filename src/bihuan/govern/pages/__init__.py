"""The settings of a project: its facts, members, keys, tokens, and the audit trail."""
