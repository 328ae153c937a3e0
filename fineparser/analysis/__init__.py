"""A clip and its exemplars to a `DiveReport`."""
