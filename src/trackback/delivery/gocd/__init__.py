"""GoCD by its own API: set up from outside, and asked for what its notifications have lost."""
