"""Where messages can go: one file a kind of channel."""
