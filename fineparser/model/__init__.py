"""The networks: `FineParser` as published (Xu et al., CVPR 2024) and `CompactFineParser` for two CPU cores.

Public names, by module:

config: FineParserConfig, CompactConfig
protocol: ClipInput, Encoding, Diagnostics, DiagnosticsLevel, Comparison, Provenance, Network
paper: FineParser
compact: CompactFineParser
checkpoint: load_network, build_network, CheckpointError
reference_weights: import_checkpoint, load_i3d (weights in the authors' layouts)
normalization: normalise, denormalise, pixel_values
precision: dtype_of
cpu.optimisation: optimise
"""
