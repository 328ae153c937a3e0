"""Learning and measuring; nothing here is needed to score a clip."""
