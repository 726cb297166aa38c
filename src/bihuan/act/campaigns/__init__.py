"""E-mail campaigns: who gets what message, who is held out, exactly-once sending, tracking, and the ledger of it all."""
