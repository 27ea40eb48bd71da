"""The doors to language models, and the wrappers around them."""
