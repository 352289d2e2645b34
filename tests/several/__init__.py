"""Several hosts as one snapshot."""
