"""Filming of a simulated dive: camera, exposure, compositing and recording.

filming: DiveShot, FilmingStyle, FilmingSeeds, FrameWidth, render_layers
camera: Camera, ImageFormat, ImageCrop, follow_diver, orientation, CAMERA_KINDS, Operator, Zoom
render: Diver, PoolSurface, Recording, render
sensor: Sensor, exposure_views, background_motion, motion_blur
"""
