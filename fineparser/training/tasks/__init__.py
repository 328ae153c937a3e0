"""Training tasks, one a file; `fineparser.training.launch.TASKS` has them by name.

base: TrainingTask, TaskContext, StepContext
full: FullTask ("everything"), ParsersTask
spatial: SpatialTask
crops: CropsTask
refiner: RefinerTask
entry_segmentation: EntrySegmentationTask
entry_faults: EntryFaultsTask
motion: MotionTask
regression: RegressionTask
"""
