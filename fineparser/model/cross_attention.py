"""Cross-attention: the query's tokens look for what answers them in the exemplar."""

import math
from collections.abc import Iterator
from contextlib import contextmanager

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
        q, k, v = map(self._by_head, (self.to_query(queries), self.to_key(values), self.to_value(values)))
        attended = functional.scaled_dot_product_attention(q, k, v)
        return self.project(rearrange(attended, "b h n c -> b n (h c)"))

    def weights(self, queries: Tensor, values: Tensor) -> Tensor:
        """[B, heads, N, M]: how much each query takes from each value; over the values they add up to 1.

        The fused attention of `forward` never holds them, so they are only worked out where somebody wants to look.
        """
        q, k = self._by_head(self.to_query(queries)), self._by_head(self.to_key(values))
        return (q @ k.mT / math.sqrt(q.shape[-1])).softmax(-1)

    def _by_head(self, tokens: Tensor) -> Tensor:
        return rearrange(tokens, "b n (h c) -> b h n c", h=self.heads)


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


@contextmanager
def recorded_attention(network: nn.Module) -> Iterator[list[Tensor]]:
    """Fills the list with `CrossAttention.weights` of every cross-attention that runs inside the network meanwhile.

    In the order in which they run. Nobody else may run the network meanwhile; afterwards it is as it was.
    """
    seen: list[Tensor] = []

    def look(attention: CrossAttention, tokens: tuple[Tensor, Tensor]) -> None:
        seen.append(attention.weights(*tokens))

    hooks = [
        module.register_forward_pre_hook(look) for module in network.modules() if isinstance(module, CrossAttention)
    ]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()
