"""Labs as rows: what will be done to one, and a round of the dojo."""
