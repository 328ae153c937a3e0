"""The diver: body, shapes, rendering and pose labels.

skeleton: JOINTS, JOINT_INDEX, Sex, Segment, Proportions
body: Body, BodyPart
shape: shape, ANGLES, ANGLE_INDEX, ShapeSequence, joint_positions, hip_angle, knee_angle
skin: BodyPaint, shade, draw_face
body_rendering: draw_divers, DiverPatch
pose: POSE_FIELDS, POSITION_FIELDS, MIRRORED_FIELDS, measure_pose, pose_landmarks
"""
