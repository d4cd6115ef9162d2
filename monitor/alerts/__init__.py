"""Stories become messages that arrive."""
