import pytest
import torch

from fineparser.model.cross_attention import CrossAttention, CrossAttentionDecoder, recorded_attention


@pytest.fixture
def pair():
    """Ours with the weights of torch's own multi-head attention."""
    torch.manual_seed(0)
    ours = CrossAttention(16, 4)
    theirs = torch.nn.MultiheadAttention(16, 4, bias=True, batch_first=True)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([ours.to_query.weight, ours.to_key.weight, ours.to_value.weight]))
        theirs.in_proj_bias.zero_()
        theirs.out_proj.load_state_dict(ours.project.state_dict())
    return ours, theirs


def test_it_is_torchs_multi_head_attention(pair):
    ours, theirs = pair
    queries, values = torch.randn(2, 5, 16), torch.randn(2, 7, 16)
    torch.testing.assert_close(ours(queries, values), theirs(queries, values, values)[0])


def test_its_weights_are_torchs(pair):
    ours, theirs = pair
    queries, values = 3 * torch.randn(2, 5, 16), 3 * torch.randn(2, 7, 16)
    _, expected = theirs(queries, values, values, average_attn_weights=False)
    assert expected.std() > 0.05  # they are not all alike
    torch.testing.assert_close(ours.weights(queries, values), expected)


def test_a_record_holds_every_block_in_the_order_in_which_it_ran():
    torch.manual_seed(0)
    decoder = CrossAttentionDecoder(16, heads=4, layers=3)
    queries, values = torch.randn(2, 5, 16), torch.randn(2, 7, 16)
    plain = decoder(queries, values)
    with recorded_attention(decoder) as seen:
        torch.testing.assert_close(decoder(queries, values), plain, rtol=0, atol=0)
        assert [weights.shape for weights in seen] == [(2, 4, 5, 7)] * 3
    first = decoder.blocks[0]
    torch.testing.assert_close(seen[0], first.attention.weights(first.norm_queries(queries), first.norm_values(values)))
    decoder(queries, values)
    assert len(seen) == 3


def test_a_record_ends_with_its_block_whatever_happens():
    decoder = CrossAttentionDecoder(16, heads=4, layers=1)
    with pytest.raises(RuntimeError), recorded_attention(decoder) as seen:
        decoder(torch.randn(1, 2, 16), torch.randn(1, 2, 15))
    seen.clear()
    decoder(torch.randn(1, 2, 16), torch.randn(1, 2, 16))
    assert seen == []
