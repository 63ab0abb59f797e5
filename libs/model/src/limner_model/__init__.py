"""The annotation model: shapes, tracks, masks, interpolation, merging; pure."""
