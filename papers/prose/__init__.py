"""The embedded researcher's prose, one section group per file."""
