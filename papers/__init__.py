"""From a study to a PDF, without a language model."""
