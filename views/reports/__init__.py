"""The same nouns as documents: pure functions from values to text, without a terminal or a file."""
