"""Reports of what was found: HTML by itself, Markdown and JSON."""
