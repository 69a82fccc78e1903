"""What shows the program at its work: lessons, finished examples, and the results that come with both."""
