"""Pickles are read without running them; heights follow from names and difficulties."""

import os
import pickle
import subprocess
import time
from collections import OrderedDict

import numpy as np
import pytest

from fineparser.data.dives import DataError
from fineparser.data.readers.annotations import (
    flat,
    height_in_name,
    load_pickle,
    load_splits,
    load_table,
    matching_heights,
    named_key,
    number,
    numbered_key,
    text,
    unique_height,
    whole_number,
)
from fineparser.domain.dive_code import DiveCode

PLAIN = {
    ("video", 3): ["107b", 87.45, 3.1, None, [1, 1, 15, 36]],
    "set": {1, 2},
    "frozen": frozenset({"a"}),
    "ordered": OrderedDict(a=1),
    "bytes": b"\x00\xff",
    "complex": 1 + 2j,
    "scalars": (np.float64(3.2), np.int64(-7), np.bool_(True), np.float32(0.5), np.str_("x")),
}
ARRAYS = [
    np.arange(6, dtype=np.int64).reshape(2, 3),
    np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    np.array([1, 2], dtype=">i4"),
    np.array(["Entry", "1 Twist"]),
    np.array([None, "x", 3], dtype=object),
    np.array([True, False]),
    np.array(2.5),
    np.zeros((0, 4), np.uint8),
]


def write(tmp_path, data: bytes):
    path = tmp_path / "annotation.pkl"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_objects_come_back_in_every_protocol(tmp_path, protocol):
    assert load_pickle(write(tmp_path, pickle.dumps(PLAIN, protocol=protocol))) == PLAIN


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: str(array.dtype) + str(array.shape))
def test_arrays_come_back_in_every_protocol(tmp_path, array, protocol):
    data = pickle.dumps({"labels": array}, protocol=protocol)
    loaded = load_pickle(write(tmp_path, data))["labels"]
    assert loaded.shape == array.shape
    assert loaded.dtype == pickle.loads(data)["labels"].dtype  # which turns big-endian into native
    assert np.array_equal(loaded, array)


def test_pickles_of_numpy_1_name_another_module(tmp_path):
    data = pickle.dumps([np.arange(3), np.float64(2.5)], protocol=2)
    assert b"numpy._core" in data
    loaded = load_pickle(write(tmp_path, data.replace(b"numpy._core", b"numpy.core")))
    assert loaded[0].tolist() == [0, 1, 2]
    assert loaded[1] == 2.5


def test_pickles_of_python_2_keep_their_numbers(tmp_path):
    # What Python 2 wrote for {"score": numpy.float64(2.5)}: byte strings of the STRING opcodes.
    data = (
        b"(dp0\nS'score'\np1\ncnumpy.core.multiarray\nscalar\np2\n(cnumpy\ndtype\np3\n(S'f8'\np4\nI0\nI1\ntp5\n"
        b"Rp6\n(I3\nS'<'\np7\nNNNI-1\nI-1\nI0\ntp8\nbS'\\x00\\x00\\x00\\x00\\x00\\x00\\x04@'\np9\ntp10\nRp11\ns."
    )
    assert load_pickle(write(tmp_path, data)) == {"score": 2.5}


class Malicious:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    ("function", "named"),
    [
        (os.system, "posix.system"),
        (eval, "builtins.eval"),
        (subprocess.Popen, "subprocess.Popen"),
        (getattr, "builtins.getattr"),
        (np.load, "numpy.load"),
        (pickle.loads, "_pickle.loads"),
    ],
)
def test_a_malicious_pickle_is_rejected_by_name_and_does_nothing(tmp_path, function, named):
    witness = tmp_path / "ran"
    data = pickle.dumps({("video", 0): [Malicious(function, f"touch {witness}")]})
    path = write(tmp_path, data)
    with pytest.raises(DataError, match=rf"annotation\.pkl: the pickle names {named}.*authors"):
        load_pickle(path)
    assert not witness.exists()


def test_an_array_of_forged_pointers_is_rejected(tmp_path):
    """Bytes that claim to be objects would be followed as addresses."""
    honest = pickle.dumps(np.array([1, 2]), protocol=2)
    forged = honest.replace(b"i8", b"O8")
    assert forged != honest
    with pytest.raises(DataError, match="items do not fit its shape"):
        load_pickle(write(tmp_path, forged))


def test_an_array_with_fields_is_rejected(tmp_path):
    fields = np.zeros(2, dtype=[("a", "i4"), ("b", object)])
    with pytest.raises(DataError, match="unusual type 'V12'"):
        load_pickle(write(tmp_path, pickle.dumps(fields)))


def test_an_array_with_too_few_bytes_is_rejected(tmp_path):
    honest = pickle.dumps(np.arange(4, dtype=np.int8), protocol=2)
    forged = honest.replace(b"K\x04\x85", b"K\x7f\x85")  # the shape (4,) made (127,)
    assert forged != honest
    with pytest.raises(DataError, match="bytes do not fit its shape"):
        load_pickle(write(tmp_path, forged))


def doubled(levels, pair=b"\x86", start=b"N"):
    """Pickle of a pair of one object, in a pair of that pair, and so on, by references to the memo."""
    body = start + b"\x94"
    for level in range(levels):
        body += b"h" + bytes([level]) + pair + b"\x94"
    return b"\x80\x04" + body


