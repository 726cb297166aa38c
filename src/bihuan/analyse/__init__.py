"""Why it is happening: the questions funnel and retention."""
