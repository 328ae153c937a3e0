"""Training and evaluation of networks; scoring a clip needs nothing of it.

launch: train, TASKS
trainer: Trainer, TrainResult, TrainingError
options: TrainOptions, EvaluateOptions, OptionsError
recipe: RecipeOptions, run_recipe
evaluator: evaluate, Evaluation
run_folder: Run, code_version
train_checkpoints: CheckpointFolder, RunError
encoded_dives: EncodedDives, EncodeSettings, encode_dives
predictions: ScorePrediction, predict_scores, measure_predictions
validation: Validation, ValidationResult
losses, auxiliary_losses: Losses and the loss functions
feature_cache: write_cache, CachedDataset
mask_threshold: calibrate_mask_bias
devices, initial_weights: parts of a run
tasks, metrics, jobs: packages
"""
