"""Images, pages and sentences made from a `DiveReport` or an `Inspection`.

messages: message, score_notes, no_score_message, calibration_message, judge_comparison_message (every sentence for
    people)
results: write_results, write_measurements, zip_results, report_json, frames_csv
report_page: report_html, headline
overlay: MaskStyle, OverlayOptions, draw_mask, draw_caption, write_overlay
markings: Marking, draw_markings (skeleton, path, angle, vertical)
measurements: MeasurementRow, measurement_rows, measurements_json, measurement_table, trajectory_csv
measurement_charts: path_chart, rotation_chart
measurement_pictures: entry_picture, splash_picture
stroboscope: stroboscope
mask_track: MaskTrack, mask_polygons
key_frames: KeyFrame, find_key_frames, fault_key_frames, key_frame_images
comparison_video: Alignment, ClipPhases, ComparisonSide, pair_frames, write_comparison
video_export: playback_rate, with_source_sound
judgement_text: score_text, fault_text, phase_text
judgement_chart: judgement_figure, judgement_html, judgement_rows
waterfall_chart: waterfall_figure, waterfall_html, breakdown_rows
votes_chart: votes_figure, votes_html
timeline_chart: timeline_figure, timeline_html
judge_calibration_chart: judge_calibration_figure
training_charts: loss_figure, validation_figure, prediction_figure
inspection_charts: transition_figure, agreement_figure, similarity_figure, attention_figure, token_figure;
    InspectionImage, frame_images, entry_images
contact_sheet: ContactSheet, contact_sheet
chart_style: figure_layout, axis_layout, round_ticks, signed, GRADIO_CSS
palette: Colour, Theme, PHASE_COLOURS, heatmap
"""
