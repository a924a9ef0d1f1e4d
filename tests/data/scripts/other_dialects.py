"""Lists of NNI 3.0 and NNI 1.x, and dicts that only look like config lists."""

config_list = [{
    'op_types': ['Linear'],
    'op_names_re': ['bert.encoder.layer.[0-9]+.attention.*'],
    'sparse_ratio': 0.3,
    'granularity': [64, 64],
}]

agp_list = [{'initial_sparsity': 0., 'final_sparsity': 0.8, 'start_epoch': 0, 'end_epoch': 10, 'frequency': 1, 'op_types': ['default']}]

calls = client.get_calls(filter={'op_names': ['weave:///rollout'], 'limit': 100})
metrics = [{"total_sparsity": 0.5, "accuracy": 0.91}, {"op_names": ["a"], "latency": 3}]
summary = {"op_names": ["fc1"], "sparsity_per_layer": "see below"}
