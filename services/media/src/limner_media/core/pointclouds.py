"""Point clouds: PCD headers, KITTI ``.bin`` files made into PCD, telling 3D data from 2D.

Sources: The PCD file format (pointclouds.org, version 0.7); KITTI raw data development kit (velodyne scans);
domain/MEDIA.md §10.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from limner_media.core.errors import MediaError
from limner_media.core.kinds import extension_of, is_image, is_point_cloud

MAX_HEADER_BYTES: Final = 4096
BYTES_PER_BIN_POINT: Final = 16
_VERSIONS: Final = frozenset({f"{whole}.{part}" for whole in ("", "0") for part in range(1, 8)})


@dataclass(frozen=True, slots=True)
class PCDHeader:
    """The header of a PCD file.

    Attributes:
        version: As written, such as ``0.7`` or ``.7``.
        width: Points per row, or all points of an unordered cloud.
        height: Rows; 1 for an unordered cloud.
        points: Number of points.
        fields: Field names in order.
        encoding: ``ascii``, ``binary`` or ``binary_compressed``.
        data_offset: Position of the first byte after the header.
    """

    version: str
    width: int
    height: int
    points: int
    fields: tuple[str, ...]
    encoding: str
    data_offset: int


def read_pcd_header(prefix: bytes, *, file: str) -> PCDHeader:
    """Read a PCD header from the first `MAX_HEADER_BYTES` bytes of a file.

    Raises:
        MediaError: It is no PCD file of a known version, or a line is missing or malformed.
    """
    lines, data_offset = _header_lines(prefix, file)
    version = lines.get("VERSION", [""])[0]
    if version not in _VERSIONS:
        raise MediaError("this is not a PCD file of version 0.1 to 0.7", file=file)
    width = _number(lines, "WIDTH", file)
    height = _number(lines, "HEIGHT", file)
    points = _number(lines, "POINTS", file) if "POINTS" in lines else width * height
    fields = lines.get("FIELDS", lines.get("COLUMNS", []))
    return PCDHeader(version, width, height, points, tuple(fields), lines["DATA"][0].lower(), data_offset)


def bin_to_pcd(data: bytes, *, file: str) -> bytes:
    """Make a binary PCD out of a KITTI scan: little-endian float32 x, y, z, intensity per point, copied as they are.

    Raises:
        MediaError: The file is empty or no whole number of points.
    """
    points, rest = divmod(len(data), BYTES_PER_BIN_POINT)
    if rest or not points:
        raise MediaError("this is not a scan of x, y, z, intensity quadruples (its size does not fit)", file=file)
    return pcd_header_of_bin(points) + data


def pcd_header_of_bin(points: int) -> bytes:
    """The PCD header that, put in front of a KITTI scan of that many points, makes it a PCD file."""
    return (
        "# .PCD v0.7 - Point Cloud Data file format\n"
        "VERSION 0.7\n"
        "FIELDS x y z intensity\n"
        "SIZE 4 4 4 4\n"
        "TYPE F F F F\n"
        "COUNT 1 1 1 1\n"
        f"WIDTH {points}\n"
        "HEIGHT 1\n"
        "VIEWPOINT 0 0 0 1 0 0 0\n"
        f"POINTS {points}\n"
        "DATA binary\n"
    ).encode("ascii")


def pcd_name(name: str) -> str:
    """Name of the frame made of a point cloud file: ``.bin`` becomes ``.pcd``, ``.pcd`` stays as written."""
    return name if extension_of(name) == "pcd" else str(PurePosixPath(name).with_suffix(".pcd"))


def point_cloud_frames(names: Iterable[str], read_prefix: Callable[[str], bytes]) -> list[str]:
    """Frames of a 3D task among the files of a task; empty when the files are a 2D task.

    Args:
        names: All files, unpacked, in any order.
        read_prefix: Gives the first `MAX_HEADER_BYTES` of a file; only asked for point clouds.

    Returns:
        The point clouds in the order given. When there are any, images are context or nothing (see `related`).

    Raises:
        MediaError: A point cloud is damaged.

    Source: domain/MEDIA.md §10.
    """
    frames = [name for name in names if is_point_cloud(name)]
    for name in frames:
        if extension_of(name) == "pcd":
            read_pcd_header(read_prefix(name), file=name)
    return frames


def refuse_mixed_frames(frames: Iterable[str], *, context: Iterable[str] = ()) -> None:
    """Refuse images among the frames of a 3D task that are not context of any point cloud.

    Raises:
        MediaError: Point clouds and plain images are mixed.
    """
    names = list(frames)
    known = frozenset(context)
    stray = [name for name in names if is_image(name) and name not in known]
    if stray and any(is_point_cloud(name) for name in names):
        raise MediaError("images and point clouds cannot be frames of the same task", file=stray[0])


def _header_lines(prefix: bytes, file: str) -> tuple[dict[str, list[str]], int]:
    lines: dict[str, list[str]] = {}
    position = 0
    while (end := prefix.find(b"\n", position)) >= 0:
        words = prefix[position:end].decode("ascii", "replace").split()
        position = end + 1
        if not words or words[0].startswith("#"):
            continue
        lines[words[0].upper()] = words[1:] or [""]
        if words[0].upper() == "DATA":
            return lines, position
    raise MediaError("this is not a PCD file: its header has no end", file=file)


def _number(lines: dict[str, list[str]], key: str, file: str) -> int:
    text = lines.get(key, [""])[0]
    if not text.isascii() or not text.isdigit():
        raise MediaError(f"the PCD header has no valid {key}", file=file)
    return int(text)
