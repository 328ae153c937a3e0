"""Facts of diving: dive numbers, difficulty, judging, phases. Standard library and numpy only."""
