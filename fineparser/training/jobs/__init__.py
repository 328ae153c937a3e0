"""Fine-tuning jobs of the Train tab.

job_folder: Job, Jobs, Status, JobError
processes: start_job
run_comparison: compare_run, RunComparison
export: export_weights
pseudo_labels: predict_labels, PseudoLabels, write_masks
"""
