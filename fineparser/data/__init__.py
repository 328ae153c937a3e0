"""Any source of dives to `Dive` records to batches."""
