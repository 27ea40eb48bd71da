"""From a paper to a judgement, without a language model."""
