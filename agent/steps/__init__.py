"""The steps of a study: each takes the state and the tools, and gives what changed of the state."""
