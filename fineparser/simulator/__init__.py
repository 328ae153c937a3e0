"""SynDive: simulated clips of dives with every label known.

    plan: a dive is decided            dive: the clip is rendered and labelled
    dive_sampling --> athlete, flight --> venue, filming --> frames, masks, poses, layers
                      faults --> judges --> awards

Public names:
    dive: simulate, SimulatedDive
    plan: plan_dive, DivePlan, DiveRequest, SPLITS
    dive_sampling: sample_dive, PLATFORM_COUNTS, SPRINGBOARD_COUNTS
    faults: Faults, FaultProfile, sample_faults, sample_level
    judges: Fault, assess_faults, noise_free_award, sample_award, faults_of_award, award_panel, deductions_by_phase
    camera_views: CameraViews
    athlete.pose: POSE_FIELDS, POSITION_FIELDS, MIRRORED_FIELDS, pose_landmarks

Sub-packages:
    athlete: the diver's body, its shapes, its rendering and its pose labels
    flight: the motion from the approach to under the water, splash and board
    venue: pool, tower and board, surroundings, people, water surface
    filming: camera, exposure, recording and the composition of the frames

Everything random comes from the seed, the split and the request: the same arguments give the same bytes.
"""
