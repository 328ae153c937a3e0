"""Metrics with bootstrap intervals.

metric: Metric, Measurement
score: Spearman, ExecutionSpearman, SpearmanCeiling, ExecutionSpearmanCeiling, RelativeL2, Coverage
masks: MaskIoU, MaskF1, MaskMAE, MaskFBeta, MaskSMeasure
transitions: TemporalIoU, TransitionError
bootstrap_intervals: bootstrap_interval
"""
