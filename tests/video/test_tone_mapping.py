"""Tone mapping against the numbers of the standards and against ffmpeg's own conversion from SDR to HDR."""

import numpy as np
import pytest
from av.video.reformatter import ColorTrc

from fineparser.video.reader import open_source, scan_frames
from fineparser.video.tone_mapping import (
    PEAK,
    REFERENCE_WHITE,
    ToneMapper,
    compress,
    hlg_to_light,
    light_to_pq,
    pq_to_light,
    tone_map,
)
from tests.video.clips import encode

TRANSFERS = {"smpte2084": ColorTrc.SMPTE2084, "arib-std-b67": ColorTrc.ARIB_STD_B67}


def grey(*signal: float) -> np.ndarray:
    return np.repeat(np.array(signal)[:, None], 3, axis=1)


def test_pq_has_the_light_of_the_standard():
    """ITU-R BT.2408, table 1, and the ends of the curve."""
    np.testing.assert_allclose(pq_to_light(np.array([0.0, 0.58, 0.7518, 1.0])), [0, 203, 1000, 10000], rtol=0.01)
    np.testing.assert_allclose(light_to_pq(pq_to_light(np.linspace(0, 1, 50))), np.linspace(0, 1, 50), atol=1e-6)


def test_hlg_has_the_light_of_the_standard():
    """ITU-R BT.2408, table 1: 38 % is 26 cd/m2 (grey card), 75 % is 203 (reference white), 100 % is 1000."""
    light = hlg_to_light(grey(0.0, 0.38, 0.75, 1.0))
    np.testing.assert_allclose(light[:, 1], [0, 26, 203, 1000], rtol=0.02, atol=1e-3)


def test_the_dark_half_keeps_its_brightness_and_the_peak_becomes_white():
    light = np.linspace(0, PEAK, 500)
    compressed = compress(light)
    assert np.all(np.diff(compressed) > 0)
    dark = light < 0.4 * REFERENCE_WHITE
    np.testing.assert_allclose(compressed[dark], light[dark], rtol=1e-6)
    assert compressed[-1] == pytest.approx(REFERENCE_WHITE)
    assert compress(np.array(10 * PEAK)) == pytest.approx(REFERENCE_WHITE)


@pytest.mark.parametrize("transfer", TRANSFERS.values())
def test_black_stays_black_the_peak_is_white_and_grey_stays_grey(transfer):
    mapped = tone_map(grey(0.0, 0.3, 0.5, 1.0), transfer)
    np.testing.assert_allclose(np.ptp(mapped, axis=1), 0, atol=0.01)
    assert mapped[0].max() < 0.01
    assert mapped[-1].min() > 0.99


@pytest.mark.parametrize("transfer", TRANSFERS.values())
def test_the_tables_give_the_same_as_the_formula(transfer):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 2**16, (100, 100, 3)).astype(np.uint16)
    image[:50] //= 4
    expected = 255 * tone_map(image / (2**16 - 1), transfer)
    assert np.abs(ToneMapper(transfer).map(image) - expected).max() <= 1


def hdr_clip(path, frames: np.ndarray, transfer: str):
    """SDR converted to HDR by ffmpeg, its white at the reference white of HDR, as broadcasters do it."""
    to_hdr = (
        "format=gbrp,setparams=range=pc:color_primaries=bt709:color_trc=bt709:colorspace=gbr,zscale=t=linear:npl=203,"
        f"format=gbrpf32le,zscale=p=bt2020:npl=203,zscale=t={transfer}:m=bt2020nc:r=limited:npl=203,format=yuv444p10le"
    )
    tags = f"log-level=none:colorprim=bt2020:transfer={transfer}:colormatrix=bt2020nc"
    colour = ("-color_primaries", "bt2020", "-color_trc", transfer, "-colorspace", "bt2020nc")
    codec = ("-c:v", "libx265", "-crf", "2", "-x265-params", tags, "-pix_fmt", "yuv444p10le")
    return encode(path, frames, *codec, *colour, "-vf", to_hdr)


@pytest.mark.parametrize("transfer", TRANSFERS)
def test_an_hdr_recording_looks_like_sdr(tmp_path, transfer):
    """Colours of skin, water and concrete come back; without tone mapping they are 20 to 60 levels off."""
    colours = np.array([[140, 105, 90], [60, 110, 140], [120, 120, 120], [30, 30, 30], [160, 150, 130], [90, 60, 50]])
    frames = np.broadcast_to(colours.astype(np.uint8).repeat(16, 0)[None, None], (10, 64, 96, 3))
    path = hdr_clip(tmp_path / "hdr.mp4", frames, transfer)
    with open_source(path) as source:
        shown = source.frame(5)
    assert np.abs(shown[32, 8::16].astype(int) - colours).max() <= 12
    assert np.abs(shown[32, 8::16].astype(int) - colours).mean() <= 4
    scanned = []
    scan_frames(path, lambda number, frame: scanned.append(frame), longest_side=48)
    assert np.abs(scanned[5][16, 4::8].astype(int) - shown[32, 8::16]).max() <= 2


@pytest.mark.parametrize("transfer", TRANSFERS)
def test_all_bits_are_used(tmp_path, transfer):
    """A smooth ramp stays smooth: eight bits of HDR would leave steps of several levels in the dark."""
    ramp = np.linspace(10, 150, 512).astype(np.uint8)
    frames = np.broadcast_to(ramp[None, None, :, None], (10, 32, 512, 3))
    with open_source(hdr_clip(tmp_path / "ramp.mp4", frames, transfer)) as source:
        row = source.frame(5)[16, :, 1].astype(int)
    assert np.abs(np.diff(row)).max() <= 2
    assert len(np.unique(row)) > 120
