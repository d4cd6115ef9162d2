"""What things cost, as ratios against a named baseline in one run. `make bench`."""
