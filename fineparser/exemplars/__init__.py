"""Exemplars: dives with known scores, and how they vote on others.

exemplar: Exemplar, ExemplarClip, SimulationRecipe, DiveSpec, ScoredDive, FileFrames, clip_digest
exemplar_bank: ExemplarBank, BankError, encode_frames
bank_building: BankJob, build_bank, bank_dives, select_candidates, with_score_calibration (starts the simulator)
simulated_exemplars: simulate_exemplars, simulate_exemplar, render_exemplar_clip (starts the simulator)
user_exemplars: UserExemplars, ExemplarEncoder, ClipSection, user_folder
selection: ExemplarSelection, Voters, SOURCES, source_of, EXEMPLAR_COUNT
voting: vote_on_pairs, PairVotes, ScoredEncodings
voting_result: vote_on_dive, VotingResult, Vote, ScoreEstimate, Breakdown
score_calibration: ScoreCalibration, NOMINAL_COVERAGE
"""
