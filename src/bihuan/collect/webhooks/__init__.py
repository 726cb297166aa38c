"""Webhooks: what any third party posts, as events, by a mapping that its definition holds."""
