"""The diving venue: everything around the divers, painted once per clip.

venue: Venue, Light, hsv_colour
scene: Scene, build_scene, panorama_camera
canvas: Canvas
board: Board
tower: Tower, sample_board
pool: paint_pool
water: Water, surface_homography
reflections: draw_reflection, cast_shadow
surroundings, facade, crowd: paint_surroundings, paint_facade, draw_stand
poolside, bystanders: Poolside, Bystander
foreground, graphics: paint_distractors, paint_foreground, draw_graphics
lettering, texture: print, patterns and noise
"""
