"""What generated code might do, by what it is after."""
