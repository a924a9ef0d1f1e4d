"""Text to value and positions: one reader for each format."""
