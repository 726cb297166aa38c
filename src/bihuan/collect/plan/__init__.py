"""The tracking plan: which events and properties a project has agreed on, and how what arrives is held to it."""
