"""Damaged videos, and a program that reads them:

    python -m tests.video.mutated_files PATH...

It prints two lines of JSON a file, its name before it is read and the outcome after. It runs in a process of its own,
so that a crash, a hang or a growth of memory is seen and named.
"""

import json
import re
import sys
import traceback
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fineparser.video.info import VideoError
from fineparser.video.limits import Limits
from fineparser.video.reader import reopen, scan_frames
from tests.video.clips import H264, encode, numbered_frames

FRAMES = 36
SIZE = (48, 64)
GROUP = ("-g", "12")
X265 = ("-c:v", "libx265", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-x265-params", "log-level=none")
VPX = ("-deadline", "realtime", "-cpu-used", "8", "-b:v", "400k")
INTERLACED = ("-vf", "setfield=tff", "-x264-params", "interlaced=1:tff=1:bframes=2:log=-1")

SOURCES = {
    "h264.mp4": (*H264, *GROUP, "-bf", "2", "-movflags", "+faststart"),
    "h264.mov": (*H264, *GROUP),
    "fragmented.mp4": (*H264, *GROUP, "-movflags", "frag_keyframe+empty_moov"),
    "hevc.mp4": (*X265, *GROUP, "-tag:v", "hvc1"),
    "mpeg4.mp4": ("-c:v", "mpeg4", "-qscale:v", "4", "-bf", "2", *GROUP),
    "av1.mp4": ("-c:v", "libsvtav1", "-preset", "12", "-pix_fmt", "yuv420p", *GROUP),
    "prores.mov": ("-c:v", "prores", "-profile:v", "0", "-pix_fmt", "yuv422p10le"),
    "mjpeg.avi": ("-c:v", "mjpeg", "-pix_fmt", "yuvj420p"),
    "mpeg4.avi": ("-c:v", "mpeg4", "-qscale:v", "4", "-bf", "2", "-vtag", "XVID", *GROUP),
    "h264.mkv": (*H264, *GROUP),
    "vp8.webm": ("-c:v", "libvpx", *VPX, *GROUP),
    "vp9.webm": ("-c:v", "libvpx-vp9", *VPX, *GROUP),
    "interlaced.ts": ("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", *INTERLACED, *GROUP),
    "mpeg2.ts": ("-c:v", "mpeg2video", "-qscale:v", "4", "-bf", "2", *GROUP),
    "mpeg2.mpg": ("-c:v", "mpeg2video", "-qscale:v", "4", *GROUP),
    "wmv2.wmv": ("-c:v", "wmv2", "-qscale:v", "4", *GROUP),
    "plain.gif": ("-f", "gif"),
}
"""Undamaged files by name, with the options of ffmpeg that make them."""

EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
"""Numbers at which sizes, counts and offsets overflow."""

HEAD = 0.12
"""Share of a file at its start in which most headers lie."""

CONTAINER_BOXES = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"dinf", b"moof", b"traf"})


def write_sources(folder: Path, sources: Mapping[str, tuple[str, ...]] = SOURCES) -> dict[str, bytes]:
    """Undamaged files: a texture that moves and changes, so that there is something to damage in every frame."""
    frames = numbered_frames(FRAMES, *SIZE).astype(int)
    texture = np.random.default_rng(0).integers(-30, 31, (SIZE[0], 2 * SIZE[1], 3))
    for number, frame in enumerate(frames):
        frame += texture[:, number : number + SIZE[1]]
    pictures = np.clip(frames, 0, 255).astype(np.uint8)
    return {name: encode(folder / name, pictures, *options).read_bytes() for name, options in sources.items()}


def _place(data: bytearray, rng: np.random.Generator, share: float = 1.0) -> int:
    return int(rng.integers(0, max(1, int(len(data) * share))))


