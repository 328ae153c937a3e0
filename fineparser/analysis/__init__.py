"""Analysis of a clip: from its frames to a `DiveReport` of numbers and codes.

analyser: DiveAnalyser, AnalysisOptions (start here)
clip_scan: ClipScan, MotionEnergy
fall_detection: Fall, detect_falls
crop_choice: CropChoice, CROP_KINDS
diver_search: DiverSearch, DiverCandidate
auto_trim: TrimProposal, TrimPredictors, propose_trim, trim_to_fall, trim_to_flight, write_cropped_frames
dive_evidence: DiveEvidence, DiverPath, FreeFall, PhasePrediction
dive_segments: DiveSegment, find_dives, best_dive, live_dives, dive_of_number
dive_number_check: check_dive_number
quality_checks: check_clip, check_predictions, check_flight_time
report: DiveReport, Transition, WeightsSummary
score_evaluation: ScoredClip, ScoreEvaluation, ScoreEvaluationOptions, JudgingPanel, evaluate_scores
score_statistics: DivePrediction, AwardRange, method_statistics
inspection: Inspection, ExemplarInspection, EntryInspection, ClipLabels, inspect_report, inspect_dive
"""
