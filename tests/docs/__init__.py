"""What the documents show is what the program does: every example of the pages for readers is run."""
