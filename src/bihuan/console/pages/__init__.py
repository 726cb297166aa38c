"""The console's own pages: where people land, the home of a project, and the page of every question."""
