"""The watch: feeds in, alerts and digests out."""
