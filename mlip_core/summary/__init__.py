"""What to conclude: all results of a line-up on one structure, judged by one table of rules."""
