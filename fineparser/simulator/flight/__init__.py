"""The motion of a dive, and what it moves: board and water.

diver_motion: plan_motion, plan_partner, DiverMotion, ApproachTiming
approach: standing, running and armstand approaches, BoardDynamics
takeoff: TakeOff
shape_schedule: schedule_dive, DiveShapes, DiverStyle, ShapeTimeline, ease, hermite
twisting: schedule_twisting_dive, TwistTiming
rotation: Rotation, planar_rotation, integrate_rotation, steer_rotation, find_root
spin: solve_spin, SpinSolution
springboard: rendering of the blade and of a platform's slab
splash: Splash, Boil, surface_crossings, entry_speed, sample_drips, Droplets, Overlay, draw_droplets
"""
