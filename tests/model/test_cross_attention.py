import torch

from fineparser.model.cross_attention import CrossAttention


def test_it_is_torchs_multi_head_attention():
    torch.manual_seed(0)
    ours = CrossAttention(16, 4)
    theirs = torch.nn.MultiheadAttention(16, 4, bias=True, batch_first=True)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([ours.to_query.weight, ours.to_key.weight, ours.to_value.weight]))
        theirs.in_proj_bias.zero_()
        theirs.out_proj.load_state_dict(ours.project.state_dict())
    queries, values = torch.randn(2, 5, 16), torch.randn(2, 7, 16)
    torch.testing.assert_close(ours(queries, values), theirs(queries, values, values)[0])
