"""Exemplars: dives with known scores, the banks that hold them, and how they vote."""
