"""The app: events to analysis and training, to rendering."""
