"""The FineParser network (Xu et al., CVPR 2024)."""
