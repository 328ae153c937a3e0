import torch

from fineparser.model.portions import portions


def test_parts_are_of_about_the_same_size_and_none_too_large():
    assert [len(part) for part in portions(torch.zeros(9), 5)] == [5, 4]
    assert [len(part) for part in portions(torch.zeros(96), 41)] == [32, 32, 32]
    assert [len(part) for part in portions(torch.zeros(3), 5)] == [3]
    assert [len(part) for part in portions(torch.zeros(9), None)] == [9]
