"""Rights: projects, members, roles, keys, audit, and the table of background jobs."""
