"""The Gradio app: events of the page call analysis and training, and show their results with rendering.

layout: build_app, launch_options
server: serve

Tabs: analyse_tab (input_panel, dive_list, trim_panel, results_panel, judgement_panel), inspect_tab (inspect_view),
exemplars_tab (user_exemplar_form), train_tab (train_data, train_labels, train_crops, train_settings, train_runs,
trained_weights; events in train_data_events and train_run_events), about_tab.
Shared components: components (groups of components and their values), controls, status, player.
Services: analysis_service, inspection_service, background_tasks, active_weights.
Storage: visitor_exemplars, training_storage.
For programs and hosts: api, settings, server (server_folder, host_guard).
"""