def _piece(data: bytearray, rng: np.random.Generator) -> slice:
    length = int(rng.integers(1, max(2, len(data) // 5)))
    start = int(rng.integers(0, max(1, len(data) - length)))
    return slice(start, start + length)


def flip(data: bytearray, rng: np.random.Generator) -> None:
    """Other bytes in a few places."""
    for _ in range(int(rng.integers(1, 40))):
        data[_place(data, rng)] = int(rng.integers(0, 256))


def flip_head(data: bytearray, rng: np.random.Generator) -> None:
    """Other bits in the headers at the start."""
    for _ in range(int(rng.integers(1, 12))):
        data[_place(data, rng, HEAD)] ^= 1 << int(rng.integers(0, 8))


def flip_end(data: bytearray, rng: np.random.Generator) -> None:
    """Other bits at the end, where some files have their index."""
    for _ in range(int(rng.integers(1, 12))):
        data[len(data) - 1 - _place(data, rng, HEAD)] ^= 1 << int(rng.integers(0, 8))


def cut(data: bytearray, rng: np.random.Generator) -> None:
    """Only the first part."""
    del data[max(1, _place(data, rng)) :]


def remove(data: bytearray, rng: np.random.Generator) -> None:
    """A part left out."""
    del data[_piece(data, rng)]


def zero(data: bytearray, rng: np.random.Generator) -> None:
    """A part that was never written."""
    piece = _piece(data, rng)
    data[piece] = bytes(piece.stop - piece.start)


def repeat(data: bytearray, rng: np.random.Generator) -> None:
    """A part twice."""
    piece = _piece(data, rng)
    data[piece.stop : piece.stop] = data[piece]


def swap(data: bytearray, rng: np.random.Generator) -> None:
    """Two parts exchanged."""
    first, second, third = sorted(_place(data, rng) for _ in range(3))
    data[first:third] = data[second:third] + data[first:second]


def extreme(data: bytearray, rng: np.random.Generator) -> None:
    """Sizes, counts or offsets that no file has."""
    for _ in range(int(rng.integers(1, 4))):
        length = int(rng.choice([1, 2, 4]))
        at = _place(data, rng, HEAD if rng.random() < 0.7 else 1.0)
        value = int(rng.choice(EXTREMES)) & (1 << 8 * length) - 1
        data[at : at + length] = value.to_bytes(length, rng.choice(["big", "little"]))


def _boxes(data: bytearray, start: int, stop: int, depth: int = 0) -> Iterator[tuple[int, int, int]]:
    """Depth, start and stop of every box of an MP4 file."""
    while start + 8 <= stop:
        size = int.from_bytes(data[start : start + 4], "big")
        if size < 8 or start + size > stop:
            return
        yield depth, start, start + size
        if bytes(data[start + 4 : start + 8]) in CONTAINER_BOXES:
            yield from _boxes(data, start + 8, start + size, depth + 1)
        start += size


def _choose_box(data: bytearray, rng: np.random.Generator) -> tuple[int, int, int]:
    boxes = list(_boxes(data, 0, len(data)))
    return boxes[int(rng.integers(0, len(boxes)))]


def swap_boxes(data: bytearray, rng: np.random.Generator) -> None:
    """A box exchanged with the next one of its depth."""
    depth, start, stop = _choose_box(data, rng)
    after = [box for box in _boxes(data, 0, len(data)) if box[0] == depth and box[1] >= stop]
    if not after:
        return repeat_box(data, rng)
    _, second, end = after[0]
    data[start:end] = data[second:end] + data[stop:second] + data[start:stop]
    return None


def repeat_box(data: bytearray, rng: np.random.Generator) -> None:
    """A box twice."""
    _, start, stop = _choose_box(data, rng)
    data[stop:stop] = data[start:stop]


def resize_box(data: bytearray, rng: np.random.Generator) -> None:
    """A wrong size of a box, or a wrong number in it."""
    _, start, stop = _choose_box(data, rng)
    at = start if rng.random() < 0.5 else start + 4 * int(rng.integers(2, max(3, (stop - start) // 4)))
    value = int(rng.choice(EXTREMES)) if rng.random() < 0.5 else (stop - start) + int(rng.integers(-16, 17))
    data[at : at + 4] = (value % 2**32).to_bytes(4, "big")


Mutation = Callable[[bytearray, np.random.Generator], None]
MUTATIONS: tuple[Mutation, ...] = (flip, flip_head, flip_end, cut, remove, zero, repeat, swap, extreme)
BOX_MUTATIONS: tuple[Mutation, ...] = (swap_boxes, repeat_box, resize_box)


def write_mutated(folder: Path, count: int, seed: int, sources: dict[str, bytes]) -> list[Path]:
    """`count` damaged copies of the undamaged files; the same ones for the same seed. Their names say what was done."""
    names, turns = list(sources), {name: 0 for name in sources}
    paths = []
    for number in range(count):
        name = names[number % len(names)]
        has_boxes = name.endswith((".mp4", ".mov"))
        mutations = (*BOX_MUTATIONS, *MUTATIONS) if has_boxes else MUTATIONS
        # Each kind of file begins with another mutation.
        mutation = mutations[(turns[name] + names.index(name)) % len(mutations)]
        turns[name] += 1
        data = bytearray(sources[name])
        mutation(data, np.random.default_rng((seed, number)))
        path = folder / f"{number:04d}-{mutation.__name__}-{name}"
        path.write_bytes(data)
        paths.append(path)
    return paths


@dataclass(frozen=True)
class Outcome:
    """What came of one file."""

    name: str
    frames: int = 0
    """Frames that were read, 0 after an error."""
    checksum: int = 0
    """Checksum of the frames."""
    error: str = ""
    """Reason of a VideoError."""
    fault: str = ""
    """Another exception, or frames that differ when they are read again."""


def read(path: Path) -> Outcome:
    """Read a file: one pass, all frames, and some of them in another order."""
    scanned: list[int] = []
    try:
        info = scan_frames(
            path, lambda number, frame: scanned.append(zlib.crc32(frame)), longest_side=32, limits=Limits(min_frames=1)
        )
        with reopen(info) as source:
            checksums = [zlib.crc32(frame) for _, frame in source.stream()]
            for number in (info.last_number, 0, info.frame_count // 2, info.frame_count // 3):
                if zlib.crc32(source.frame(number)) != checksums[number]:
                    return Outcome(path.name, fault=f"frame {number} differs after a jump")
    except VideoError as error:
        return Outcome(path.name, error=error.reason)
    except Exception:
        return Outcome(path.name, fault=traceback.format_exc())
    if len(scanned) != info.frame_count or len(checksums) != info.frame_count:
        return Outcome(path.name, fault=f"{info.frame_count} frames, {len(scanned)} scanned, {len(checksums)} read")
    return Outcome(path.name, info.frame_count, zlib.crc32(repr((scanned, checksums, info)).encode()))


def peak_memory() -> int:
    """Peak memory of this process, bytes. Not `getrusage`, which starts from that of the parent."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(re.search(r"VmHWM:\s*(\d+)", status)[1])


def main() -> None:
    """Read the files named on the command line."""
    for argument in sys.argv[1:]:
        path = Path(argument)
        print(json.dumps({"name": path.name}), flush=True)
        print(json.dumps(vars(read(path)) | {"peak_memory": peak_memory()}), flush=True)


if __name__ == "__main__":
    main()
