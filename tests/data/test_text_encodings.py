"""Encodings by content: the right letters from the bytes of each, and none from what is no text."""

import numpy as np
import pytest

from fineparser.data.text_encodings import BYTE_ORDER_MARKS, decode_text

TEXTS = {
    "cp1252": "clip,athlete\nMüller.mp4,Peña\nDéjà vu.mp4,François\nO’Neil – 3½ m.mp4,Åsa Köln\n",
    "mac_roman": "clip,athlete\nMüller.mp4,Köln\nDéjà vu.mp4,Große\n",
    "gbk": "clip,dive_code\n全红婵.mp4,１０５Ｂ\n跳水训练.mp4,205B\n",
    "cp932": "clip,dive_code\n飛込の表.mp4,１０５Ｂ\nプール.mp4,205B\n",
    "cp1251": "clip,dive_code\nПрыжок Иванов.mp4,105B\n",
}


@pytest.mark.parametrize("encoding", TEXTS)
def test_a_code_page_is_recognised_by_its_letters(encoding):
    assert decode_text(TEXTS[encoding].encode(encoding)) == TEXTS[encoding]


@pytest.mark.parametrize("text", [*TEXTS.values(), "clip\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
def test_unicode_is_read_with_and_without_a_mark(encoding, text):
    assert decode_text(text.encode(encoding)) == text
    for mark, name in BYTE_ORDER_MARKS.items():
        assert decode_text(mark + text.encode(name)) == text


@pytest.mark.parametrize("seed", range(8))
def test_noise_is_no_text(seed):
    noise = np.random.default_rng(seed).integers(1, 256, 3000, dtype=np.uint8).tobytes()
    with pytest.raises(ValueError, match="no text"):
        decode_text(noise)
