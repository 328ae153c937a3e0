"""A `DiveReport` to video, figures and a page to keep."""