BOMBS = {
    "key": b"\x80\x04}" + doubled(60)[2:] + b"Ns.",
    "copied": b"\x80\x04N" + b"2\x86" * 60 + b".",
    "dropped": doubled(60) + b"}h" + bytes([60]) + b"Ns0.",
    "lists": b"\x80\x04]\x94" + b"".join(b"]\x94(h%ch%ce" % (level, level) for level in range(60)) + b".",
    "cycle": b"\x80\x04]\x94h\x00a.",
    "deep": b"\x80\x04" + b"(" * 100_000 + b"t" * 100_000 + b".",
    "index": b"\x80\x04Nr\xff\xff\xff\x7f.",
    "bits": b"\x80\x04\x8b\x00\x00\x10\x00" + b"\x7f" * 2**20 + b".",
    "array": b"\x80\x04cnumpy\nndarray\n(\x8a\x05\x00\x00\x00\x00\x10\x85tR.",
    "class": b"\x80\x04cnumpy\ndtype\nN}\x8c\x01xK\x01s\x86b.",
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_pickle_that_asks_for_too_much_is_refused_at_once(tmp_path, name):
    path = write(tmp_path, BOMBS[name])
    start = time.monotonic()
    with pytest.raises(DataError, match=r"annotation\.pkl: ") as error:
        load_splits(path, path, named_key)
    assert time.monotonic() - start < 5  # seconds, on a busy machine
    assert len(str(error.value)) < len(str(path)) + 200


def test_objects_may_be_shared(tmp_path):
    labels, key = list(range(100)), ("video", 1)
    value = {("video", clip): [labels, key, (key, key)] for clip in range(1000)}
    assert load_pickle(write(tmp_path, pickle.dumps(value))) == value


@pytest.mark.parametrize(
    "key",
    [("v", np.inf), ("v", np.nan), ("v", 1.5), ("v", -1), ("v", 2**60), ("v", "x" * 500), ("..", 1), ("a/b", 1),
     ("x" * 300, 1), (("v",), 1), ("v",), 3, None, frozenset({1}), ("v", (1, 2)), ("\ud800", 1)],
    ids=str,
)  # fmt: skip
def test_an_impossible_key_is_named(tmp_path, key):
    path = write(tmp_path, pickle.dumps({key: 1}))
    with pytest.raises(DataError, match=r"annotation\.pkl: a key should be a video and the number") as error:
        load_table(path, named_key)
    assert len(str(error.value)) < len(str(path)) + 200


@pytest.mark.parametrize("keys", ["text", {"a": 1}, 3, np.array(3), None])
def test_a_split_that_is_no_list_is_named(tmp_path, keys):
    path = write(tmp_path, pickle.dumps(keys))
    with pytest.raises(DataError, match=r"annotation\.pkl: should be a list of keys"):
        load_splits(path, path, numbered_key)


def test_values_are_converted_or_quoted():
    assert [whole_number(value) for value in (3, 3.0, np.int64(3), "3", True)] == [3, 3, 3, 3, 1]
    assert [number(value) for value in (3, 2.5, np.float32(2.5), "2.5")] == [3.0, 2.5, 2.5, 2.5]
    assert (text("107b"), text(107)) == ("107b", "107")
    assert flat([[1, 2], np.array([[3, 4]]), (5,)]) == [1, 2, 3, 4, 5]
    for convert in (whole_number, number):
        for value in (np.inf, np.nan, None, "x" * 1000, [1], {}, b"1", 1j):
            with pytest.raises(ValueError, match="number is needed, not") as error:
                convert(value)
            assert len(str(error.value)) < 120
    with pytest.raises(ValueError, match="short text is needed, not 'xxx"):
        text("x" * 100)


@pytest.mark.parametrize("data", [b"", b"not a pickle", pickle.dumps(list(range(100)))[:-40]])
def test_a_damaged_file_is_named(tmp_path, data):
    with pytest.raises(DataError, match=r"annotation\.pkl: "):
        load_pickle(write(tmp_path, data))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"gone\.pkl: there is no such file"):
        load_pickle(tmp_path / "gone.pkl")


@pytest.mark.parametrize(
    ("name", "height"),
    [
        ("FINADivingWorldCup2021_Men3m_final_r1", 3),
        ("FullMenSynchronised10mPlatform_Tokyo2020Replays_2", 10),
        ("3mMenSpringboardFinal-EuropeanChampionships2021_2", 3),
        ("women10m", 10),
        ("10mplatform_final", 10),
        ("3mspringboard", 3),
        ("Open7.5m", 7.5),
        ("Final10men", None),
        ("Round13m", None),
        ("3m_and_10m", None),
        ("Tokyo2020", None),
    ],
)
def test_heights_in_names(name, height):
    assert height_in_name(name) == height


def test_a_difficulty_of_one_height_determines_it():
    # 107B is 3.1 from 3 m; the current table gives it 3.0 from 10 m.
    assert unique_height(DiveCode.parse("107B"), 3.1) == 3
    assert unique_height(DiveCode.parse("107B"), 3.0) == 10
    assert unique_height(DiveCode.parse("107B"), 2.0) is None


def test_the_earlier_tables_count():
    # 307C from 10 m was 3.3 in 2009-13.
    assert matching_heights(DiveCode.parse("307C"), 3.3) == (10,)


def test_armstands_are_not_dived_from_springboards():
    assert 3 not in matching_heights(DiveCode.parse("612B"), 2.0)
