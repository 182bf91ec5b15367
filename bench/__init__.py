"""Performance as ratios against bare code in the same run: `make bench`."""
