"""Faster layers for CPUs with the same numbers, as `optimisation.optimise` puts them into a copy for inference.

In brackets: CPU time that each saved of `CompactFineParser.encode` in float32 on one core, in this order.

optimisation: batch norms folded into the kernels before them: no pass over the features of their own (8 %); chunks
    that fit the memory allocator (1-3 %)
onednn: convolutions with their ReLU and shortcut: the features are read and written once (18 %)
    max pools that compare integers and store no indices (up to 5 %)
winograd: fewer multiplications in the wide 3x3 and 3x3x3 convolutions and in the I3D's first layer (up to 2 %; more in
    `FineParser`, which is wider)
column_pairs: first layers over pairs of columns, for the matrix units in bf16; also used in training
"""
