"""Files that users logged, as pages show them."""
