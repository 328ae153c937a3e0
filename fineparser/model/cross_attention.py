"""Cross-attention: the query's tokens look for what answers them in the exemplar."""

from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional


class CrossAttention(nn.Module):
    """Multi-head attention of queries [B, N, C] over values [B, M, C] -> [B, N, C]."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.to_query = nn.Linear(width, width, bias=False)
        self.to_key = nn.Linear(width, width, bias=False)
        self.to_value = nn.Linear(width, width, bias=False)
        self.project = nn.Linear(width, width)

    def forward(self, queries: Tensor, values: Tensor) -> Tensor:
        q, k, v = (
            rearrange(tokens, "b n (h c) -> b h n c", h=self.heads)
            for tokens in (self.to_query(queries), self.to_key(values), self.to_value(values))
        )
        attended = functional.scaled_dot_product_attention(q, k, v)
        return self.project(rearrange(attended, "b h n c -> b n (h c)"))


class DecoderBlock(nn.Module):
    """Pre-norm cross-attention and a GELU MLP, each added to the queries."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm_queries = nn.LayerNorm(width)
        self.norm_values = nn.LayerNorm(width)
        self.attention = CrossAttention(width, heads)
        self.norm_mlp = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, queries: Tensor, values: Tensor) -> Tensor:
        queries = queries + self.attention(self.norm_queries(queries), self.norm_values(values))
        return queries + self.mlp(self.norm_mlp(queries))


class CrossAttentionDecoder(nn.Module):
    """Decoder blocks that all look at the same values: queries [B, N, C], values [B, M, C] -> [B, N, C]."""

    def __init__(self, width: int, heads: int, layers: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(DecoderBlock(width, heads) for _ in range(layers))

    def forward(self, queries: Tensor, values: Tensor) -> Tensor:
        for block in self.blocks:
            queries = block(queries, values)
        return queries
