"""Models, pools and runs."""
