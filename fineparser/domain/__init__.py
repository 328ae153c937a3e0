"""Facts of diving. Standard library and numpy only.

dive_code: DiveCode, InvalidDiveCode, legal_codes
rules: find_violation, flight_seconds, DIRECTIONS, POSITIONS
difficulty: difficulty, components, catalogue, parse_height, HEIGHTS
judging: total_score, execution, highest_score, band, PANELS, PENALTIES
standards: Standard, AwardDistribution, award_distribution, standard_shares, award_prior
faults: DeductionCurve, DEDUCTION_CURVES, FAULT_NAMES
phases: Phase, Transitions, sub-actions of FineDiving
clip_geometry: CLIP_FRAMES, CLIP_SIDE, LANDMARKS, LAYERS, GRAVITY, sample_frames, window_starts
mask_agreement: IoU, F1, MAE, F-beta and S-measure of masks
"""
