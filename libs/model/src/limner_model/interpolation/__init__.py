"""Shapes of tracks between keyframes, and documents frame by frame.

Source of the rules: the CVAT server's track interpolation; where its server and its editor differ (opposite rotations,
angles of 3D cuboids) the editor is followed.
"""

from limner_model.interpolation.cursors import InvalidTrack, TrackCursor, interpolate_keyframes, interpolate_track
from limner_model.interpolation.rows import track_rows
from limner_model.interpolation.sweeps import FrameSweeper, sweep, sweep_stream

__all__ = [
    "FrameSweeper",
    "InvalidTrack",
    "TrackCursor",
    "interpolate_keyframes",
    "interpolate_track",
    "sweep",
    "sweep_stream",
    "track_rows",
]
