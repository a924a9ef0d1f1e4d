# %% [markdown]
# # Quantize the classifier
# %%
%load_ext autoreload
%autoreload 2
!pip install -q nni
files = !ls checkpoints

# %%
config_list = [
    {"quant_types": ["weight"], "quant_bits": {"weight": 8, "output": 8}, "op_types": ["Conv2d"]},
    {"quant_types": ["weigth", "input"], "quant_bits": 8, "op_names": ["fc1"]},
]
# %%
config_list[1]["quant_start_step"] = -1
