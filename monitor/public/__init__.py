"""The public face: feeds of what public channels were told. Adds nothing to it, and knows nothing of readers."""
