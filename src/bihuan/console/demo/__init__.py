"""The demo: a tea shop whose people are simulated, with a mailbox for what Bihuan sends them."""
