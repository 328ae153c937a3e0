"""Metrics with bootstrap intervals.

metric: Metric, Measurement, bootstrap_interval
score: Spearman, ExecutionSpearman, SpearmanCeiling, ExecutionSpearmanCeiling, RelativeL2, Coverage
masks: MaskIoU, MaskF1, MaskMAE, MaskFBeta, MaskSMeasure
transitions: TemporalIoU, TransitionError
"""
