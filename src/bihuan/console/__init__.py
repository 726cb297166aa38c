"""What people open: settings, pages, components, charts, translations; the API; the `bihuan` command."""
