"""How older files become like the tables of today. Run from `opening`, never by hand."""
