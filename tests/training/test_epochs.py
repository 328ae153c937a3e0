"""Every sample once an epoch, whatever the number of processes."""

import pytest

from fineparser.training.epochs import shares, steps_per_epoch


def all_shares(count, batch_size, processes, **more):
    return [
        shares(count, batch_size=batch_size, seed=1, epoch=2, processes=processes, process=process, **more)
        for process in range(processes)
    ]


@pytest.mark.parametrize(
    ("count", "batch_size", "processes"), [(17, 4, 1), (17, 4, 2), (16, 4, 2), (9, 4, 2), (5, 1, 4)]
)
def test_every_sample_is_counted_once(count, batch_size, processes):
    plans = all_shares(count, batch_size, processes)
    counted = [index for plan in plans for share in plan if share.counted for index in share.indices]
    assert sorted(counted) == list(range(count))
    assert {len(plan) for plan in plans} == {steps_per_epoch(count, batch_size=batch_size, processes=processes)}
    assert all(1 <= len(share.indices) <= batch_size for plan in plans for share in plan)


def test_two_processes_do_what_one_with_twice_the_batch_does():
    one = all_shares(19, 8, 1)[0]
    two = all_shares(19, 4, 2)
    for step, share in enumerate(one):
        together = [plan[step].indices for plan in two if plan[step].counted]
        assert sum(together, ()) == share.indices


def test_a_process_without_a_sample_gets_a_filler():
    plans = all_shares(9, 4, 2)  # a step of eight, then a single sample
    assert [plan[1].counted for plan in plans] == [True, False]
    assert plans[1][1].indices == plans[0][1].indices


def test_an_epoch_is_taken_up_where_it_was_left():
    whole = shares(17, batch_size=4, seed=1, epoch=2)
    assert shares(17, batch_size=4, seed=1, epoch=2, first_step=3) == whole[3:]


def test_epochs_and_seeds_differ():
    orders = {shares(50, batch_size=50, seed=seed, epoch=epoch)[0].indices for seed in (0, 1) for epoch in (0, 1)}
    assert len(orders) == 4
