"""Filming of a simulated dive: camera, exposure, compositing and recording.

filming: DiveShot, FilmingStyle, FilmingSeeds, FrameWidth
camera: Camera, ImageFormat, ImageCrop, follow_diver, orientation, CAMERA_KINDS
operator: Operator, Zoom
exposure: exposure_views, background_motion, motion_blur
render: Diver, PoolSurface, Recording, render
layers: render_layers
sensor: Sensor
"""
