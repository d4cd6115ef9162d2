"""Migrations, oldest first: each turns the tables of the one before into its own, for ever as written."""
