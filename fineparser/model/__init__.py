"""The networks: `FineParser` as published (Xu et al., CVPR 2024) and `CompactFineParser` for two CPU cores.

Public names, by module:

config: FineParserConfig, CompactConfig
protocol: ClipInput, Encoding, Diagnostics, DiagnosticsLevel, TransitionPrediction, Comparison, Provenance,
    Network, normalise, denormalise, pixel_values
paper: FineParser
compact: CompactFineParser
checkpoint: load_network, build_network, CheckpointError
reference_weights: import_checkpoint, load_i3d (weights in the authors' layouts)
precision: dtype_of
cpu.optimisation: optimise
"""
