"""Measures the product against limits taken in the same run on the same machine."""
